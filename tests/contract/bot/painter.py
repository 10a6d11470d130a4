"""A worker process that paints plain colours, and that waits wherever a test has put up a gate.

A gate is a named pipe `gate` in the folder of the pictures: drawing stops after the first step until the test
opens it for writing and closes it. Prompts say what else is wanted: "fail" fails, "crash" ends the process.
"""

import hashlib
import os
import select
import sys
from pathlib import Path

from PIL import Image

from generation.job import DrawnPicture, Failure, FailureKind
from generation.protocol import (
    Cancel,
    Cancelled,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    Progress,
    Ready,
    Report,
    ShutDown,
    decode_order,
    encode,
)

STEPS = 4


def say(report: Report) -> None:
    sys.stdout.buffer.write(encode(report))
    sys.stdout.buffer.flush()


def cancelled(order: Generate) -> bool:
    """Whether an order to cancel has come; standard input is read unbuffered, so nothing of it hides."""
    while select.select([0], [], [], 0)[0]:
        line = read_line()
        if not line:
            sys.exit()
        told = decode_order(line)
        if isinstance(told, Cancel) and told.job == order.job:
            return True
    return False


def read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


def paint(order: Generate) -> Report:
    say(Progress(job=order.job, step=1, steps=STEPS))
    gate = Path(order.folder) / "gate"
    if gate.exists():
        gate.read_bytes()
    if cancelled(order):
        return Cancelled(job=order.job, seconds=0.1)
    recipe = order.recipe
    if "crash" in recipe.prompt:
        os._exit(9)
    if "fail" in recipe.prompt:
        failure = Failure(kind=FailureKind.OUT_OF_MEMORY, detail="no room for the colours")
        return Failed(job=order.job, failure=failure, seconds=0.1)
    pictures = []
    for number, seed in enumerate(recipe.seeds, start=1):
        name = f"{order.job}.png" if number == 1 else f"{order.job}-{number}.png"
        colour = tuple(hashlib.sha256(f"{seed} {recipe.prompt}".encode()).digest()[:3])
        file = Path(order.folder) / name
        Image.new("RGB", (recipe.width, recipe.height), colour).save(file)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        pictures.append(
            DrawnPicture(path=name, seed=seed, sha256=sha256, width=recipe.width, height=recipe.height)
        )
    for step in range(2, STEPS + 1):
        say(Progress(job=order.job, step=step, steps=STEPS))
    return Finished(job=order.job, recipe=recipe, pictures=tuple(pictures), seconds=0.25)


def main() -> None:
    say(
        Ready(
            device="cpu", device_name="Easel and brush", dtype="float32", reason="colours are exact",
            memory=0, threads=1, versions={},
        )
    )  # fmt: skip
    while line := read_line():
        match decode_order(line):
            case Load(model=model):
                say(Loaded(model=model.name, seconds=0.1))
            case Generate() as order:
                say(paint(order))
            case Cancel():
                pass
            case ShutDown():
                return


if __name__ == "__main__":
    main()
