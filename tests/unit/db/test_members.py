"""The laws of what is kept about a member: all of it is found, all of it goes, and nothing of anybody else's."""

from pathlib import Path
from typing import Any

import db
from db import Connection, Database
from tests.unit.db.files import names_in, opened
from tests.unit.db.rows import NOWHERE, a_generation, a_job, a_look, a_picture, a_seed, a_sheet, record

ADA, LINUS = 1, 2
SECRET_WORD = "zyzzyva"
HASH, MASK, SHARED = "a" * 64, "b" * 64, "c" * 64
LOOKED_AT = a_look("aaaa").source


async def keep_something(connection: Connection, member_id: int, generation_id: str, **values: Any) -> None:
    """A row about the member in every table there is."""
    await record(connection, generation_id, **{"member_id": member_id} | values)
    await db.pictures.insert(connection, [a_picture(generation_id)])
    await db.jobs.end(connection, generation_id, "finished", 1001.0, 2.0)
    await db.generations.star(connection, generation_id, member_id, 1002.0)
    await db.seeds.save(connection, a_seed(member_id=member_id, generation_id=generation_id))
    await db.allowances.put(connection, db.AllowanceRow(member_id=member_id, balance=5.0, updated_at=1003.0))
    charge = db.ChargeRow(generation_id=generation_id, member_id=member_id, amount=2.0, charged_at=1000.0)
    await db.allowances.charge(connection, charge)
    await db.deliveries.insert(connection, db.DeliveryRow(generation_id=generation_id, interaction_token="hidden"))
    await db.preferences.put(connection, db.PreferencesRow(member_id=member_id, model="storybook"))
    await db.sheets.insert(connection, a_sheet(generation_id, member_id=member_id))
    await db.sheets.begin(connection, generation_id, **NOWHERE | {"interaction_token": "hidden"})
    await db.sheets.put_cells(connection, generation_id, [generation_id])
    shown = db.ShowcasedRow(generation_id=generation_id, channel_id=100, message_id=5, shown_at=1.0)
    await db.servers.put_showcased(connection, shown)
    await db.looks.insert(connection, a_look(generation_id, member_id=member_id, interaction_token="hidden"))
    await connection.execute_fetchall(
        "INSERT INTO searches (key, member_id, filter, used_at) VALUES (:key, :member_id, '{}', 1.0)",
        {"key": generation_id, "member_id": member_id},
    )


async def mentioned(connection: Connection) -> dict[str, int]:
    """How many rows of each table name a member or a generation, as the schema alone tells."""
    columns = await connection.execute_fetchall(
        """
        SELECT tables.name, columns.name FROM pragma_table_list AS tables
        JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND columns.name IN ('member_id', 'generation_id')
        """
    )
    found = {}
    for table, _ in columns:
        [(count,)] = await connection.execute_fetchall(f"SELECT count(*) FROM {table}")  # noqa: S608
        found[str(table)] = int(count)
    return found


async def test_every_table_that_names_members_has_a_row_in_these_tests(connection: Connection) -> None:
    await keep_something(connection, ADA, "aaaa")
    assert not [table for table, count in (await mentioned(connection)).items() if not count]


async def test_erasing_leaves_no_row_about_the_member_and_every_other_one(connection: Connection) -> None:
    await keep_something(connection, LINUS, "llll")
    before = await mentioned(connection)
    await keep_something(connection, ADA, "aaaa")
    await db.generations.star(connection, "llll", ADA, 1.0)
    looked = f'{{"search": "", "member_id": {ADA}}}'
    await db.search.remember(connection, "looked", member_id=LINUS, filter_json=looked, used_at=1.0)
    await db.members.erase(connection, ADA)
    assert await mentioned(connection) == before
    assert await db.members.every(connection) == [LINUS]


async def test_an_export_has_a_row_of_every_table_and_no_secret(connection: Connection) -> None:
    await keep_something(connection, ADA, "aaaa", prompt=SECRET_WORD)
    await keep_something(connection, LINUS, "llll")
    rows = [each async for each in db.members.rows(connection, ADA)]
    assert {table for table, _ in rows} == set(await mentioned(connection))
    assert len(rows) == len(await mentioned(connection))
    assert SECRET_WORD in str(rows)
    assert "llll" not in str(rows)
    assert "hidden" not in str(rows)


async def test_what_others_made_of_it_stays_theirs_without_its_parent(connection: Connection) -> None:
    await keep_something(connection, ADA, "aaaa", source=SHARED)
    await keep_something(connection, LINUS, "llll", parent_id="aaaa", source=SHARED)
    erased = await db.members.erase(connection, ADA)
    child = await db.generations.find(connection, "llll")
    assert child is not None
    assert (child.parent_id, child.source) == (None, SHARED)
    assert erased == db.Erased(pictures=("aaaa-1.png",), sources=(LOOKED_AT,))


async def test_sources_and_masks_that_nobody_else_uses_are_left_to_nobody(connection: Connection) -> None:
    masked = f'{{"mask": "{MASK}"}}'
    await keep_something(connection, ADA, "aaaa", source=HASH, recipe=masked)
    await record(connection, "bbbb", member_id=ADA, source=SHARED)
    await record(connection, "llll", member_id=LINUS, recipe=f'{{"mask": "{SHARED}"}}')
    assert set(await db.members.source_images(connection, ADA)) == {HASH, MASK, SHARED, LOOKED_AT}
    assert set((await db.members.erase(connection, ADA)).sources) == {HASH, MASK, LOOKED_AT}


