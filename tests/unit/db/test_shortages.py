"""The laws of what ran out of memory: kept once for each way, outliving whoever's job it was."""

from dataclasses import replace

import db
from db import Connection, ShortageRow
from tests.unit.db.rows import a_generation

A_SHORTAGE = ShortageRow(
    model="sdxl", revision="f00", place="cuda:0, 8.6 GB", need='{"pixels": 1}', step="full", job="aaaa", at=5.0
)


async def test_each_way_is_on_record_once_with_the_job_that_was_last(connection: Connection) -> None:
    for job in ("aaaa", "bbbb"):
        await db.generations.insert(connection, a_generation(job))
        await db.shortages.put(connection, replace(A_SHORTAGE, job=job))
    lower = replace(A_SHORTAGE, step="by parts", job=None, at=6.0)
    await db.shortages.put(connection, lower)

    assert await db.shortages.of_model(connection, "sdxl", since=5.0) == [replace(A_SHORTAGE, job="bbbb"), lower]
    assert await db.shortages.of_model(connection, "sdxl", since=5.5) == [lower]
    assert await db.shortages.of_model(connection, "sd-1.5", since=0.0) == []


async def test_what_is_too_long_ago_is_forgotten(connection: Connection) -> None:
    old, new = (replace(A_SHORTAGE, job=None, step=str(at), at=at) for at in (1.0, 2.0))
    for row in (old, new):
        await db.shortages.put(connection, row)
    await db.shortages.forget(connection, before=2.0)

    assert await db.shortages.of_model(connection, "sdxl", since=0.0) == [new]


async def test_a_member_who_is_erased_leaves_what_the_machine_learned_and_no_trace_in_it(
    connection: Connection,
) -> None:
    await db.generations.insert(connection, a_generation("aaaa", member_id=1))
    await db.shortages.put(connection, A_SHORTAGE)
    assert "shortages" not in {table async for table, _ in db.members.rows(connection, 1)}
    await db.members.erase(connection, 1)
    assert await db.shortages.of_model(connection, "sdxl", since=0.0) == [replace(A_SHORTAGE, job=None)]

    # Whose job is gone before its end is on record is not named at all.
    await db.shortages.put(connection, A_SHORTAGE)
    assert await db.shortages.of_model(connection, "sdxl", since=0.0) == [replace(A_SHORTAGE, job=None)]
