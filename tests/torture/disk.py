"""A disk that is full at random points of the work, and has room again a little later."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.disks import fill, small_disk
from tests.torture.crowd import Crowd, crowd, do_something
from tests.torture.row import Row

SEED = 25
KILOBYTES = 40_000


async def run(folder: Path, *, quick: bool = False) -> Row:
    points = 2 if quick else 20
    with _disk(folder / "data") as mounted:
        async with crowd(folder, seed=SEED, haste=20) as made:
            for point in range(points):
                acting = asyncio.create_task(_act(made, point))
                await asyncio.sleep(made.chance.uniform(0.0, 3.0))
                left = round(
                    2 ** made.chance.uniform(0, 18)
                )  # bytes: mostly less than one page, or one transaction
                with _full(made, folder / "data", left, mounted=mounted):
                    await asyncio.sleep(made.chance.uniform(0.5, 3.0))
                await acting
                await made.settled()
            await made.bot.restart()
            audit = await made.settled()
            damage = [str(row[0]) for row in made.books.rows("PRAGMA integrity_check") if row[0] != "ok"]
            damage += [str(tuple(row)) for row in made.books.rows("PRAGMA foreign_key_check")]
    how = "a small disk" if mounted else "a limit on the size of files, as disks may not be mounted here"
    return Row(
        name="disk",
        done=f"full at {points} random points ({how}), seed {SEED}",
        figure=f"{len(damage)} corrupted, {len(audit.half_recorded)} half-recorded; {audit}",
        passed=audit.flawless and not damage and audit.accepted > points,
        wrong=[*damage, *audit.wrong],
    )


async def _act(made: Crowd, point: int) -> None:
    for number in range(8):
        do_something(made, made.chance.choice(made.members), 10 * point + number)
        await asyncio.sleep(made.chance.uniform(0.1, 0.6))


@contextmanager
def _disk(folder: Path) -> Iterator[bool]:
    """A small disk at `folder` for the block; False where this user may not mount one."""
    with ExitStack() as stack:
        try:
            stack.enter_context(small_disk(folder, kilobytes=KILOBYTES))
        except pytest.skip.Exception:
            yield False
        else:
            yield True


@contextmanager
def _full(made: Crowd, disk: Path, left: int, *, mounted: bool) -> Iterator[None]:
    """No room on the disk but for `left` bytes, or no file of the bot and its worker larger than that."""
    if mounted:
        fill(disk, leaving=left)
        yield
        (disk / "filling").unlink()
        return
    processes = [psutil.Process(made.bot.pid), *made.workers]
    before = [process.rlimit(psutil.RLIMIT_FSIZE) for process in processes]
    for process, (_, hard) in zip(processes, before, strict=True):
        process.rlimit(psutil.RLIMIT_FSIZE, (left, hard))
    yield
    for process, limits in zip(processes, before, strict=True):
        if process.is_running():
            process.rlimit(psutil.RLIMIT_FSIZE, limits)
