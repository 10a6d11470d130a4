"""The laws of deliveries: due when the job has ended, until they are made, and no token outlives them."""

import pytest

import db
from db import Connection, Database, DeliveryRow, DeliveryState
from tests.unit.db.rows import NOWHERE, a_sheet, record


def a_delivery(generation_id: str = "aaaa", **values: object) -> DeliveryRow:
    return DeliveryRow(
        generation_id=generation_id,
        **{
            "application_id": 77,
            "interaction_token": "secret",
            "interaction_expires_at": 1900.0,
            "guild_id": 10,
            "channel_id": 100,
            "ephemeral": True,
        }
        | values,
    )


@pytest.fixture
async def four(connection: Connection) -> Connection:
    """Four deliveries: aaaa waits, bbbb runs, cccc failed, dddd finished before that."""
    ids = ("aaaa", "bbbb", "cccc", "dddd")
    await record(connection, *ids)
    for generation_id in ids:
        await db.deliveries.insert(connection, a_delivery(generation_id))
    await db.jobs.begin_attempt(connection, "bbbb", 5.0)
    await db.jobs.end(connection, "cccc", "failed", 8.0)
    await db.jobs.end(connection, "dddd", "finished", 7.0)
    return connection


async def ids(connection: Connection) -> tuple[list[str], list[str]]:
    return (
        [row.generation_id for row in await db.deliveries.unended(connection)],
        await db.deliveries.due(connection),
    )


async def test_row_comes_back_as_it_went(connection: Connection) -> None:
    await record(connection, "aaaa")
    row = a_delivery(reply_to_message_id=2**62, waiting_message_id=3)
    await db.deliveries.insert(connection, row)
    found = await db.deliveries.find(connection, "aaaa")
    assert found == row
    assert found.ephemeral is True
    assert found.state is DeliveryState.PENDING
    assert await db.deliveries.find(connection, "bbbb") is None


@pytest.mark.parametrize("broken", [{"route": "pigeon"}, {"state": "lost"}, {"state": "delivered"}])
async def test_delivery_that_cannot_be_is_refused(database: Database, broken: dict[str, object]) -> None:
    async with database.transaction() as connection:
        await record(connection, "aaaa")
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.deliveries.insert(connection, a_delivery(**broken))


async def test_delivery_is_due_once_its_job_has_ended(four: Connection) -> None:
    assert await ids(four) == (["aaaa", "bbbb"], ["dddd", "cccc"])
    await db.jobs.end(four, "aaaa", "cancelled", 9.0)
    assert await ids(four) == (["bbbb"], ["dddd", "cccc", "aaaa"])


async def test_delivered_result_is_delivered_once_and_its_token_blanked(four: Connection) -> None:
    assert await db.deliveries.mark_delivered(four, "dddd", "channel", 555, 9.0)
    assert not await db.deliveries.mark_delivered(four, "dddd", "direct", 556, 10.0)
    assert await db.deliveries.find(four, "dddd") == a_delivery(
        "dddd",
        state=DeliveryState.DELIVERED,
        route="channel",
        message_id=555,
        delivered_at=9.0,
        interaction_token=None,
        interaction_expires_at=None,
    )
    assert await ids(four) == (["aaaa", "bbbb"], ["cccc"])


async def test_a_sheet_is_due_among_the_others_when_the_last_of_its_cells_has_ended(four: Connection) -> None:
    await record(four, "eeee", "ffff")
    for sheet_id, cells in (("sheet", ["eeee", "ffff"]), ("bare", [])):
        await db.sheets.insert(four, a_sheet(sheet_id))
        await db.sheets.begin(four, sheet_id, **NOWHERE)
        await db.sheets.put_cells(four, sheet_id, cells)
    await db.jobs.end(four, "eeee", "finished", 1.0)
    assert await db.deliveries.due(four) == ["bare", "dddd", "cccc"]  # all cells of the first one were deleted
    await db.jobs.end(four, "ffff", "cancelled", 7.5)
    assert await db.deliveries.due(four) == ["bare", "dddd", "sheet", "cccc"]
    await db.sheets.mark_delivered(four, "sheet", route="channel", message_id=9, at=9.0)
    assert await db.deliveries.due(four) == ["bare", "dddd", "cccc"]


async def test_what_waits_in_the_history_is_unseen_until_its_member_was_told(four: Connection) -> None:
    await record(four, "eeee")
    await db.sheets.insert(four, a_sheet("sheet"))
    await db.sheets.begin(four, "sheet", **NOWHERE)
    await db.sheets.put_cells(four, "sheet", ["eeee"])
    await db.jobs.end(four, "eeee", "finished", 9.0)
    await db.sheets.mark_delivered(four, "sheet", route="history", message_id=None, at=9.0)
    assert await db.deliveries.unseen(four, 1) == (["sheet"], [])
    for state, generation_id in (("failed", "aaaa"), ("cancelled", "bbbb")):
        await db.jobs.end(four, generation_id, state, 9.0)
        await db.deliveries.mark_delivered(four, generation_id, "history", None, 9.0)
    assert await db.deliveries.unseen(four, 1) == (["sheet"], ["aaaa"])  # who cancelled knows
    assert await db.deliveries.unseen(four, 2) == ([], [])
    await db.deliveries.note_unseen(four, ["aaaa"], 10.0)
    assert await db.deliveries.unseen(four, 1) == (["sheet"], [])
    await db.deliveries.note_unseen(four, ["sheet"], 10.0)
    assert await db.deliveries.unseen(four, 1) == ([], [])


async def test_last_waiting_message_is_remembered(four: Connection) -> None:
    for message_id in (444, 445):
        await db.deliveries.set_waiting_message(four, "aaaa", message_id)
        assert await db.deliveries.find(four, "aaaa") == a_delivery(waiting_message_id=message_id)
