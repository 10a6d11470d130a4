"""The books hold whatever is asked of them in whatever order, at once, cut off, and over restarts."""

import asyncio
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import db
from bot.ledger import End, Ledger
from bot.place import Address, Viewer
from bot.studio import new_id
from db import Database
from generation import Allowance, AllowanceSpent, DrawnPicture, Job, JobState
from tests.recipes import a_recipe

CAPACITY, PER_HOUR = 100.0, 60.0
MEMBERS = st.integers(1, 3)
COSTS = st.sampled_from([0.5, 10.0, 33.3, 60.0, 150.0])
USUAL = Allowance(capacity=CAPACITY, per_hour=PER_HOUR)
# As servers have it: what is missing is the same number of seconds under each of them.
TERMS = st.sampled_from([Allowance(capacity=capacity, per_hour=PER_HOUR) for capacity in (CAPACITY, 30.0, 400.0)])
WHICH = st.integers(0, 100)  # of those that there are
NOWHERE = Address(channel_id=5)


class Books(RuleBasedStateMachine):
    """The ledger on real SQLite, beside the same books kept in two dictionaries.

    No rule has a precondition: whether a request was recorded before it was cut off is up to the clock, and
    hypothesis has to be able to choose the same again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._loop = asyncio.Runner()
        self.now = 1_000_000.0
        self.left: dict[int, tuple[float, float]] = {}  # member -> seconds, and when they were right
        self.waiting: list[Job] = []
        self.ended: list[Job] = []
        self.charged: dict[str, float] = {}  # generation -> what it was charged
        self.seconds: Counter[int] = Counter()  # member -> of compute, of jobs that ended
        self._open()

    def _open(self) -> None:
        self._database = self._loop.run(Database.open(Path(self._folder.name) / "easel.db"))
        self.ledger = Ledger(self._database, allowance=USUAL, clock=lambda: self.now)

    def teardown(self) -> None:
        self._loop.run(self._database.close())
        self._loop.close()
        self._folder.cleanup()

    def _now_left(self, member: int) -> float:
        seconds, at = self.left.get(member, (CAPACITY, self.now))
        return min(CAPACITY, seconds + (self.now - at) / 3600 * PER_HOUR)

    def _job(self, member: int, cost: float) -> Job:
        return Job(id=new_id(), member=member, recipe=a_recipe(seeds=(1, 2)), cost=cost, created_at=self.now)

    async def _accept(self, job: Job, terms: Allowance = USUAL) -> bool:
        viewer = Viewer(member_id=job.member, guild_id=7)
        try:
            await self.ledger.accept(
                job, viewer=viewer, address=NOWHERE, private=False, parent_id=None, allowance=terms
            )
        except AllowanceSpent:
            return False
        return True

    async def _recorded(self, jobs: list[Job]) -> list[Job]:
        async with self._database.reading() as connection:
            return [job for job in jobs if await db.jobs.find(connection, job.id) is not None]

    def _charge(self, *jobs: Job) -> None:
        for job in jobs:
            self.left[job.member] = self._now_left(job.member) - job.cost, self.now
            self.charged[job.id] = job.cost
        self.waiting += jobs

    @rule(member=MEMBERS, cost=COSTS, count=st.integers(1, 6), terms=TERMS)
    def ask_at_once(self, member: int, cost: float, count: int, terms: Allowance) -> None:
        """As many are taken as there is enough for, to the last second."""
        jobs = [self._job(member, cost) for _ in range(count)]

        async def work() -> list[bool]:
            return await asyncio.gather(*(self._accept(job, terms) for job in jobs))

        taken = [job for job, accepted in zip(jobs, self._loop.run(work()), strict=True) if accepted]
        enough = 0
        left = self._now_left(member) + terms.capacity - CAPACITY
        while enough < count and left >= min(cost, terms.capacity):
            left, enough = left - cost, enough + 1
        assert len(taken) == enough
        self._charge(*taken)

    @rule(member=MEMBERS, cost=COSTS, steps=st.integers(0, 40))
    def ask_and_be_cut_off(self, member: int, cost: float, steps: int) -> None:
        """A request that is cancelled at any step is on record with its charge, or not at all."""
        job = self._job(member, cost)

        async def work() -> list[Job]:
            asking = asyncio.ensure_future(self._accept(job))
            for _ in range(steps):
                await asyncio.sleep(0)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            return await self._recorded([job])

        taken = self._loop.run(work())
        self._charge(*taken)

    @rule(member=MEMBERS, cost=COSTS, count=st.integers(2, 4))
    def ask_for_a_sheet(self, member: int, cost: float, count: int) -> None:
        """All of its cells are taken, or none; a second yes takes none."""
        jobs, sheet_id = [self._job(member, cost) for _ in range(count)], new_id()
        viewer = Viewer(member_id=member, guild_id=7)

        async def work() -> list[object]:
            row = db.SheetRow(
                id=sheet_id, member_id=member, guild_id=7, private=False, plan="{}", asked_at=self.now
            )
            async with self._database.transaction() as connection:
                await db.sheets.insert(connection, row)
            yes = [
                self.ledger.accept_sheet(
                    sheet_id, jobs, viewer=viewer, address=NOWHERE, private=False, allowance=USUAL
                )
                for _ in range(2)
            ]
            return await asyncio.gather(*yes, return_exceptions=True)

        answers = self._loop.run(work())
        if self._now_left(member) < min(count * cost, CAPACITY):
            assert all(isinstance(answer, AllowanceSpent) for answer in answers)
            return
        assert answers.count(True) == answers.count(False) == 1
        self._charge(*jobs)

    @rule(
        which=WHICH,
        state=st.sampled_from([JobState.FINISHED, JobState.FINISHED, JobState.FAILED, JobState.CANCELLED]),
        seconds=st.sampled_from([5.0, 40.0, 500.0]),
        shown=st.integers(1, 2),
    )
    def end(self, which: int, state: JobState, seconds: float, shown: int) -> None:
        """What a finished job did not use comes back, and all of any other; ending at once is ending once."""
        if not self.waiting:
            return
        job = self.waiting.pop(which % len(self.waiting))
        self.ended.append(job)
        pictures = tuple(
            DrawnPicture(path=f"{job.id}-{number}.png", seed=number, sha256="", width=64, height=64)
            for number in range(1, shown + 1 if state is JobState.FINISHED else 1)
        )
        end = End(state=state, seconds=seconds, recipe=job.recipe, pictures=pictures)

        async def work() -> list[bool]:
            return await asyncio.gather(*(self.ledger.end(job, end) for _ in range(3)))

        assert sum(self._loop.run(work())) == 1
        used = min(seconds, job.cost) * shown / 2 if state is JobState.FINISHED else 0.0
        self.left[job.member] = min(CAPACITY, self._now_left(job.member) + job.cost - used), self.now
        self.charged[job.id] = used
        self.seconds[job.member] += seconds

    @rule(which=WHICH)
    def end_again(self, which: int) -> None:
        if not self.ended:
            return
        job = self.ended[which % len(self.ended)]
        assert not self._loop.run(self.ledger.end(job, End(state=JobState.FAILED, seconds=1.0)))

    @rule(which=WHICH)
    def begin(self, which: int) -> None:
        if not self.waiting:
            return
        job = self.waiting[which % len(self.waiting)]
        self._loop.run(self.ledger.begin(job.id))

    @rule()
    def restart(self) -> None:
        """What was being drawn waits again, and nothing else has changed."""
        self._loop.run(self._database.close())
        self._open()
        self._loop.run(self.ledger.hand_back_all())

    @rule(seconds=st.sampled_from([1.0, 600.0, 7200.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def balances_are_what_was_spent_and_what_came_back(self) -> None:
        for member in (1, 2, 3):
            told = self._loop.run(self.ledger.allowance(member)).left
            assert abs(told - max(0.0, self._now_left(member))) < 1e-6

    @invariant()
    def each_job_is_on_record_with_one_charge_and_settled_when_it_ended(self) -> None:
        async def work() -> tuple[list[str], list[tuple[str, float, bool, bool]]]:
            async with self._database.reading() as connection:
                there = await connection.execute_fetchall("SELECT id FROM generations")
                charges = await connection.execute_fetchall(
                    """
                    SELECT generation_id, amount - refunded, settled_at IS NULL, ended_at IS NULL
                    FROM charges LEFT JOIN jobs USING (generation_id)
                    """
                )
            return [row["id"] for row in there], [(row[0], row[1], row[2], row[3]) for row in charges]

        there, charges = self._loop.run(work())
        assert sorted(there) == sorted(self.charged)
        assert {key: round(paid, 6) for key, paid, *_ in charges} == {
            key: round(paid, 6) for key, paid in self.charged.items()
        }
        assert all(unsettled == unended for *_, unsettled, unended in charges)

    @invariant()
    def what_members_were_served_is_what_ran(self) -> None:
        served = self._loop.run(self.ledger.served(seconds_ago=1e9))
        assert {member: seconds for member, seconds in served.items() if seconds} == +self.seconds


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
