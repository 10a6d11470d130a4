"""The laws of what moderators decide: kept as decided, one log for each server, shown once."""

import db
from db import Connection
from db.servers import LOG_KEPT
from tests.unit.db.rows import record

HERE, THERE = 10, 20


def a_deed(guild_id: int = HERE, **values: object) -> db.DeedRow:
    return db.DeedRow(guild_id=guild_id, at=1.0, deed="steps", **values)  # type: ignore[arg-type]


async def numbers(connection: Connection, **which: int) -> list[int]:
    return [row.number for row in await db.servers.entries(connection, HERE, limit=2, **which)]


async def test_rules_take_the_place_of_those_before(connection: Connection) -> None:
    await db.servers.put(connection, db.ServerRow(guild_id=HERE, steps=30))
    rules = db.ServerRow(guild_id=HERE, side=512, words='["fog"]', spoiler=True)
    await db.servers.put(connection, rules)
    assert await db.servers.every(connection) == [rules]


async def test_roles_are_those_of_their_server_alone(connection: Connection) -> None:
    there = db.ServerRoleRow(guild_id=THERE, role_id=1, seconds=60.0)
    await db.servers.put_roles(connection, THERE, [there])
    await db.servers.put_roles(
        connection, HERE, [db.ServerRoleRow(guild_id=HERE, role_id=role) for role in (1, 2)]
    )
    await db.servers.put_roles(connection, HERE, [])
    assert await db.servers.every_role(connection) == [there]


async def test_a_block_is_lifted_once(connection: Connection) -> None:
    block = db.BlockRow(guild_id=HERE, blocked_id=1, blocked_at=1.0)
    await db.servers.block(connection, block)
    assert await db.servers.blocks(connection, HERE) == await db.servers.blocks(connection) == [block]
    assert await db.servers.blocks(connection, THERE) == []
    assert not await db.servers.unblock(connection, THERE, 1)
    assert [await db.servers.unblock(connection, HERE, 1) for _ in range(2)] == [True, False]


async def test_a_log_is_read_newest_first_and_turned_both_ways(connection: Connection) -> None:
    for _ in range(5):
        await db.servers.log(connection, a_deed())
        await db.servers.log(connection, a_deed(THERE))
    assert await numbers(connection) == [9, 7]
    assert await numbers(connection, older_than=7) == [5, 3]
    assert await numbers(connection, newer_than=3) == [7, 5]


async def test_a_long_log_forgets_its_oldest_entries_and_no_other_servers(connection: Connection) -> None:
    await db.servers.log(connection, a_deed(THERE))
    for _ in range(LOG_KEPT + 3):
        await db.servers.log(connection, a_deed())
    kept = await db.servers.entries(connection, HERE, limit=2 * LOG_KEPT)
    assert len(kept) == LOG_KEPT
    assert kept[-1].number == 5
    assert len(await db.servers.entries(connection, THERE, limit=5)) == 1


async def test_jobs_of_a_member_are_found_in_the_server_that_they_were_asked_in(connection: Connection) -> None:
    for name, guild_id, member_id in (("aaaa", HERE, 1), ("bbbb", THERE, 1), ("cccc", HERE, 2), ("dddd", HERE, 1)):
        await record(connection, name, guild_id=guild_id, member_id=member_id)
    await db.jobs.end(connection, "dddd", "finished", 1001.0, 2.0)
    assert await db.servers.unended(connection, HERE, 1) == ["aaaa"]


async def test_where_a_picture_is_shown_is_known_until_it_is_gone(connection: Connection) -> None:
    await record(connection, "aaaa")
    row = db.ShowcasedRow(generation_id="aaaa", channel_id=100, message_id=5, shown_at=1.0)
    assert await db.servers.put_showcased(connection, row)
    assert await db.servers.showcased(connection, "aaaa") == row
    await db.generations.delete(connection, "aaaa")
    assert await db.servers.showcased(connection, "aaaa") is None
    assert not await db.servers.put_showcased(connection, row)


async def test_what_is_done_to_one_member_at_once_is_one_entry_that_counts_it(connection: Connection) -> None:
    deeds = (
        (1.0, {"subject_id": 5}),
        (2.0, {"subject_id": 5}),
        (61.0, {"subject_id": 5}),  # a minute after the last one, not after the first
        (62.0, {"subject_id": 6}),
        (63.0, {"subject_id": 5}),  # something else came between
        (124.0, {"subject_id": 5}),
        (125.0, {"subject_id": 5, "guild_id": THERE}),
        (126.0, {"subject_id": 5, "deed": "cancel"}),
    )
    for at, values in deeds:
        row = db.DeedRow(**{"guild_id": HERE, "at": at, "actor_id": 1, "deed": "delete"} | values)  # type: ignore[arg-type]
        await db.servers.tally(connection, row, within=60.0)
    kept = await db.servers.entries(connection, HERE, limit=9)
    assert [(row.at, row.deed, row.subject_id, row.detail) for row in kept] == [
        (126.0, "cancel", 5, None),
        (124.0, "delete", 5, None),
        (63.0, "delete", 5, None),
        (62.0, "delete", 6, None),
        (61.0, "delete", 5, "3"),
    ]
