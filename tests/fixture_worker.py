"""A worker process that keeps the protocol and misbehaves as its first argument says. It draws nothing."""

import os
import sys
import time
from pathlib import Path

from generation.job import DrawnPicture
from generation.protocol import (
    Cancel,
    Cancelled,
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


def say(report: Report) -> None:
    sys.stdout.buffer.write(encode(report))
    sys.stdout.buffer.flush()


def draw(order: Generate, how: str) -> None:
    if how == "dies_while_drawing" or (how == "dies_once" and not _seen_before(order)):
        say(Progress(job=order.job, step=1, steps=2))
        os._exit(9)
    if how == "stray_prints":
        sys.stdout.buffer.write(b"\xff\xfe loading weights: 100%\n")
        sys.stderr.write("x" * 5000 + "\n")
    if how == "waits_for_cancel":
        say(Progress(job=order.job, step=1, steps=100))
        cancel = decode_order(sys.stdin.buffer.readline())
        assert isinstance(cancel, Cancel)
        say(Cancelled(job=cancel.job, seconds=0.5))
        return
    if how == "ignores_cancel":
        say(Progress(job=order.job, step=1, steps=100))
        time.sleep(60)  # longer than any grace a test gives
    for step in (1, 2):
        say(Progress(job=order.job, step=step, steps=2))
    picture = DrawnPicture(path=f"{order.job}.png", seed=7, sha256="0" * 64, width=8, height=8)
    say(Finished(job=order.job, recipe=order.recipe, pictures=(picture,), seconds=0.25))


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
            device="cpu", device_name="Abacus", dtype="float32", reason="it has beads",
            memory=0, threads=1, versions={},
        )
    )  # fmt: skip
    for line in sys.stdin.buffer:
        match decode_order(line):
            case Load(model=model):
                say(Loaded(model=model.name, seconds=0.1))
            case Generate() as order:
                draw(order, how)
            case Cancel():
                pass
            case ShutDown():
                return


if __name__ == "__main__":
    main(sys.argv[1])
