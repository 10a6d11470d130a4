"""The laws of a copy of the database: one moment, whole, checked, and nothing of the original changed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import db
from db import Database, DatabaseUnusable, NewerDatabase, Reason
from tests.unit.db.files import names_in, opened
from tests.unit.db.rows import a_picture, record


async def filled(path: Path) -> None:
    async with opened(path) as database, database.transaction() as connection:
        await record(connection, "aaaa", "bbbb")
        await db.pictures.insert(connection, [a_picture("aaaa")])
        await db.jobs.end(connection, "aaaa", "finished", 1001.0)


async def test_a_copy_is_taken_beside_somebody_who_writes(tmp_path: Path) -> None:
    await filled(tmp_path / "easel.db")
    async with opened(tmp_path / "easel.db") as database:
        async with database.transaction() as connection:
            await record(connection, "cccc")
        async with database.transaction() as connection:
            await record(connection, "dddd")
            contents = db.snapshot.take(tmp_path / "easel.db", tmp_path / "copy.db")
    assert contents == db.Contents(
        schema=len(list((Path(db.__file__).parent / "migrations").glob("*.sql"))),
        members=1,
        generations=3,
        unended=2,
        pictures=("aaaa-1.png",),
        sources=(),
    )
    assert names_in(tmp_path) == {"easel.db", "copy.db"}


async def test_looking_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    await filled(path)
    before = path.read_bytes()
    db.snapshot.examine(path)
    db.snapshot.read_tombstones(path)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == {"easel.db"}


@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
async def test_damage_anywhere_is_found(tmp_path: Path, where: float) -> None:
    path = tmp_path / "easel.db"
    await filled(path)
    data = bytearray(path.read_bytes())
    pages = len(data) // 4096
    start = int(pages * where) * 4096
    data[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    with pytest.raises(DatabaseUnusable) as caught:
        db.snapshot.take(path, tmp_path / "copy.db")
    assert caught.value.reason is Reason.CORRUPT


async def test_a_copy_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    await filled(tmp_path / "easel.db")
    with closing(sqlite3.connect(tmp_path / "easel.db")) as connection:
        connection.execute("PRAGMA user_version = 9000")
    with pytest.raises(NewerDatabase):
        db.snapshot.take(tmp_path / "easel.db", tmp_path / "copy.db")


@pytest.mark.parametrize("statement", ["SELECT 1", "CREATE TABLE bookmarks (id INTEGER)"])
def test_what_is_no_database_of_easel_is_foreign(tmp_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute(statement)
    (tmp_path / "other.db").touch()
    with pytest.raises(DatabaseUnusable) as caught:
        db.snapshot.examine(tmp_path / "other.db")
    assert caught.value.reason is Reason.FOREIGN


async def test_tombstones_are_read_of_any_schema_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    assert db.snapshot.read_tombstones(path) == []
    row = db.tombstones.new(1, balance=None, balance_at=None, erased_at=1.0)
    database = await Database.open(path)
    async with database.transaction() as connection:
        await db.tombstones.insert(connection, row)
    assert db.snapshot.read_tombstones(path) == [row]  # from the write-ahead log
    await database.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 9000")
        assert db.snapshot.read_tombstones(path) == [row]
        connection.execute("DROP TABLE tombstones")
        assert db.snapshot.read_tombstones(path) == []
    path.write_bytes(b"no database at all" * 500)
    assert db.snapshot.read_tombstones(path) is None
