"""The supervisor against real processes that behave and misbehave."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from generation import (
    Cancelled,
    Describe,
    Described,
    Failed,
    Finished,
    Generate,
    Loading,
    Need,
    Preview,
    Progress,
    RanOut,
    Supervisor,
    WorkerDied,
    WorkerState,
)
from generation.errors import WorkerBusy
from tests.fixture_worker import Gate
from tests.recipes import a_model, a_recipe

FIXTURE = Path(__file__).parents[2] / "fixture_worker.py"


@asynccontextmanager
async def supervising(how: str, **options: float) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(device="auto", command=(sys.executable, str(FIXTURE), how), **options)  # type: ignore[arg-type]
    try:
        yield supervisor
    finally:
        await supervisor.close(grace=2)


def an_order(folder: Path, job: str = "job1") -> Generate:
    return Generate(job=job, recipe=a_recipe(), model=a_model(), folder=str(folder), source_file=None)


def ignore(report: Loading | Progress) -> None:
    del report


async def test_a_job_is_drawn_and_each_step_told(tmp_path: Path) -> None:
    steps: list[int] = []
    async with supervising("behaves") as supervisor:
        report = await supervisor.draw(
            an_order(tmp_path), lambda told: steps.append(told.step) if isinstance(told, Progress) else None
        )
        assert supervisor.state is WorkerState.IDLE
    assert isinstance(report, Finished)
    assert report.recipe == a_recipe()
    assert steps == [1, 2]
    assert supervisor.state is WorkerState.STOPPED


async def test_one_process_serves_many_jobs(tmp_path: Path) -> None:
    async with supervising("behaves") as supervisor:
        first = await supervisor.start()
        for number in range(3):
            await supervisor.draw(an_order(tmp_path, f"job{number}"), ignore)
        assert await supervisor.start() is first


async def test_stray_prints_do_not_break_the_channel(tmp_path: Path) -> None:
    async with supervising("stray_prints") as supervisor:
        assert isinstance(await asyncio.wait_for(supervisor.draw(an_order(tmp_path), ignore), 20), Finished)


@pytest.mark.parametrize(("how", "code"), [("dies_before_its_child", 9), ("hangs_with_its_child", -9)])
async def test_the_end_of_a_worker_is_not_waited_for_as_long_as_its_children_live(
    tmp_path: Path, how: str, code: int
) -> None:
    gate = Gate(tmp_path)
    gate.close()
    try:
        async with supervising(how, step_grace=1) as supervisor:
            with pytest.raises(WorkerDied) as died:
                await asyncio.wait_for(supervisor.draw(an_order(tmp_path), ignore), 20)
            assert died.value.exit_code == code
            assert supervisor.state is WorkerState.STOPPED
    finally:
        await gate.open()


async def test_a_worker_that_dies_says_so_and_is_replaced(tmp_path: Path) -> None:
    async with supervising("dies_once") as supervisor:
        with pytest.raises(WorkerDied) as died:
            await supervisor.draw(an_order(tmp_path), ignore)
        assert died.value.exit_code == 9
        assert supervisor.state is WorkerState.STOPPED
        assert isinstance(await supervisor.draw(an_order(tmp_path), ignore), Finished)


async def test_a_worker_that_does_not_start_leaves_its_last_words() -> None:
    async with supervising("dies_at_start") as supervisor:
        with pytest.raises(WorkerDied):
            await supervisor.start()
        assert supervisor.last_words == "no such device: abacus"


async def test_a_worker_that_is_never_ready_is_killed() -> None:
    async with supervising("never_ready", start_grace=1) as supervisor:
        with pytest.raises(WorkerDied) as died:
            await supervisor.start()
        assert died.value.exit_code == -9


async def test_cancelling_stops_the_job_and_keeps_the_worker(tmp_path: Path) -> None:
    async with supervising("waits_for_cancel") as supervisor:
        begun = asyncio.Event()
        drawing = asyncio.create_task(supervisor.draw(an_order(tmp_path), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        await supervisor.cancel("job1")
        assert isinstance(await asyncio.wait_for(drawing, 20), Cancelled)
        assert supervisor.state is WorkerState.IDLE


async def test_cancelling_another_job_is_nobodys_business(tmp_path: Path) -> None:
    async with supervising("behaves") as supervisor:
        drawing = asyncio.create_task(supervisor.draw(an_order(tmp_path), ignore))
        await supervisor.cancel("somebody-elses")
        assert isinstance(await asyncio.wait_for(drawing, 20), Finished)


async def test_a_job_cancelled_before_the_worker_is_ready_is_never_ordered(tmp_path: Path) -> None:
    async with supervising("behaves") as supervisor:
        drawing = asyncio.create_task(supervisor.draw(an_order(tmp_path), ignore))
        await asyncio.sleep(0)
        assert supervisor.state is WorkerState.STARTING
        await supervisor.cancel("job1")
        assert isinstance(await asyncio.wait_for(drawing, 20), Cancelled)


async def test_a_cancel_that_is_ignored_ends_in_a_kill(tmp_path: Path) -> None:
    async with supervising("ignores_cancel", cancel_grace=0.2) as supervisor:
        begun = asyncio.Event()
        drawing = asyncio.create_task(supervisor.draw(an_order(tmp_path), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        await supervisor.cancel("job1")
        assert isinstance(await asyncio.wait_for(drawing, 20), Cancelled)
        assert supervisor.state is WorkerState.STOPPED


async def test_a_cancellation_that_the_worker_reads_after_the_job_ended_sets_no_end_to_it(tmp_path: Path) -> None:
    order, gate, begun = an_order(tmp_path, "j" * 200_000), Gate(tmp_path), asyncio.Event()
    gate.close()
    async with supervising("behaves") as supervisor:
        drawing = asyncio.create_task(supervisor.draw(order, lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        cancelling = asyncio.create_task(supervisor.cancel(order.job))  # longer than what a pipe takes at once
        await asyncio.sleep(0)
        await gate.open()
        assert isinstance(await asyncio.wait_for(drawing, 20), Failed)  # no file has such a name
        await asyncio.wait_for(cancelling, 20)
        assert supervisor._killing is None
        assert isinstance(await supervisor.draw(an_order(tmp_path), ignore), Finished)
        assert supervisor.starts == 1


async def test_a_worker_that_was_just_killed_is_given_no_order(tmp_path: Path) -> None:
    async with supervising("behaves") as supervisor:
        await supervisor.start()
        supervisor.kill()
        assert isinstance(await supervisor.draw(an_order(tmp_path), ignore), Finished)
        assert supervisor.starts == 2


@pytest.mark.parametrize(
    "send",
    [
        lambda supervisor, order: supervisor.draw(order, ignore),
        lambda supervisor, order: supervisor.load(replace(order.model, title=order.job)),
        lambda supervisor, order: supervisor.describe(replace(a_picture_to_describe(), job=order.job)),
    ],
    ids=["draw", "load", "describe"],
)
async def test_a_worker_that_takes_no_order_is_killed(
    tmp_path: Path, send: Callable[[Supervisor, Generate], Awaitable[object]]
) -> None:
    order = an_order(tmp_path, "j" * 200_000)  # longer than what a pipe takes at once
    async with supervising("never_reads", step_grace=0.3, load_grace=0.3, describe_grace=0.3) as supervisor:
        with pytest.raises(WorkerDied) as died:
            await asyncio.wait_for(send(supervisor, order), 20)
        assert died.value.exit_code == -9


@asynccontextmanager
async def abandoning(how: str, folder: Path) -> AsyncIterator[Supervisor]:
    """A supervisor whose worker still draws a job that nobody waits for any more, and ends it soon."""
    gate, begun = Gate(folder), asyncio.Event()
    gate.close()
    async with supervising(how) as supervisor:
        drawing = asyncio.create_task(supervisor.draw(an_order(folder, "abandoned"), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        await gate.open()
        yield supervisor


async def test_what_is_said_of_an_abandoned_job_is_not_taken_for_the_next_ones(tmp_path: Path) -> None:
    told: list[Loading | Progress | Preview] = []
    async with abandoning("behaves", tmp_path) as supervisor:
        end = await asyncio.wait_for(supervisor.draw(an_order(tmp_path, "next"), told.append), 20)
    assert isinstance(end, Finished)
    assert {end.job, *(each.job for each in told)} == {"next"}


async def test_the_failure_of_an_abandoned_job_is_not_taken_for_that_of_a_picture_to_describe(
    tmp_path: Path,
) -> None:
    async with abandoning("runs_out_of_memory", tmp_path) as supervisor:
        described = await asyncio.wait_for(supervisor.describe(a_picture_to_describe()), 20)
    assert isinstance(described, Described)


async def test_a_worker_that_falls_silent_is_killed(tmp_path: Path) -> None:
    async with supervising("ignores_cancel", step_grace=0.3) as supervisor:
        with pytest.raises(WorkerDied) as died:
            await supervisor.draw(an_order(tmp_path), ignore)
        assert died.value.exit_code == -9


async def test_once_a_jobs_steps_are_known_to_be_short_silence_is_not_waited_for_as_long(tmp_path: Path) -> None:
    async with supervising("stalls", step_grace=50, least_grace=0.3) as supervisor:
        with pytest.raises(WorkerDied) as died:
            await asyncio.wait_for(supervisor.draw(an_order(tmp_path), ignore), 40)
        assert died.value.exit_code == -9


async def test_a_worker_that_grows_past_its_ceiling_is_killed_and_its_job_can_be_tried_with_less(
    tmp_path: Path,
) -> None:
    order, ran_out = an_order(tmp_path), list[RanOut]()
    async with supervising("grows", ceiling=300_000_000) as supervisor:
        with pytest.raises(WorkerDied) as died:
            await asyncio.wait_for(supervisor.draw(order, ignore, on_ran_out=ran_out.append), 40)
        assert died.value.exit_code == -9
        [shortage] = ran_out
        assert shortage.job == order.job
        assert shortage.tried.need == Need.of(order.recipe, batches=False)
        again = await supervisor.draw(replace(order, ran_out=(shortage,)), ignore, on_ran_out=ran_out.append)
        assert isinstance(again, Finished)
        assert ran_out == [shortage]


@pytest.mark.parametrize(("how", "options"), [("dies_while_drawing", {}), ("ignores_cancel", {"step_grace": 0.3})])
async def test_a_worker_that_dies_or_is_killed_for_anything_else_says_nothing_of_memory(
    tmp_path: Path, how: str, options: dict[str, float]
) -> None:
    ran_out: list[RanOut] = []
    async with supervising(how, ceiling=10**12, **options) as supervisor:
        with pytest.raises(WorkerDied):
            await supervisor.draw(an_order(tmp_path), ignore, on_ran_out=ran_out.append)
    assert ran_out == []


async def test_what_a_living_worker_says_of_its_memory_is_passed_on(tmp_path: Path) -> None:
    ran_out: list[RanOut] = []
    async with supervising("runs_out_and_goes_on") as supervisor:
        for job in ("job1", "job2"):
            drawn = await supervisor.draw(an_order(tmp_path, job), ignore, on_ran_out=ran_out.append)
            assert isinstance(drawn, Finished)
        assert isinstance(await supervisor.draw(an_order(tmp_path, "job3"), ignore), Finished)
    assert [each.job for each in ran_out] == ["job1", "job2"]


async def test_a_worker_that_cannot_even_be_started_is_a_dead_one() -> None:
    supervisor = Supervisor(device="auto", command=("/nowhere/python",))
    with pytest.raises(WorkerDied):
        await supervisor.start()
    assert "/nowhere/python" in supervisor.last_words
    await supervisor.close()


async def test_two_jobs_at_once_are_an_error_of_the_caller(tmp_path: Path) -> None:
    async with supervising("behaves") as supervisor:
        first = asyncio.create_task(supervisor.draw(an_order(tmp_path), ignore))
        await asyncio.sleep(0)
        with pytest.raises(WorkerBusy):
            await supervisor.draw(an_order(tmp_path, "job2"), ignore)
        assert isinstance(await first, Finished)


async def test_closing_leaves_no_process_behind() -> None:
    async with supervising("behaves") as supervisor:
        await supervisor.start()
        children = psutil.Process().children(recursive=True)
        assert any(str(FIXTURE) in child.cmdline() for child in children)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def a_picture_to_describe() -> Describe:
    file = BytesIO()
    Image.new("RGB", (24, 16), "teal").save(file, "PNG")
    return Describe(job="look1", picture=file.getvalue(), captioner="/captioners/blip")


async def test_a_picture_is_described_between_two_jobs(tmp_path: Path) -> None:
    async with supervising("behaves") as supervisor:
        await supervisor.draw(an_order(tmp_path), ignore)
        described = await supervisor.describe(a_picture_to_describe())
        assert isinstance(described, Described)
        assert described.prompts[0] == "a picture 24 wide"  # the bytes came as they were sent
        assert supervisor.state is WorkerState.IDLE
        assert isinstance(await supervisor.draw(an_order(tmp_path), ignore), Finished)


async def test_no_picture_is_described_while_one_is_drawn(tmp_path: Path) -> None:
    async with supervising("waits_for_cancel") as supervisor:
        begun = asyncio.Event()
        drawing = asyncio.create_task(supervisor.draw(an_order(tmp_path), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 20)
        with pytest.raises(WorkerBusy):
            await supervisor.describe(a_picture_to_describe())
        await supervisor.cancel("job1")
        await asyncio.wait_for(drawing, 20)


@pytest.mark.parametrize(("how", "code"), [("dies_while_describing", 9), ("stalls_while_describing", -9)])
async def test_a_worker_that_dies_or_hangs_over_a_picture_is_replaced(tmp_path: Path, how: str, code: int) -> None:
    async with supervising(how, describe_grace=0.5) as supervisor:
        with pytest.raises(WorkerDied) as died:
            await supervisor.describe(a_picture_to_describe())
        assert died.value.exit_code == code
        assert isinstance(await supervisor.draw(an_order(tmp_path), ignore), Finished)


async def test_a_picture_that_cannot_be_described_leaves_the_worker_as_it_is() -> None:
    async with supervising("cannot_describe") as supervisor:
        ready = await supervisor.start()
        failed = await supervisor.describe(a_picture_to_describe())
        assert isinstance(failed, Failed)
        assert "blip cannot be read" in failed.failure.detail
        assert await supervisor.start() is ready
