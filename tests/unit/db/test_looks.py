"""The laws of looks: answered once, in the order of their asking, and gone once the answer has arrived."""

import db
from db import Connection
from tests.unit.db.rows import a_look, record


async def test_a_look_is_kept_as_it_was_accepted(connection: Connection) -> None:
    row = a_look(interaction_token="secret", channel_id=5, waiting_message_id=6, ephemeral=True, private=True)
    await db.looks.insert(connection, row)
    assert await db.looks.find(connection, row.id) == row
    assert await db.looks.find(connection, "nobody") is None


async def test_attempts_are_counted_until_there_is_an_answer(connection: Connection) -> None:
    await db.looks.insert(connection, a_look())
    assert [await db.looks.begin_attempt(connection, "aaaa") for _ in range(2)] == [1, 2]
    await db.looks.take_back_attempt(connection, "aaaa")
    assert await db.looks.begin_attempt(connection, "aaaa") == 2
    assert await db.looks.answer(connection, "aaaa", "{}", seconds=0.0, at=5.0)
    assert await db.looks.begin_attempt(connection, "aaaa") is None
    assert await db.looks.begin_attempt(connection, "nobody") is None


async def test_a_look_is_answered_once_and_removed_once(connection: Connection) -> None:
    await db.looks.insert(connection, a_look())
    assert await db.looks.answer(connection, "aaaa", '{"prompts": ["a cat"]}', seconds=2.5, at=5.0)
    assert not await db.looks.answer(connection, "aaaa", "{}", seconds=9.0, at=6.0)
    gone = await db.looks.delete(connection, "aaaa")
    assert gone is not None
    assert (gone.answer, gone.seconds, gone.answered_at) == ('{"prompts": ["a cat"]}', 2.5, 5.0)
    assert await db.looks.delete(connection, "aaaa") is None
    assert not await db.looks.answer(connection, "aaaa", "{}", seconds=0.0, at=7.0)


async def test_looks_stand_in_the_order_of_their_asking(connection: Connection) -> None:
    for look_id, created_at in (("late", 3.0), ("early", 1.0), ("b", 2.0), ("a", 2.0)):
        await db.looks.insert(connection, a_look(look_id, created_at=created_at))
    assert [row.id for row in await db.looks.every(connection)] == ["early", "a", "b", "late"]


async def test_an_answer_is_due_among_the_results_in_the_order_of_the_ends(connection: Connection) -> None:
    for generation_id, at in (("first", 1.0), ("third", 3.0)):
        await record(connection, generation_id)
        await db.deliveries.insert(connection, db.DeliveryRow(generation_id=generation_id))
        await db.jobs.end(connection, generation_id, "finished", at, 1.0)
    for look_id in ("second", "waits"):
        await db.looks.insert(connection, a_look(look_id))
    await db.looks.answer(connection, "second", "{}", seconds=0.0, at=2.0)
    assert await db.deliveries.due(connection) == ["first", "second", "third"]


async def test_whose_answer_has_not_arrived_is_untold(connection: Connection) -> None:
    await db.looks.insert(connection, a_look(member_id=1))
    assert not await db.members.untold(connection, 1)
    await db.looks.answer(connection, "aaaa", "{}", seconds=0.0, at=2.0)
    assert await db.members.untold(connection, 1)
    assert not await db.members.untold(connection, 2)
