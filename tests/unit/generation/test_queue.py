"""The queue's laws: least served first, nobody stands behind ten jobs of somebody else, bounded."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from generation import HALF_LIFE, Job, JobQueue, Look, QueueFull, Recipe
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


async def drain(queue: JobQueue) -> list[Job | Look]:
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


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0.1, 100), st.booleans()), min_size=1, max_size=20))
def test_pictures_to_be_put_into_words_take_their_turns_as_jobs_do(turns: list[tuple[int, float, bool]]) -> None:
    queue, jobs_alone = a_queue(Clock()), a_queue(Clock())
    for number, (member, cost, looks) in enumerate(turns):
        job = a_job(number, member, cost=cost)
        look = Look(id=job.id, member=member, source="aaaa", cost=cost, created_at=job.created_at)
        queue.put(look if looks else job)
        jobs_alone.put(job)
    order = queue.order()
    assert [turn.id for turn in order] == [job.id for job in jobs_alone.order()]
    assert list(queue.jobs()) == [turn for turn in order if isinstance(turn, Job)]


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


class Waiting(RuleBasedStateMachine):
    """A queue that members come to, leave, and are served from, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = a_queue(self.clock, limit=30, limit_each=12)
        self.jobs: dict[str, Job] = {}
        self.number = 0

    @rule(member=st.integers(1, 5), cost=st.floats(0.1, 100), count=st.integers(1, 10))
    def ask(self, member: int, cost: float, count: int) -> None:
        for _ in range(count):
            own = sum(job.member == member for job in self.jobs.values())
            if len(self.jobs) >= 30 or own >= 12:
                with pytest.raises(QueueFull) as refused:
                    self.queue.check_room(member)
                assert refused.value.own == (len(self.jobs) < 30)
                return
            self.queue.check_room(member)
            self.number += 1
            self.jobs[f"job{self.number:04}"] = job = a_job(self.number, member, cost=cost)
            self.queue.put(job)

    @precondition(lambda self: self.jobs)
    @rule(took=st.floats(0, 200))
    def serve(self, took: float) -> None:
        """Nobody who waits was served less than the member whose job is taken, and it is that one's oldest."""
        served = {job.member: self.queue.served(job.member) for job in self.jobs.values()}
        job = asyncio.run(self.queue.take())
        assert served[job.member] <= min(served.values())
        assert job.id == min(other.id for other in self.jobs.values() if other.member == job.member)
        del self.jobs[job.id]
        assert self.queue.served(job.member) == pytest.approx(served[job.member] + job.cost)
        self.queue.add_served(job.member, took - job.cost)
        assert self.queue.served(job.member) == pytest.approx(served[job.member] + took, abs=1e-6)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.jobs)))
        del self.jobs[job_id]
        assert self.queue.discard(job_id)
        assert not self.queue.discard(job_id)

    @rule(seconds=st.floats(0, 2 * HALF_LIFE))
    def wait(self, seconds: float) -> None:
        """Time makes nobody first who was served more."""
        before = {member: self.queue.served(member) for member in range(1, 6)}
        self.clock.now += seconds
        for member, served in before.items():
            assert self.queue.served(member) == pytest.approx(served * 0.5 ** (seconds / HALF_LIFE))

    @invariant()
    def everything_that_waits_has_one_place(self) -> None:
        assert sorted(job.id for job in self.queue.order()) == sorted(self.jobs)
        assert len(self.queue) == len(self.jobs)

    @invariant()
    def before_the_first_of_somebody_who_was_served_nothing_stand_only_firsts_of_others(self) -> None:
        order = [job.member for job in self.queue.order()]
        for member in set(order):
            if not self.queue.served(member):
                before = order[: order.index(member)]
                assert len(before) == len(set(before))


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
