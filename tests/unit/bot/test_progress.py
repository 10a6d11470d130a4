"""Progress is told at its pace, newest first, and is silent once the result is on its way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import discord
import pytest

from bot.attachments import PREVIEW_NAME
from bot.content import ContentFilter, Display
from bot.place import Address
from bot.post import Closed, Files, Post, Unreachable
from bot.progress import TIME_INTERVAL, Progress
from bot.studio import Studio
from bot.updates import Drawing, Ended, Feed, Update, Waiting
from bot.views import waiting_view
from generation import Estimate, JobState

ADDRESS = Address(channel_id=2, waiting_message_id=3)


class Jobs:
    """As much of a studio as is followed: one job's feed."""

    def __init__(self) -> None:
        self.feed = Feed(Waiting(place=2, expected=Estimate.sure(9.0)))
        self.told: tuple[str, ...] = ()
        self.covering: set[int | None] = set()  # servers whose pictures are spoilers

    def follow(self, generation_id: str) -> AsyncIterator[Update]:
        del generation_id
        return self.feed.follow()

    def display(self, guild_id: int | None) -> Display:
        return Display(operator=ContentFilter.OFF, covered=guild_id in self.covering)

    async def notes(self, generation_id: str) -> tuple[str, ...]:
        del generation_id
        return self.told


class Wall:
    """As much of the post as progress uses: it keeps what was written, and may be slow or shut."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.attached: list[list[str] | None] = []  # names of files, None for an edit that leaves them
        self.open = asyncio.Event()
        self.open.set()
        self.trouble: Exception | None = None
        self.tried = asyncio.Event()

    async def edit_waiting(
        self, address: Address, *, content: str, view: discord.ui.View, files: Files | None
    ) -> int:
        assert address is ADDRESS
        assert view.children
        self.tried.set()
        await self.open.wait()
        if self.trouble is not None:
            raise self.trouble
        self.written.append(content.splitlines()[-1])
        self.attached.append(None if files is None else [file.filename for file in files()])
        return 3


class Pace:
    """Pauses that end when the test says so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.seconds: list[float] = []
        self._over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.asked.set()
        await self._over.wait()
        self._over.clear()

    async def begun(self) -> None:
        async with asyncio.timeout(5):
            await self.asked.wait()
        self.asked.clear()

    def end(self) -> None:
        self._over.set()


@pytest.fixture
async def wall() -> Wall:
    return Wall()


@pytest.fixture
async def pace() -> Pace:
    return Pace()


@pytest.fixture
async def jobs() -> Jobs:
    return Jobs()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def progress(jobs: Jobs, wall: Wall, pace: Pace, clock: Clock) -> Progress:
    return Progress(cast(Studio, jobs), cast(Post, wall), waiting_view, interval=2.0, sleep=pace, clock=clock)


