"""The laws of saved seeds: a name is a member's own, is one name in every case, and may hold anything."""

import pytest

import db
from db import Connection
from tests.unit.db.rows import a_seed, record

HOSTILE = [
    "it's",
    '"; DROP TABLE seeds; --',
    "100%",
    "_",
    "back\\slash",
    "🐈‍⬛ cat",
    "猫",
    "ﷺ",
    "x" * 200,
    "two words",
    "*?[a]",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_name_is_only_a_name(connection: Connection, name: str) -> None:
    await db.seeds.save(connection, a_seed("z bystander"))
    row = a_seed(name, seed=0)
    await db.seeds.save(connection, row)
    assert await db.seeds.find(connection, 1, name) == row
    assert await db.seeds.search(connection, 1, name[:1]) == [row]
    assert await db.seeds.delete(connection, 1, name)
    assert await db.seeds.of_member(connection, 1) == [a_seed("z bystander")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Rote Katze", "rOTE kATZE"), ("ÄPFEL", "äpfel"), ("Straße", "STRASSE"), ("caf\u00e9", "CAFE\u0301")],
)
async def test_name_is_found_in_every_case(connection: Connection, written: str, meant: str) -> None:
    await db.seeds.save(connection, a_seed(written))
    assert await db.seeds.find(connection, 1, meant) == a_seed(written)
    assert await db.seeds.search(connection, 1, meant[:3]) == [a_seed(written)]
    assert await db.seeds.delete(connection, 1, meant)


async def test_seed_replaces_the_one_of_its_name(connection: Connection) -> None:
    await record(connection, "aaaa")
    await db.seeds.save(connection, a_seed("cat", generation_id="aaaa"))
    row = a_seed("Cat", seed=2**32 - 1, created_at=2000.0)
    await db.seeds.save(connection, row)
    assert await db.seeds.of_member(connection, 1) == [row]


async def test_names_are_a_members_own(connection: Connection) -> None:
    await db.seeds.save(connection, a_seed("cat"))
    await db.seeds.save(connection, a_seed("cat", member_id=2, seed=8))
    assert not await db.seeds.delete(connection, 3, "cat")
    assert await db.seeds.delete(connection, 1, "cat")
    assert await db.seeds.find(connection, 1, "cat") is None
    assert await db.seeds.find(connection, 2, "cat") == a_seed("cat", member_id=2, seed=8)


async def test_search_gives_the_first_by_name_up_to_its_limit(connection: Connection) -> None:
    for number in range(30):
        await db.seeds.save(connection, a_seed(f"Cat {number:02}"))
    await db.seeds.save(connection, a_seed("a dog"))
    found = await db.seeds.search(connection, 1, "CAT")
    assert [row.name for row in found] == [f"Cat {number:02}" for number in range(25)]
    assert [row.name for row in await db.seeds.search(connection, 1, "", limit=2)] == ["a dog", "Cat 00"]
    assert await db.seeds.search(connection, 1, "at") == []


async def test_seed_of_a_generation_deleted_meanwhile_is_kept(connection: Connection) -> None:
    await db.seeds.save(connection, a_seed("cat", generation_id="gone"))
    assert await db.seeds.find(connection, 1, "cat") == a_seed("cat", generation_id=None)


@pytest.mark.parametrize("seed", [-1, 2**32])
async def test_seed_out_of_range_is_refused(database: db.Database, seed: int) -> None:
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.seeds.save(connection, a_seed(seed=seed))
