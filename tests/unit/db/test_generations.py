"""The laws of the record: a row comes back as it went, deleting leaves nothing behind but charges and children."""

import pytest

import db
from db import ChargeRow, Connection, Database, DeliveryRow, Totals
from tests.unit.db.files import opened
from tests.unit.db.rows import a_generation, a_picture, record

HOSTILE = 'Robert\'); DROP TABLE generations;-- "🐈‍⬛" \0 \\ %_ ﷽\n\u202e'


async def test_row_comes_back_as_it_went(connection: Connection) -> None:
    row = a_generation(
        "zero",
        prompt=HOSTILE,
        negative_prompt=HOSTILE,
        seed=0,
        guidance_scale=0.0,
        strength=0.0,
        private=True,
        guild_id=None,
        channel_id=None,
        source="f" * 64,
        member_id=2**63 - 1,
    )
    await db.generations.insert(connection, row)
    found = await db.generations.find(connection, "zero")
    assert found == row
    assert found.private is True
    assert await db.generations.find(connection, "ZERO") is None


@pytest.mark.parametrize(
    "broken", [{"seed": 2**32}, {"seed": -1}, {"recipe": "{"}, {"width": 0}, {"created_at": float("nan")}]
)
async def test_row_out_of_its_bounds_is_refused(database: Database, broken: dict[str, object]) -> None:
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.generations.insert(connection, a_generation(**broken))


async def test_id_is_never_given_twice(database: Database) -> None:
    with pytest.raises(db.RuleBroken, match=r"generations\.id"):
        async with database.transaction() as connection:
            await record(connection, "aaaa", "aaaa")