async def test_the_first_state_is_told_at_once_and_the_next_after_the_interval(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    assert wall.written == ["-# Place 2 in the queue, ready in about 10 s"]
    assert pace.seconds == [2.0]
    for step in (1, 2, 3):
        jobs.feed.set(Drawing(step=step, steps=4, remaining=None))
    pace.end()
    await pace.begun()
    # What came in between is never told.
    assert wall.written[1:] == ["-# ▰▰▰▰▰▰▰▰▰▱▱▱ step 3 of 4"]
    await progress.close()


async def test_what_was_told_already_is_not_told_again(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    jobs.feed.set(Waiting(place=2, expected=Estimate.sure(8.9)))  # the same in whole seconds
    pace.end()
    jobs.feed.set(Drawing(step=1, steps=4, remaining=None))
    await pace.begun()
    assert len(wall.written) == 2
    await progress.close()


async def test_another_time_alone_is_told_seldom(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace, clock: Clock
) -> None:
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    pace.end()
    clock.now = TIME_INTERVAL - 1
    jobs.feed.set(Waiting(place=2, expected=Estimate.sure(40.0)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(wall.written) == 1
    clock.now = TIME_INTERVAL
    jobs.feed.set(Waiting(place=2, expected=Estimate.sure(35.0)))
    await pace.begun()
    assert wall.written[1:] == ["-# Place 2 in the queue, ready in about 35 s"]
    pace.end()
    jobs.feed.set(Waiting(place=1, expected=Estimate.sure(35.0)))  # another place is told at once
    await pace.begun()
    assert wall.written[2:] == ["-# Next in line, ready in about 35 s"]
    await progress.close()


async def test_nothing_is_told_after_a_stop(progress: Progress, jobs: Jobs, wall: Wall, pace: Pace) -> None:
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    await progress.stop("abc")
    jobs.feed.set(Drawing(step=1, steps=4, remaining=None))
    pace.end()
    await asyncio.sleep(0)
    assert len(wall.written) == 1
    await progress.stop("abc")


async def test_a_job_that_is_accepted_while_easel_ends_is_not_followed(progress: Progress, wall: Wall) -> None:
    await progress.close()
    told = len(wall.written)
    progress.follow("b", ADDRESS, "a boat")
    await asyncio.sleep(0.05)
    assert len(wall.written) == told


async def test_what_is_told_with_the_result_is_told_while_it_waits(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    jobs.told = ("Upright.",)
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    assert wall.written == ["-# Upright."]
    await progress.close()


async def test_a_stop_waits_for_an_edit_that_is_on_its_way(progress: Progress, wall: Wall) -> None:
    wall.open.clear()
    progress.follow("abc", ADDRESS, "a cat")
    await wall.tried.wait()
    stopping = asyncio.create_task(progress.stop("abc"))
    await asyncio.sleep(0)
    assert not stopping.done()
    wall.open.set()
    await stopping
    assert len(wall.written) == 1


async def test_an_edit_that_never_arrives_holds_a_stop_up_for_a_moment_only(
    progress: Progress, wall: Wall
) -> None:
    wall.open.clear()
    progress.follow("abc", ADDRESS, "a cat")
    await wall.tried.wait()
    async with asyncio.timeout(5):
        await progress.stop("abc")
    assert wall.written == []


async def test_a_passing_fault_does_not_end_the_telling(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    wall.trouble = Unreachable("503")
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    wall.trouble = None
    jobs.feed.set(Drawing(step=1, steps=4, remaining=None))
    pace.end()
    await pace.begun()
    assert len(wall.written) == 1
    await progress.close()


async def test_a_deleted_waiting_message_ends_the_telling(progress: Progress, jobs: Jobs, wall: Wall) -> None:
    wall.trouble = Closed("404 10008")
    progress.follow("abc", ADDRESS, "a cat")
    await wall.tried.wait()
    wall.tried.clear()
    jobs.feed.set(Drawing(step=1, steps=4, remaining=None))
    await asyncio.sleep(0)
    assert not wall.tried.is_set()
    await progress.stop("abc")


@pytest.mark.parametrize(("place", "pause"), [(1, 2.0), (5, 2.0), (20, 8.0), (200, TIME_INTERVAL)])
async def test_whoever_waits_far_back_is_told_less_often(
    progress: Progress, jobs: Jobs, pace: Pace, place: int, pause: float
) -> None:
    jobs.feed.set(Waiting(place=place, expected=Estimate.sure(99.0)))
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    assert pace.seconds == [pause]


async def test_the_end_is_left_to_the_delivery(progress: Progress, jobs: Jobs, wall: Wall, pace: Pace) -> None:
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    jobs.feed.set(Ended(state=JobState.FINISHED))
    pace.end()
    await asyncio.sleep(0)
    await progress.stop("abc")
    assert len(wall.written) == 1


async def test_a_preview_is_sent_once_and_goes_when_the_job_waits_again(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    step = Drawing(step=1, steps=4, remaining=None, preview=b"rough")
    progress.follow("abc", ADDRESS, "a cat")
    for update in (step, replace(step, step=2), replace(step, step=2, preview=b"finer"), None):
        await pace.begun()
        jobs.feed.set(Waiting(place=1, expected=Estimate.sure(9.0)) if update is None else update)
        pace.end()
    await pace.begun()
    # What an earlier run of the bot left there goes with the first edit.
    assert wall.attached == [[], [PREVIEW_NAME], None, [PREVIEW_NAME], []]
    assert pace.seconds == [2.0] * 5
    await progress.close()


async def test_a_rule_of_a_server_holds_for_the_previews_after_it(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    progress.follow("abc", ADDRESS, "a cat", guild_id=10)
    for preview in (b"rough", b"finer"):
        await pace.begun()
        jobs.feed.set(Drawing(step=1, steps=4, remaining=None, preview=preview))
        pace.end()
        await pace.begun()
        jobs.covering.add(10)
        pace.asked.set()
    assert wall.attached == [[], [PREVIEW_NAME], [f"SPOILER_{PREVIEW_NAME}"]]
    await progress.close()


async def test_a_preview_that_did_not_arrive_is_sent_again(
    progress: Progress, jobs: Jobs, wall: Wall, pace: Pace
) -> None:
    progress.follow("abc", ADDRESS, "a cat")
    await pace.begun()
    wall.trouble = Unreachable("503")
    jobs.feed.set(Drawing(step=1, steps=4, remaining=None, preview=b"rough"))
    pace.end()
    await pace.begun()
    wall.trouble = None
    jobs.feed.set(Drawing(step=2, steps=4, remaining=None, preview=b"rough"))
    pace.end()
    await pace.begun()
    assert wall.attached == [[], [PREVIEW_NAME]]
    await progress.close()
