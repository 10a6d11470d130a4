"""What comes between: records that cannot be written, an end in the middle, a cancellation at a bad moment."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import db
from db import DatabaseUnusable
from generation import FailureKind, JobState, QueueFull, Request, WorkerState
from tests.contract.studio.conftest import Open, Opened
from tests.contract.studio.test_studio import A_CAT, ADDRESS, ANN, drawing_begun, ended, left, rows


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.endings._PAUSES", (0.05,))


@asynccontextmanager
async def gate(folder: Path) -> AsyncIterator[None]:
    """The worker waits after its first step until this block ends."""
    path = folder / "pictures" / "drawn" / "gate"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    try:
        yield
    finally:
        writing = await asyncio.to_thread(os.open, path, os.O_WRONLY)
        path.unlink()
        os.close(writing)


async def state_of(opened: Opened, generation_id: str) -> tuple[str, int]:
    async with opened.database.reading() as connection:
        job = await db.jobs.find(connection, generation_id)
    assert job is not None
    return job.state, job.attempts


async def test_records_that_cannot_be_written_for_a_while_lose_no_picture(
    open_studio: Open, in_the_way: sqlite3.Connection, tmp_path: Path
) -> None:
    async with open_studio() as opened:
        async with gate(tmp_path):
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
            await drawing_begun(opened, accepted.generation_id)
            in_the_way.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnusable):
            await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        assert (await state_of(opened, accepted.generation_id))[0] == "running"
        in_the_way.execute("ROLLBACK")
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED
        assert await left(opened) == pytest.approx(1000 - 0.25, abs=0.01)
        second = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        assert (await ended(opened, second.generation_id)).state is JobState.FINISHED


async def test_a_job_that_ended_easel_itself_twice_is_set_aside_at_the_third_start(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        async with opened.database.transaction() as connection:
            for _ in range(2):
                await db.jobs.begin_attempt(connection, accepted.generation_id, 0.0)
    async with open_studio() as opened:
        end = await ended(opened, accepted.generation_id)
        assert end.failure is not None
        assert end.failure.kind is FailureKind.SET_ASIDE
        assert await left(opened) == pytest.approx(1000)


async def test_a_cancel_that_is_ignored_ends_the_worker_and_only_the_cancelled_job_is_touched_by_it(
    open_studio: Open,
) -> None:
    async with open_studio(cancel_grace=0.2) as opened:
        stubborn = await opened.studio.submit(Request(prompt="a stubborn cat"), viewer=ANN, address=None)
        other = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        await drawing_begun(opened, stubborn.generation_id)
        assert await opened.studio.cancel(stubborn.generation_id, ANN)
        assert (await ended(opened, stubborn.generation_id)).state is JobState.CANCELLED
        assert (await ended(opened, other.generation_id)).state is JobState.FINISHED
        assert await state_of(opened, other.generation_id) == ("finished", 1)
        assert await left(opened) == pytest.approx(1000 - 0.25, abs=0.01)
        assert opened.supervisor.starts == 2


async def test_a_model_that_ends_the_worker_while_it_is_read_is_tried_no_oftener_than_a_job_may(
    open_studio: Open,
) -> None:
    async with open_studio("dies_while_loading") as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        end = await ended(opened, accepted.generation_id)
        assert end.failure is not None
        assert end.failure.kind is FailureKind.SET_ASIDE
        assert opened.supervisor.starts == 1 + 2  # at first before anybody asked, then for the two attempts
        assert await left(opened) == pytest.approx(1000)


async def test_a_job_that_is_cancelled_when_easel_stops_does_not_come_back(
    open_studio: Open, tmp_path: Path
) -> None:
    async with gate(tmp_path):
        async with open_studio() as opened:
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
            await drawing_begun(opened, accepted.generation_id)
            assert await opened.studio.cancel(accepted.generation_id, ANN)
        async with open_studio(running=False) as opened:
            assert (await state_of(opened, accepted.generation_id))[0] == "cancelled"
            assert await left(opened) == pytest.approx(1000)
        # Whoever opens the pipe now would wait for a worker that is gone.
        reading = os.open(tmp_path / "pictures" / "drawn" / "gate", os.O_RDONLY | os.O_NONBLOCK)
    os.close(reading)


async def test_a_cancellation_while_the_attempt_is_written_down_counts(
    open_studio: Open, in_the_way: sqlite3.Connection
) -> None:
    async with open_studio() as opened:
        await ended(opened, (await opened.studio.submit(A_CAT, viewer=ANN, address=None)).generation_id)
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        in_the_way.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(10):
            while not opened.studio.queue()[0].running:  # noqa: ASYNC110 (the studio tells nobody of this moment)
                await asyncio.sleep(0)
        assert await opened.studio.cancel(accepted.generation_id, ANN)
        in_the_way.execute("ROLLBACK")
        assert (await ended(opened, accepted.generation_id)).state is JobState.CANCELLED


async def test_a_cancellation_counts_at_whatever_moment_before_the_worker_has_the_order(open_studio: Open) -> None:
    async with open_studio("waits_for_cancel") as opened:
        for moment in range(40):
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
            async with asyncio.timeout(10):
                while not opened.studio.queue()[0].running:  # noqa: ASYNC110 (the studio tells nobody of this moment)
                    await asyncio.sleep(0)
            await asyncio.sleep(moment * 0.0002)
            assert await opened.studio.cancel(accepted.generation_id, ANN)
            assert (await ended(opened, accepted.generation_id)).state is JobState.CANCELLED
        assert await left(opened) == pytest.approx(1000)
        assert opened.supervisor.starts == 1


async def test_a_cancellation_counts_while_a_job_whose_worker_died_is_put_back(
    open_studio: Open, in_the_way: sqlite3.Connection
) -> None:
    async with open_studio("waits_for_cancel") as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        await drawing_begun(opened, accepted.generation_id)
        in_the_way.execute("BEGIN IMMEDIATE")
        opened.supervisor.kill()
        async with asyncio.timeout(10):
            while opened.supervisor.state is WorkerState.DRAWING:  # noqa: ASYNC110 (nobody is told of this moment)
                await asyncio.sleep(0)
        assert await opened.studio.cancel(accepted.generation_id, ANN)
        in_the_way.execute("ROLLBACK")
        assert (await ended(opened, accepted.generation_id)).state is JobState.CANCELLED
        assert await left(opened) == pytest.approx(1000)


async def test_a_cancellation_that_cannot_be_recorded_leaves_the_job_waiting(
    open_studio: Open, in_the_way: sqlite3.Connection
) -> None:
    async with open_studio(running=False) as opened:
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        in_the_way.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnusable):
            await opened.studio.cancel(accepted.generation_id, ANN)
        in_the_way.execute("ROLLBACK")
        assert [job.generation_id for job in opened.studio.queue()] == [accepted.generation_id]
        assert await opened.studio.cancel(accepted.generation_id, ANN)


async def test_the_queues_limit_holds_for_requests_made_at_once(open_studio: Open) -> None:
    async with open_studio(running=False, limit=2) as opened:
        asked = [opened.studio.submit(A_CAT, viewer=ANN, address=None) for _ in range(10)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, QueueFull) for answer in answers) == 8
        assert await rows(opened, "charges") == 2
