"""The laws of sheets: said yes to once, delivered once, and a question costs nothing to keep."""

from typing import Any

import db
from db import Connection
from tests.unit.db.rows import NOWHERE, a_sheet, record

SOMEWHERE: dict[str, Any] = NOWHERE | {"channel_id": 100, "waiting_message_id": 5, "interaction_token": "secret"}


async def test_a_sheet_is_said_yes_to_once(connection: Connection) -> None:
    await db.sheets.insert(connection, a_sheet("s"))
    assert await db.sheets.drawing(connection) == []
    assert await db.sheets.begin(connection, "s", **SOMEWHERE)
    assert not await db.sheets.begin(connection, "s", **NOWHERE)
    assert not await db.sheets.begin(connection, "nobody", **NOWHERE)
    found = await db.sheets.find(connection, "s")
    assert found is not None
    assert (found.state, found.channel_id, found.waiting_message_id) == (db.SheetState.DRAWING, 100, 5)
    assert await db.sheets.drawing(connection) == ["s"]


async def test_a_sheet_is_delivered_once_and_its_token_goes(connection: Connection) -> None:
    await db.sheets.insert(connection, a_sheet("s"))
    assert not await db.sheets.mark_delivered(connection, "s", route="channel", message_id=9, at=2.0)
    await db.sheets.begin(connection, "s", **SOMEWHERE)
    assert await db.sheets.mark_delivered(connection, "s", route="channel", message_id=9, at=2.0)
    assert not await db.sheets.mark_delivered(connection, "s", route="direct", message_id=10, at=3.0)
    found = await db.sheets.find(connection, "s")
    assert found is not None
    assert (found.route, found.message_id, found.interaction_token) == ("channel", 9, None)
    assert await db.sheets.drawing(connection) == []


async def test_the_cells_of_a_sheet_keep_their_numbers_when_one_is_deleted(connection: Connection) -> None:
    await record(connection, "a", "b", "c")
    await db.sheets.insert(connection, a_sheet("s"))
    await db.sheets.put_cells(connection, "s", ["b", "c", "a"])
    await db.generations.delete(connection, "c")
    assert await db.sheets.cells(connection, "s") == {1: "b", 3: "a"}


async def test_a_sheet_that_goes_leaves_its_generations(connection: Connection) -> None:
    await record(connection, "a")
    await db.sheets.insert(connection, a_sheet("s"))
    await db.sheets.put_cells(connection, "s", ["a"])
    assert not await db.sheets.delete(connection, "s", asked=False)
    assert await db.sheets.delete(connection, "s", asked=True)
    assert await db.sheets.cells(connection, "s") == {}
    assert await db.generations.find(connection, "a") is not None


async def test_of_each_member_the_last_questions_are_kept_and_every_sheet(connection: Connection) -> None:
    await db.sheets.insert(connection, a_sheet("drawn"))
    await db.sheets.begin(connection, "drawn", **NOWHERE)
    await db.sheets.insert(connection, a_sheet("else", member_id=2))
    for number in range(30):
        await db.sheets.insert(connection, a_sheet(f"s{number}", asked_at=2000.0 + number))
    rows = await connection.execute_fetchall("SELECT id FROM sheets ORDER BY asked_at, id")
    assert [sheet_id for (sheet_id,) in rows] == ["drawn", "else", *(f"s{number}" for number in range(10, 30))]


async def test_a_sheet_is_untold_only_once_all_its_cells_have_ended(connection: Connection) -> None:
    await record(connection, "a", "b")
    await db.sheets.insert(connection, a_sheet("s"))
    await db.sheets.begin(connection, "s", **NOWHERE)
    await db.sheets.put_cells(connection, "s", ["a", "b"])
    await db.jobs.end(connection, "a", "finished", 1.0, 2.0)
    assert not await db.members.untold(connection, 1)
    await db.jobs.end(connection, "b", "cancelled", 1.0, 2.0)
    assert await db.members.untold(connection, 1)
    await db.sheets.mark_delivered(connection, "s", route="channel", message_id=9, at=2.0)
    assert not await db.members.untold(connection, 1)