async def test_erased_words_are_found_by_no_search_and_are_nowhere_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    async with opened(path) as database:
        async with database.transaction() as connection:
            for number in range(40):
                await record(connection, f"a{number}", member_id=ADA, prompt=f"{SECRET_WORD} {'filler ' * 200}")
            await record(connection, "llll", member_id=LINUS, prompt="a harmless cat")
        async with database.transaction() as connection:
            await db.members.erase(connection, ADA)
        await database.tidy()
        assert await found(database, "cat") == ["llll"]
        assert await found(database, SECRET_WORD) == []
        assert not [name for name in names_in(tmp_path) if SECRET_WORD.encode() in (tmp_path / name).read_bytes()]
    assert SECRET_WORD.encode() not in path.read_bytes()


async def found(database: Database, word: str) -> list[str]:
    async with database.reading() as connection:
        rows = await connection.execute_fetchall(
            """
            SELECT generations.id FROM generations_search
            JOIN generations ON generations.number = generations_search.rowid
            WHERE generations_search MATCH :word
            """,
            {"word": word},
        )
        return [generation_id for (generation_id,) in rows]


async def test_holdings_count_what_there_is(connection: Connection) -> None:
    await keep_something(connection, ADA, "aaaa")
    await record(connection, "bbbb", member_id=ADA)
    assert await db.members.holdings(connection, ADA) == db.Holdings(generations=2, pictures=1, seeds=1, unended=1)
    assert await db.members.unended(connection, ADA) == ["bbbb"]
    assert await db.members.untold(connection, ADA)
    assert not await db.members.untold(connection, LINUS)


async def test_a_tombstone_is_its_members_and_does_not_show_whose(connection: Connection) -> None:
    rows = [
        db.tombstones.new(member_id, balance=1.0, balance_at=2.0, erased_at=3.0) for member_id in (ADA, ADA, LINUS)
    ]
    assert [await db.tombstones.insert(connection, row) for row in (*rows, rows[0])] == [True, True, True, False]
    assert rows[0].is_of(ADA)
    assert not rows[0].is_of(LINUS)
    assert rows[0].digest != rows[1].digest  # two of the same member have nothing in common
    assert await db.tombstones.find(connection, LINUS) == rows[2]
    assert await db.tombstones.find(connection, 3) is None


async def test_a_member_is_known_by_any_row(connection: Connection) -> None:
    await db.generations.insert(connection, a_generation("aaaa", member_id=7))
    await db.jobs.insert(connection, a_job("aaaa", member_id=7))
    await db.preferences.put(connection, db.PreferencesRow(member_id=9))
    assert await db.members.every(connection) == [7, 9]


async def test_whom_moderators_did_something_to_is_told_what_and_why_and_not_by_whom(
    connection: Connection,
) -> None:
    entry: dict[str, Any] = {"guild_id": 10, "at": 1.0, "actor_id": LINUS, "deed": "block", "subject_id": ADA}
    await db.servers.log(connection, db.DeedRow(**entry, detail='"Ada spams"'))
    [(table, row)] = [each async for each in db.members.rows(connection, ADA)]
    assert table == "server_log"
    assert row == entry | {"actor_id": None, "detail": '"Ada spams"'}
    assert [each async for each in db.members.rows(connection, LINUS)] == [
        ("server_log", entry | {"detail": '"Ada spams"'})
    ]


async def test_the_log_counts_on_when_it_has_forgotten_whose_pictures_they_were(connection: Connection) -> None:
    deed = db.DeedRow(guild_id=10, at=1.0, actor_id=LINUS, deed="delete", subject_id=ADA, detail="4")
    await db.servers.log(connection, deed)
    await db.members.erase(connection, ADA)
    [entry] = await db.servers.entries(connection, 10, limit=5)
    assert (entry.subject_id, entry.detail) == (None, "4")


async def test_a_block_outlives_what_is_known_of_the_blocked_and_the_log_forgets_names(
    connection: Connection,
) -> None:
    await db.servers.block(
        connection, db.BlockRow(guild_id=10, blocked_id=ADA, reason="Ada spams", blocked_by=LINUS, blocked_at=1.0)
    )
    for actor, subject in ((LINUS, ADA), (ADA, LINUS)):
        deed = db.DeedRow(guild_id=10, at=1.0, actor_id=actor, deed="block", subject_id=subject, detail='"spam"')
        await db.servers.log(connection, deed)
    exported = [each async for each in db.members.rows(connection, ADA)]
    assert {table for table, _ in exported} == {"server_blocks", "server_log"}
    assert "blocked_by" not in str(exported)
    assert await db.members.every(connection) == [ADA, LINUS]  # a backup from before forgets them as well
    await db.members.erase(connection, ADA)
    assert await db.members.every(connection) == [LINUS]
    [block] = await db.servers.blocks(connection)
    assert (block.blocked_id, block.reason, block.blocked_by) == (ADA, None, LINUS)
    newest, oldest = await db.servers.entries(connection, 10, limit=5)
    assert (newest.actor_id, newest.subject_id, newest.detail) == (None, LINUS, '"spam"')
    assert (oldest.actor_id, oldest.subject_id, oldest.detail) == (LINUS, None, None)
