"""A worker process that keeps the protocol, paints plain colours, and misbehaves as its first argument says.

A named pipe `gate` in the folder of the pictures holds it up after its first step, until a test opens its Gate.
"""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from generation.job import DrawnPicture, Failure, FailureKind
from generation.protocol import (
    Cancel,
    Cancelled,
    Describe,
    Described,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    Preview,
    Progress,
    RanOut,
    Ready,
    Report,
    ShutDown,
    Trying,
    decode_order,
    encode,
)
from generation.tries import Need, Try


class Gate:
    """Holds a worker that draws into `folder` up after its first step, while it is closed."""

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "gate"

    def close(self) -> None:
        os.mkfifo(self._pipe)

    async def open(self) -> None:
        """Let the one job that waits there go on, and all later ones."""
        writing = await asyncio.to_thread(os.open, self._pipe, os.O_WRONLY)
        self._pipe.unlink()  # first: the next job would wait for somebody who never comes
        os.close(writing)


_MANY = 15  # steps
_STEPS = ("whole brush", "half a brush")  # of its ladder of memory


def say(report: Report) -> None:
    sys.stdout.buffer.write(encode(report))
    sys.stdout.buffer.flush()


def say_first_step(order: Generate, how: str) -> None:
    say(Trying(job=order.job, tried=a_try(order)))
    if how == "runs_out_and_goes_on":
        say(RanOut(job=order.job, tried=a_try(order)))
    say(Progress(job=order.job, step=1, steps=2))
    if order.preview_every is not None:
        say(Preview(job=order.job, picture=preview()))


def draw(order: Generate, how: str) -> Report:
    """The last report about an order; nothing of it is left to say where the process ends instead."""
    say_first_step(order, how)
    leave_a_child(how, order)
    gate = Path(order.folder) / "gate"
    if gate.exists():
        gate.read_bytes()
    die_drawing(how, order)
    if how == "takes_its_time":
        time.sleep(0.6 * hashlib.sha256(order.recipe.prompt.encode()).digest()[0] / 255)
        if "poison" in order.recipe.prompt:
            os._exit(9)
    if how == "stray_prints":
        sys.stdout.buffer.write(b"\xff\xfe loading weights: 100%\n")
        sys.stdout.buffer.write(b"x" * 2_500_000 + b"\n")  # longer than any report
        sys.stderr.write("x" * 5000 + "\n")
    too_much = how == "runs_out_in_many_steps" and order.recipe.num_inference_steps > _MANY
    if how == "runs_out_of_memory" or too_much:
        failure = Failure(kind=FailureKind.OUT_OF_MEMORY, detail="no room for the colours")
        return Failed(job=order.job, failure=failure, seconds=0.25)
    if how == "waits_for_cancel":
        cancel = decode_order(sys.stdin.buffer.readline())
        assert isinstance(cancel, Cancel)
        return Cancelled(job=cancel.job, seconds=0.25)
    if how == "ignores_cancel" or "stubborn" in order.recipe.prompt:
        time.sleep(60)  # longer than any grace a test gives
    say(Progress(job=order.job, step=2, steps=2))
    stall(how, order)
    try:
        pictures = tuple(
            replace(paint(order, number), flagged=how == "flags_all" or (how == "flags_first" and number == 1))
            for number in range(1, len(order.recipe.seeds) + 1)
        )
    except OSError as error:
        failure = Failure(kind=FailureKind.DISK_FULL, detail=str(error))
        return Failed(job=order.job, failure=failure, seconds=0.25)
    return Finished(job=order.job, recipe=order.recipe, pictures=pictures, seconds=0.25)


def a_try(order: Generate) -> Try:
    """How an order is tried: on the first step for which no memory ran out before."""
    model = order.model.name
    whole, half = (
        Try(model=model, revision="1", place="easel", need=Need.of(order.recipe, batches=False), step=step)
        for step in _STEPS
    )
    return half if whole in {each.tried for each in order.ran_out} else whole


