"""The queue's laws: least served first, nobody stands behind ten jobs of somebody else, bounded."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import HALF_LIFE, Job, JobQueue, QueueFull, Recipe
from tests.recipes import a_recipe


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_queue(clock: Clock, *, limit: int = 1000, limit_each: int = 1000) -> JobQueue:
    return JobQueue(limit=limit, limit_each=limit_each, clock=clock)


def a_job(number: int, member: int, *, cost: float = 10.0, recipe: Recipe | None = None) -> Job:
    return Job(
        id=f"job{number:04}", member=member, recipe=recipe or a_recipe(), cost=cost, created_at=float(number)
    )


async def drain(queue: JobQueue) -> list[Job]:
    return [await queue.take() for _ in range(len(queue))]


async def test_ten_jobs_of_one_member_never_stand_before_the_first_of_another() -> None:
    queue = a_queue(Clock())
    for number in range(10):
        queue.put(a_job(number, member=1))
    queue.put(a_job(10, member=2))
    members = [job.member for job in await drain(queue)]
    assert members.index(2) == 1


async def test_the_cheap_user_is_served_before_the_heavy_one_by_seconds_not_by_jobs() -> None:
    queue = a_queue(Clock())
    queue.put(a_job(0, member=1, cost=100))
    queue.put(a_job(1, member=1, cost=100))
    for number in range(2, 7):
        queue.put(a_job(number, member=2, cost=20))
    members = [job.member for job in await drain(queue)]
    assert members == [1, 2, 2, 2, 2, 2, 1]


async def test_what_was_served_fades_with_the_half_life() -> None:
    clock = Clock()
    queue = a_queue(clock)
    queue.add_served(1, 100)
    clock.now += HALF_LIFE
    assert queue.served(1) == pytest.approx(50)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.1, 100)), min_size=1, max_size=40))
def test_the_order_that_is_told_is_the_order_that_comes(jobs: list[tuple[int, float]]) -> None:
    queue = a_queue(Clock())
    for number, (member, cost) in enumerate(jobs):
        queue.put(a_job(number, member, cost=cost))
    told = [job.id for job in queue.order()]
    assert [job.id for job in asyncio.run(drain(queue))] == told
    assert sorted(told) == [f"job{number:04}" for number in range(len(jobs))]


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.1, 100)), min_size=1, max_size=40))
def test_each_member_is_served_in_the_order_of_asking(jobs: list[tuple[int, float]]) -> None:
    queue = a_queue(Clock())
    for number, (member, cost) in enumerate(jobs):
        queue.put(a_job(number, member, cost=cost))
    for member in range(1, 6):
        own = [job.id for job in queue.order() if job.member == member]
        assert own == sorted(own)


async def test_a_full_queue_refuses_and_says_whose_limit_it_is() -> None:
    queue = a_queue(Clock(), limit=3, limit_each=2)
    queue.put(a_job(0, member=1))
    queue.put(a_job(1, member=1))
    with pytest.raises(QueueFull) as own:
        queue.check_room(1)
    assert own.value.own
    assert (own.value.waiting, own.value.limit) == (2, 2)
    queue.put(a_job(2, member=2))
    with pytest.raises(QueueFull) as everybody:
        queue.check_room(3)
    assert not everybody.value.own


async def test_a_discarded_job_is_never_taken() -> None:
    queue = a_queue(Clock())
    queue.put(a_job(0, member=1))
    queue.put(a_job(1, member=1))
    assert queue.discard("job0000")
    assert not queue.discard("job0000")
    assert [job.id for job in await drain(queue)] == ["job0001"]


async def test_taking_waits_for_a_job_to_come() -> None:
    queue = a_queue(Clock())
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert not taking.done()
    queue.put(a_job(0, member=1))
    assert (await asyncio.wait_for(taking, 5)).id == "job0000"