async def test_recipe_is_replaced_by_the_one_that_was_drawn(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb")
    await db.generations.set_recipe(connection, "aaaa", '{"device": "cpu"}')
    rows = [await db.generations.find(connection, generation_id) for generation_id in ("aaaa", "bbbb")]
    assert [row and row.recipe for row in rows] == ['{"device": "cpu"}', a_generation().recipe]


async def test_deleting_leaves_the_charge_and_the_children_and_nothing_else(connection: Connection) -> None:
    await record(connection, "aaaa")
    await record(connection, "bbbb", parent_id="aaaa")
    for generation_id in ("aaaa", "bbbb"):
        await db.pictures.insert(connection, [a_picture(generation_id, 1), a_picture(generation_id, 2)])
        await db.deliveries.insert(connection, DeliveryRow(generation_id=generation_id))
        await db.generations.star(connection, generation_id, 5, 1.0)
        charge = ChargeRow(generation_id=generation_id, member_id=1, amount=3.0, charged_at=1.0)
        await db.allowances.charge(connection, charge)
    await db.seeds.save(
        connection,
        db.SeedRow(member_id=1, name="cat", seed=7, generation_id="aaaa", created_at=1.0),
    )

    assert await db.generations.delete(connection, "aaaa") == ["aaaa-1.png", "aaaa-2.png"]

    assert await db.generations.find(connection, "aaaa") is None
    for table in ("pictures", "jobs", "deliveries", "stars"):
        rows = await connection.execute_fetchall(f"SELECT DISTINCT generation_id FROM {table}")  # noqa: S608
        assert [row["generation_id"] for row in rows] == ["bbbb"], table
    child = await db.generations.find(connection, "bbbb")
    assert child is not None
    assert child.parent_id is None
    seed = await db.seeds.find(connection, 1, "cat")
    assert seed is not None
    assert (seed.seed, seed.generation_id) == (7, None)
    rows = await connection.execute_fetchall("SELECT generation_id FROM charges ORDER BY generation_id")
    assert [row["generation_id"] for row in rows] == ["aaaa", "bbbb"]
    assert await db.generations.delete(connection, "aaaa") == []


async def test_deleted_prompt_is_nowhere_in_the_file(database: Database) -> None:
    async with database.transaction() as connection:
        await record(connection, "aaaa", prompt="unmistakable marmalade")
    await database.close()
    assert b"unmistakable marmalade" in database.path.read_bytes()
    async with opened(database.path) as again, again.transaction() as connection:
        await db.generations.delete(connection, "aaaa")
    assert b"unmistakable marmalade" not in database.path.read_bytes()


async def test_parent_deleted_meanwhile_is_none(connection: Connection) -> None:
    await record(connection, "bbbb", parent_id="gone")
    child = await db.generations.find(connection, "bbbb")
    assert child is not None
    assert child.parent_id is None


async def test_source_is_used_until_its_last_generation_is_deleted(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb", source="f" * 64)
    await db.generations.delete(connection, "aaaa")
    assert await db.generations.uses_source(connection, "f" * 64)
    await db.generations.delete(connection, "bbbb")
    assert not await db.generations.uses_source(connection, "f" * 64)


@pytest.mark.parametrize(
    ("member", "source", "given"),
    [(1, "f" * 64, True), (2, "f" * 64, False), (2, "e" * 64, True)],
)
async def test_source_is_given_by_its_member_unless_taken_over_from_anothers(
    connection: Connection, member: int, source: str, given: bool
) -> None:
    await record(connection, "aaaa", source="f" * 64)
    await record(connection, "bbbb", parent_id="aaaa", member_id=member, source=source)
    # Neither a further step nor a deleted parent makes it one's own.
    await record(connection, "cccc", parent_id="bbbb", member_id=member, source=source)
    await db.generations.delete(connection, "aaaa")
    await record(connection, "dddd", parent_id="bbbb", member_id=member, source=source)
    for generation_id in ("bbbb", "cccc", "dddd"):
        row = await db.generations.find(connection, generation_id)
        assert row is not None
        assert row.source_given is given


async def test_children_are_the_viewers_own_and_the_public_ones_of_the_place(connection: Connection) -> None:
    await record(connection, "aaaa", "lone")
    await record(connection, "mine", parent_id="aaaa", private=True)
    await record(connection, "open", parent_id="aaaa", member_id=2)
    await record(connection, "secret", parent_id="aaaa", member_id=2, private=True)
    await record(connection, "afar", parent_id="aaaa", member_id=2, guild_id=11)
    for generation_id in ("mine", "open", "secret", "afar"):
        await db.pictures.insert(connection, [a_picture(generation_id)])
    await record(connection, "undrawn", parent_id="aaaa")

    async def seen(viewer_id: int, guild_id: int | None, limit: int = 9) -> list[str]:
        rows = await db.generations.children(
            connection, "aaaa", viewer_id=viewer_id, guild_id=guild_id, limit=limit
        )
        return [row.id for row in rows]

    assert await seen(1, 10) == ["open", "mine"]
    assert await seen(1, 10, limit=1) == ["open"]
    assert await seen(1, None) == ["mine"]
    assert await seen(2, None) == ["afar", "secret", "open"]
    assert await seen(3, 11) == ["afar"]
    assert await db.generations.children(connection, "lone", viewer_id=1, guild_id=10, limit=9) == []


async def test_star_is_a_members_own_and_given_once(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb")
    assert await db.generations.star(connection, "aaaa", 5, 1.0)
    assert not await db.generations.star(connection, "aaaa", 5, 2.0)
    assert await db.generations.starred(connection, ["aaaa", "bbbb"], 5) == {"aaaa"}
    assert await db.generations.starred(connection, ["aaaa"], 6) == set()
    assert await db.generations.starred(connection, ["aaaa"], None) == set()
    assert await db.generations.starred(connection, ["bbbb"], 5) == set()
    assert not await db.generations.unstar(connection, "aaaa", 6)
    assert await db.generations.unstar(connection, "aaaa", 5)
    assert await db.generations.starred(connection, ["aaaa"], 5) == set()


async def test_totals_are_the_members_own(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb")
    await record(connection, "cccc", member_id=2)
    await db.pictures.insert(connection, [a_picture("aaaa", 1), a_picture("aaaa", 2), a_picture("cccc")])
    await db.jobs.end(connection, "aaaa", "finished", 5.0, 2.5)
    await db.jobs.end(connection, "bbbb", "failed", 5.0, 0.25, "bug", "it broke")
    await db.jobs.end(connection, "cccc", "finished", 5.0, 100.0)
    assert await db.generations.totals(connection, 1) == Totals(generations=2, pictures=2, seconds=2.75)
    assert await db.generations.totals(connection, 3) == Totals(generations=0, pictures=0, seconds=0.0)


async def test_pictures_are_found_by_their_generations(connection: Connection) -> None:
    await record(connection, "aaaa", "bbbb", "cccc")
    first, second = a_picture("aaaa", 1), a_picture("aaaa", 2, seed=2**32 - 1)
    await db.pictures.insert(connection, [second, first, a_picture("bbbb")])
    assert await db.pictures.of_generations(connection, ["aaaa", "cccc", "nowhere"]) == {
        "aaaa": [first, second],
        "cccc": [],
        "nowhere": [],
    }


async def test_two_pictures_never_share_a_file(database: Database) -> None:
    async with database.transaction() as connection:
        await record(connection, "aaaa", "bbbb")
    with pytest.raises(db.RuleBroken, match=r"pictures\.path"):
        async with database.transaction() as connection:
            await db.pictures.insert(
                connection, [a_picture("aaaa", path="x.png"), a_picture("bbbb", path="x.png")]
            )
