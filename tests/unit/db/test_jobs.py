"""The laws of a job's states: one end wins, attempts are counted, and a restart finds what was not done."""

import asyncio

import pytest

import db
from db import Connection, Database, UnendedJob, WrongState
from tests.unit.db.rows import a_generation, a_job, record

ENDS = ["finished", "failed", "cancelled"]


async def test_row_comes_back_as_it_went(connection: Connection) -> None:
    await db.generations.insert(connection, a_generation())
    row = a_job(
        state="failed",
        attempts=2,
        started_at=2.0,
        ended_at=3.0,
        seconds=0.0,
        failure_kind="bug",
        failure_detail="'",
    )
    await db.jobs.insert(connection, row)
    assert await db.jobs.find(connection, "aaaa") == row
    assert await db.jobs.find(connection, "bbbb") is None


async def test_jobs_are_found_by_their_generations(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb", "cccc")
    found = await db.jobs.of_generations(connection, ["cccc", "aaaa", "nowhere"])
    assert found == {"aaaa": a_job("aaaa"), "cccc": a_job("cccc", created_at=1002.0)}


@pytest.mark.parametrize(
    "broken", [{"state": "waiting"}, {"state": "finished"}, {"ended_at": 1.0}, {"cost": -1.0}, {"attempts": -1}]
)
async def test_state_that_cannot_be_is_refused(database: Database, broken: dict[str, object]) -> None:
    async with database.transaction() as connection:
        await db.generations.insert(connection, a_generation())
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.jobs.insert(connection, a_job(**broken))


async def test_job_without_a_generation_is_refused(database: Database) -> None:
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.jobs.insert(connection, a_job("nowhere"))


async def test_attempts_are_counted_also_when_the_worker_was_lost(connection: Connection) -> None:
    await record(connection, "aaaa")
    assert await db.jobs.begin_attempt(connection, "aaaa", 5.0) == 1
    assert await db.jobs.begin_attempt(connection, "aaaa", 6.0) == 2
    job = await db.jobs.find(connection, "aaaa")
    assert job is not None
    assert (job.state, job.started_at, job.attempts) == ("running", 6.0, 2)


@pytest.mark.parametrize("end", ENDS)
async def test_ended_job_cannot_begin(connection: Connection, end: str) -> None:
    await record(connection, "aaaa")
    await db.jobs.end(connection, "aaaa", end, 5.0)
    with pytest.raises(WrongState, match=f"aaaa is {end}; it would have to be queued or running") as caught:
        await db.jobs.begin_attempt(connection, "aaaa", 6.0)
    assert caught.value.found == end


async def test_job_that_does_not_exist_cannot_begin(connection: Connection) -> None:
    with pytest.raises(WrongState, match="nowhere has no job"):
        await db.jobs.begin_attempt(connection, "nowhere", 6.0)


@pytest.mark.parametrize(("counted", "attempts"), [(True, 1), (False, 0)])
async def test_job_handed_back_waits_again(connection: Connection, counted: bool, attempts: int) -> None:
    await record(connection, "aaaa")
    assert not await db.jobs.requeue(connection, "aaaa", counted=counted)
    await db.jobs.begin_attempt(connection, "aaaa", 5.0)
    assert await db.jobs.requeue(connection, "aaaa", counted=counted)
    job = await db.jobs.find(connection, "aaaa")
    assert job == a_job(attempts=attempts)


async def test_ended_job_cannot_be_handed_back(connection: Connection) -> None:
    await record(connection, "aaaa")
    await db.jobs.begin_attempt(connection, "aaaa", 5.0)
    await db.jobs.end(connection, "aaaa", "cancelled", 6.0)
    assert not await db.jobs.requeue(connection, "aaaa", counted=True)


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
async def test_first_end_wins(connection: Connection, first: str, second: str) -> None:
    await record(connection, "aaaa")
    assert await db.jobs.end(connection, "aaaa", first, 5.0, 1.5, "bug", "first")
    assert not await db.jobs.end(connection, "aaaa", second, 6.0, 2.5, "bug", "second")
    job = await db.jobs.find(connection, "aaaa")
    assert job == a_job(state=first, ended_at=5.0, seconds=1.5, failure_kind="bug", failure_detail="first")


async def test_of_many_ends_at_once_exactly_one_wins(database: Database) -> None:
    async with database.transaction() as connection:
        await record(connection, "aaaa")

    async def end(number: int) -> bool:
        async with database.transaction() as connection:
            return await db.jobs.end(connection, "aaaa", ENDS[number % 3], float(number))

    assert sum(await asyncio.gather(*(end(number) for number in range(20)))) == 1


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_end_is_an_end(database: Database, state: str) -> None:
    async with database.transaction() as connection:
        await record(connection, "aaaa")
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.jobs.end(connection, "aaaa", state, 5.0)


async def test_restart_finds_what_waits_and_what_ran_oldest_first(connection: Connection) -> None:
    await record(connection, "dddd", "cccc", "bbbb")
    await record(connection, "aaaa", private=True, member_id=2, created_at=1001.0, recipe='{"seed": 0}')
    await db.jobs.begin_attempt(connection, "aaaa", 5.0)
    await db.jobs.end(connection, "dddd", "finished", 6.0)
    unended = await db.jobs.unended(connection)
    assert [job.generation_id for job in unended] == ["aaaa", "cccc", "bbbb"]
    assert unended[0] == UnendedJob(
        generation_id="aaaa",
        member_id=2,
        state="running",
        attempts=1,
        cost=12.0,
        created_at=1001.0,
        recipe='{"seed": 0}',
        private=True,
    )


async def test_served_seconds_are_summed_by_member_from_that_time_on(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb", "cccc", "dddd")
    await record(connection, "eeee", member_id=2)
    for generation_id, at, seconds in [
        ("aaaa", 9.9, 50.0),
        ("bbbb", 10.0, 1.5),
        ("cccc", 11.0, 2.0),
        ("eeee", 12.0, 0.0),
    ]:
        await db.jobs.end(connection, generation_id, "finished", at, seconds)
    assert await db.jobs.served(connection, 10.0) == {1: 3.5, 2: 0.0}
    assert await db.jobs.served(connection, 13.0) == {}
