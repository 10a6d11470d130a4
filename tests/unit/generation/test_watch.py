"""What a process died of: its memory, or something else."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from generation.watch import MemoryWatch

HOARD = 60_000_000  # bytes
NOWHERE = Path("/nowhere/vmstat")  # on a system that counts nothing


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.watch._LOOK", 0.01)


@asynccontextmanager
async def a_process(ending: str = "") -> AsyncIterator[Process]:
    """One with much memory of its own, which waits until it is killed, or ends as told."""
    code = f"import sys, time; hoard = b'x' * {HOARD}; print(flush=True); {ending or 'time.sleep(60)'}"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def own(process: Process) -> int:
    used = psutil.Process(process.pid).memory_info()
    return used.rss - getattr(used, "shared", 0)


async def looked_at(watch: MemoryWatch, process: Process) -> None:
    """Have `watch` look at least once, and somebody else kill the process."""
    looking = asyncio.create_task(watch.look(process.kill))
    await asyncio.sleep(0)  # the first look is taken before anything is waited for
    process.kill()
    await process.wait()
    await looking


async def test_a_process_that_has_more_than_it_may_is_killed_and_died_of_its_memory() -> None:
    async with a_process() as process:
        watch = MemoryWatch(process, HOARD // 2, counts=NOWHERE)
        await asyncio.wait_for(watch.look(process.kill), 20)
        await process.wait()

        assert watch.was_memory(killed=False)


async def test_whoever_kills_a_process_near_its_ceiling_does_it_for_its_memory() -> None:
    async with a_process() as process:
        watch = MemoryWatch(process, round(own(process) * 1.1), counts=NOWHERE)
        await looked_at(watch, process)

        assert watch.was_memory(killed=False)
        assert not watch.was_memory(killed=True)  # by its owner, who knows why


async def test_a_process_that_is_killed_far_below_its_ceiling_did_not_die_of_memory() -> None:
    async with a_process() as process:
        watch = MemoryWatch(process, own(process) * 2, counts=NOWHERE)
        await looked_at(watch, process)

        assert not watch.was_memory(killed=False)


async def test_a_kill_that_the_system_counts_while_an_order_is_carried_out_was_for_memory(tmp_path: Path) -> None:
    counts = tmp_path / "vmstat"
    counts.write_text("pgfault 12\noom_kill 1\n")
    async with a_process() as process:
        watch = MemoryWatch(process, None, counts=counts)
        counts.write_text("pgfault 13\noom_kill 2\n")
        watch.begin()
        process.kill()
        await process.wait()

        assert not watch.was_memory(killed=False)  # what was counted before belongs to others
        counts.write_text("pgfault 14\noom_kill 3\n")
        assert watch.was_memory(killed=False)
        assert not watch.was_memory(killed=True)


async def test_a_process_that_ends_by_itself_did_not_die_of_memory(tmp_path: Path) -> None:
    counts = tmp_path / "vmstat"
    counts.write_text("oom_kill 1")
    async with a_process("sys.exit(9)") as process:
        watch = MemoryWatch(process, None, counts=counts)
        counts.write_text("oom_kill 2")
        await process.wait()

        assert not watch.was_memory(killed=False)