def describe(order: Describe, how: str) -> Report:
    """What is said of a picture; nothing is said where the process ends instead."""
    if how == "dies_while_describing":
        os._exit(9)
    if how == "stalls_while_describing":
        time.sleep(60)  # longer than any grace a test gives
    if how == "cannot_describe":
        failure = Failure(kind=FailureKind.UNFIT, detail=f"{Path(order.captioner).name} cannot be read: ask.")
        return Failed(job=order.job, failure=failure, seconds=0.25)
    with Image.open(BytesIO(order.picture)) as picture:
        size = picture.size
    prompts = () if how == "finds_no_words" else (f"a picture {size[0]} wide", "a red cat", "a cat on the beach")
    return Described(job=order.job, prompts=prompts, seconds=0.25)


def die_loading(how: str) -> None:
    """End as a worker does whose model cannot be read without that, if that is how it is."""
    if how == "dies_while_loading":
        os._exit(9)


def die_drawing(how: str, order: Generate) -> None:
    """End as a worker does that was killed over a picture, if that is how it is."""
    over_this = how == "dies_over_a_source" and order.source_file is not None
    if how == "dies_while_drawing" or over_this or (how == "dies_once" and not _seen_before(order)):
        os._exit(9)


def leave_a_child(how: str, order: Generate) -> None:
    """Start a process that has the same pipes and ends with the gate; then die, or hang, if that is how it is."""
    if how in {"dies_before_its_child", "hangs_with_its_child"}:
        subprocess.Popen(["cat", Path(order.folder) / "gate"])
        if how == "dies_before_its_child":
            os._exit(9)
        time.sleep(60)  # longer than any grace a test gives


def stall(how: str, order: Generate) -> None:
    """Hang, if that is how it is; with much memory, as far as none was lacking before, or with none."""
    hoard = b"x" * 400_000_000 if how == "grows" and a_try(order).step == _STEPS[0] else b""
    if how == "stalls" or hoard:
        time.sleep(60)  # longer than any grace a test gives


def preview() -> bytes:
    """A grey picture of 24 by 16 pixels."""
    file = BytesIO()
    Image.new("RGB", (24, 16), "grey").save(file, "JPEG")
    return file.getvalue()


def paint(order: Generate, number: int) -> DrawnPicture:
    """One picture, in a colour that comes of its seed and its prompt."""
    recipe, seed = order.recipe, order.recipe.seeds[number - 1]
    file = Path(order.folder) / (f"{order.job}.png" if number == 1 else f"{order.job}-{number}.png")
    colour = tuple(hashlib.sha256(f"{seed} {recipe.prompt}".encode()).digest()[:3])
    Image.new("RGB", (recipe.width, recipe.height), colour).save(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return DrawnPicture(path=file.name, seed=seed, sha256=sha256, width=recipe.width, height=recipe.height)


def _seen_before(order: Generate) -> bool:
    mark = Path(order.folder) / f"{order.job}.seen"
    seen = mark.exists()
    mark.touch()
    return seen


def main(how: str) -> None:
    if how == "dies_at_start":
        sys.exit("no such device: abacus")
    if how == "never_ready":
        time.sleep(60)  # longer than any grace a test gives
    say(
        Ready(
            device="cpu", device_name="Easel and brush", dtype="float32", reason="colours are exact",
            memory=0, threads=1, versions={},
        )
    )  # fmt: skip
    if how == "never_reads":
        time.sleep(60)  # longer than any grace a test gives
    for line in sys.stdin.buffer:
        match decode_order(line):
            case Load(model=model):
                die_loading(how)
                say(Loaded(model=model.name, seconds=0.1))
            case Generate() as order:
                die_loading(how)
                say(draw(order, how))
            case Describe() as order:
                say(describe(order, how))
            case Cancel():
                pass
            case ShutDown():
                return


if __name__ == "__main__":
    main(sys.argv[1])
