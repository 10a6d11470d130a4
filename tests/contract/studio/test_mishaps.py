"""What comes between: records that cannot be written, an end in the middle, a cancellation at a bad moment."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import db
from db import DatabaseUnusable, LookRow
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


async def test_a_job_whose_recipe_cannot_be_read_keeps_nobody_else_waiting(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        unreadable = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
        async with opened.database.transaction() as connection:
            await connection.execute_fetchall(
                "UPDATE generations SET recipe = json_set(recipe, '$.scheduler', 'none') WHERE id = :id",
                {"id": unreadable.generation_id},
            )
    async with open_studio() as opened:
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED
        assert await state_of(opened, unreadable.generation_id) == ("queued", 0)


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


async def stopped(drawing: asyncio.Task[None]) -> None:
    drawing.cancel()
    await asyncio.gather(drawing, return_exceptions=True)


async def idle(opened: Opened) -> None:
    async with asyncio.timeout(10):
        while opened.supervisor.state is not WorkerState.IDLE:  # noqa: ASYNC110 (nobody is told of this moment)
            await asyncio.sleep(0)


async def test_a_stop_of_easel_is_no_attempt_at_whatever_moment_it_comes(open_studio: Open) -> None:
    async with open_studio(running=False, capacity=1e6) as opened:
        await opened.supervisor.start()
        for moment in range(30):
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
            drawing = asyncio.create_task(opened.studio.run())
            async with asyncio.timeout(10):
                while not opened.studio.queue()[0].running:  # noqa: ASYNC110 (nobody is told of this moment)
                    await asyncio.sleep(0)
            await asyncio.sleep(moment * 0.0003)
            await stopped(drawing)
            assert await state_of(opened, accepted.generation_id) in {("queued", 0), ("finished", 1)}


async def test_a_stop_of_easel_is_no_attempt_of_what_is_drawn_and_cannot_be_recorded(
    open_studio: Open, in_the_way: sqlite3.Connection, tmp_path: Path
) -> None:
    async with open_studio(running=False) as opened:
        drawing = asyncio.create_task(opened.studio.run())
        async with gate(tmp_path):
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
            await drawing_begun(opened, accepted.generation_id)
            in_the_way.execute("BEGIN IMMEDIATE")
        await idle(opened)
        drawing.cancel()
        in_the_way.execute("ROLLBACK")
        await stopped(drawing)
        assert await state_of(opened, accepted.generation_id) == ("queued", 0)


async def test_what_is_drawn_cannot_be_cancelled_any_more(
    open_studio: Open, in_the_way: sqlite3.Connection, tmp_path: Path
) -> None:
    async with open_studio() as opened:
        async with gate(tmp_path):
            accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=ADDRESS)
            await drawing_begun(opened, accepted.generation_id)
            in_the_way.execute("BEGIN IMMEDIATE")
        await idle(opened)
        assert not await opened.studio.cancel(accepted.generation_id, ANN)
        in_the_way.execute("ROLLBACK")
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED


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


@pytest.fixture
def captioner(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "detectors" / "blip"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"architectures": ["BlipForConditionalGeneration"]}')


async def look(opened: Opened) -> LookRow:
    """A picture that waits to be put into words."""
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    await opened.studio.describe(file.getvalue(), viewer=ANN, address=ADDRESS, private=False)
    async with opened.database.reading() as connection:
        return (await db.looks.every(connection))[-1]


async def announced(opened: Opened) -> str:
    async with asyncio.timeout(30):
        return await anext(opened.studio.endings())


async def look_now(opened: Opened, look_id: str) -> LookRow:
    async with opened.database.reading() as connection:
        found = await db.looks.find(connection, look_id)
    assert found is not None
    return found


@pytest.mark.usefixtures("captioner")
async def test_a_stop_of_easel_is_no_attempt_at_a_picture_that_is_to_be_described(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        await opened.supervisor.start()
        for moment in range(20):
            asked = await look(opened)
            drawing = asyncio.create_task(opened.studio.run())
            await asyncio.sleep(moment * 0.001)
            await stopped(drawing)
            found = await look_now(opened, asked.id)
            assert found.answer is not None or found.attempts == 0


@pytest.mark.usefixtures("captioner")
async def test_a_picture_whose_file_cannot_be_removed_is_answered_and_others_are_drawn(
    open_studio: Open, tmp_path: Path
) -> None:
    async with open_studio(running=False) as opened:
        asked = await look(opened)
        file = tmp_path / "pictures" / "sources" / f"{asked.source}.png"
        file.unlink()
        file.mkdir()
        drawing = asyncio.create_task(opened.studio.run())
        accepted = await opened.studio.submit(A_CAT, viewer=ANN, address=None)
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED
        assert (await look_now(opened, asked.id)).answer is not None
        assert await announced(opened) == asked.id
        await stopped(drawing)


@pytest.mark.usefixtures("captioner")
async def test_what_cannot_be_withdrawn_waits_on(open_studio: Open, in_the_way: sqlite3.Connection) -> None:
    async with open_studio(running=False) as opened:
        asked = await look(opened)
        in_the_way.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnusable):
            await opened.studio.withdraw_looks(ANN.member_id)
        in_the_way.execute("ROLLBACK")
        drawing = asyncio.create_task(opened.studio.run())
        assert await announced(opened) == asked.id
        await stopped(drawing)
