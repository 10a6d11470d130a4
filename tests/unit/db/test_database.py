"""The laws of the open file: all or nothing, one writer at a time, and every trouble in words."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

import db
from db import AllowanceRow, Database, DatabaseUnusable, Reason
from tests.disks import fill, make_read_only, small_disk
from tests.unit.db.files import names_in, opened
from tests.unit.db.rows import a_generation, record

# Takes a while in SQLite's thread, so that a task can be cancelled while it runs.
SLOW = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"


async def balance(database: Database, member_id: int = 1) -> float | None:
    async with database.reading() as connection:
        row = await db.allowances.find(connection, member_id)
    return None if row is None else row.balance


async def add_one(database: Database) -> None:
    async with database.transaction() as connection:
        row = await db.allowances.find(connection, 1)
        await asyncio.sleep(0)
        await db.allowances.put(
            connection,
            AllowanceRow(member_id=1, balance=(row.balance if row else 0.0) + 1, updated_at=0.0),
        )


async def test_concurrent_transactions_lose_no_increment(database: Database) -> None:
    await asyncio.gather(*(add_one(database) for _ in range(50)))
    assert await balance(database) == 50


async def test_what_raises_leaves_nothing(database: Database) -> None:
    async def halfway() -> None:
        async with database.transaction() as connection:
            await record(connection, "aaaa", "bbbb")
            raise KeyError

    with pytest.raises(KeyError):
        await halfway()
    assert await ids_seen(database) == []
    await add_one(database)


async def test_reader_does_not_see_what_is_not_committed(database: Database) -> None:
    async with database.transaction() as connection:
        await record(connection, "aaaa")
        seen = await asyncio.create_task(ids_seen(database))
    assert seen == []
    assert await ids_seen(database) == ["aaaa"]


async def ids_seen(database: Database) -> list[str]:
    async with database.reading() as connection:
        rows = await connection.execute_fetchall("SELECT id FROM generations ORDER BY created_at")
        return [row["id"] for row in rows]


async def test_one_reading_sees_one_moment(database: Database) -> None:
    async with database.reading() as connection:
        before = await db.allowances.find(connection, 1)
        await asyncio.create_task(add_one(database))
        assert await db.allowances.find(connection, 1) == before
    assert await balance(database) == 1


async def test_cancelled_task_leaves_nothing_and_frees_the_lock(database: Database) -> None:
    entered = asyncio.Event()

    async def stuck() -> None:
        async with database.transaction() as connection:
            await record(connection, "aaaa")
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stuck())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ids_seen(database) == []
    await add_one(database)


async def test_task_cancelled_twice_still_rolls_back_first(database: Database) -> None:
    entered = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as connection:
            await record(connection, "aaaa")
            entered.set()
            await connection.execute_fetchall(SLOW)

    task = asyncio.create_task(slow())
    await entered.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()  # the rollback waits for the statement that SQLite's thread has begun
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ids_seen(database) == []
    await add_one(database)


@pytest.mark.parametrize(
    ("statement", "kept"), [("BEGIN", False), ("INSERT", False), ("SELECT", False), ("COMMIT", True)]
)
async def test_transaction_cancelled_during_any_statement_is_whole_or_absent(
    database: Database, statement: str, kept: bool
) -> None:
    loop = asyncio.get_running_loop()

    async def several() -> None:
        async with database.transaction() as connection:
            await record(connection, "aaaa", "bbbb")
            await db.generations.find(connection, "aaaa")

    def cancel(sql: str) -> None:  # called in SQLite's thread when a statement begins
        if sql.lstrip().startswith(statement):
            loop.call_soon_threadsafe(task.cancel)

    async with database.transaction() as writer:
        pass
    await writer.set_trace_callback(cancel)
    task = asyncio.create_task(several())
    with pytest.raises(asyncio.CancelledError):
        await task
    await writer.set_trace_callback(None)
    assert await ids_seen(database) == (["aaaa", "bbbb"] if kept else [])
    await add_one(database)


async def test_waiting_task_that_is_cancelled_does_not_block_the_next(database: Database) -> None:
    async with database.transaction():
        waiting = asyncio.create_task(add_one(database))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await add_one(database)
    assert await balance(database) == 1


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("transaction", "transaction"),
        ("reading", "transaction"),
        ("transaction", "reading"),
        ("reading", "reading"),
    ],
)
async def test_nesting_is_an_error_and_no_standstill(database: Database, outer: str, inner: str) -> None:
    async with getattr(database, outer)():
        with pytest.raises(db.NestedTransaction):
            async with getattr(database, inner)():
                pytest.fail("entered")
    await add_one(database)


async def test_reading_connection_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnusable) as caught:
        async with database.reading() as connection:
            await record(connection, "aaaa")
    assert caught.value.reason is Reason.READ_ONLY


async def test_full_disk_is_told_and_loses_nothing_else(database: Database) -> None:
    await add_one(database)
    async with database.transaction() as connection:
        ((pages,),) = await connection.execute_fetchall("PRAGMA page_count")
        await connection.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseUnusable) as caught:
        async with database.transaction() as connection:
            await db.generations.insert(connection, a_generation(prompt="x" * 100_000))
    assert caught.value.reason is Reason.FULL
    assert await balance(database) == 1
    assert await ids_seen(database) == []


async def test_broken_rule_is_told_and_undoes_its_transaction(database: Database) -> None:
    async def one_right_one_wrong() -> None:
        async with database.transaction() as connection:
            await record(connection, "aaaa")
            await db.generations.star(connection, "nowhere", 1, 0.0)

    with pytest.raises(db.RuleBroken, match="FOREIGN KEY"):
        await one_right_one_wrong()
    assert await ids_seen(database) == []


async def test_wrong_statement_is_not_blamed_on_the_file(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        async with database.reading() as connection:
            await connection.execute_fetchall("SELECT * FROM nowhere")


async def test_file_held_by_another_process_is_told(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    async with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnusable) as caught:
            async with opened(path, busy_timeout=0.01):
                pytest.fail("opened")
    assert caught.value.reason is Reason.LOCKED


async def test_new_file_can_be_opened_by_several_at_once(tmp_path: Path) -> None:
    async def use() -> None:
        async with opened(tmp_path / "easel.db") as database:
            await add_one(database)

    await asyncio.gather(*(use() for _ in range(6)))
    async with opened(tmp_path / "easel.db") as database:
        assert await balance(database) == 6


async def test_a_long_reading_sees_one_moment_and_nobody_waits_for_it(database: Database) -> None:
    async with database.long_reading() as connection, asyncio.timeout(5):
        assert await db.allowances.find(connection, 1) is None
        await asyncio.create_task(add_one(database))
        assert await asyncio.create_task(balance(database)) == 1
        assert await db.allowances.find(connection, 1) is None


async def test_nobody_waits_while_the_log_is_emptied_beside_another_process(database: Database) -> None:
    await add_one(database)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as elsewhere:
        elsewhere.execute("BEGIN")
        elsewhere.execute("SELECT * FROM allowances").fetchall()
        await add_one(database)
        tidying = asyncio.create_task(database.tidy())
        async with asyncio.timeout(3):  # it tries for five seconds
            for _ in range(20):
                assert await balance(database) == 2
        assert not tidying.done()
    await tidying
    assert database.path.with_name(f"{database.path.name}-wal").stat().st_size == 0


async def test_second_database_on_the_same_file_sees_what_the_first_committed(database: Database) -> None:
    await add_one(database)
    async with opened(database.path) as other:
        await asyncio.gather(*(add_one(each) for each in (database, other) for _ in range(10)))
        assert await balance(other) == 21


@pytest.mark.parametrize("damage", [b"this is no database " * 400, b"SQLite format 3\0" + b"\xff" * 8000])
async def test_damaged_file_is_refused_in_words_and_left_alone(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "easel.db"
    path.write_bytes(damage)
    with pytest.raises(DatabaseUnusable, match=r"easel\.db cannot be used, it is corrupt") as caught:
        async with opened(path):
            pytest.fail("opened")
    assert caught.value.reason is Reason.CORRUPT
    assert path.read_bytes() == damage


async def test_folder_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(DatabaseUnusable) as caught:
        async with opened(tmp_path / "data" / "easel.db"):
            pytest.fail("opened")
    assert caught.value.reason is Reason.MISPLACED


async def test_path_that_is_a_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable) as caught:
        async with opened(tmp_path):
            pytest.fail("opened")
    assert caught.value.reason is Reason.MISPLACED


async def test_file_that_may_not_be_written_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    async with opened(path):
        pass
    path.chmod(0o400)
    try:
        path.open("ab").close()
    except PermissionError:
        pass
    else:
        pytest.skip("this user may write every file")
    with pytest.raises(DatabaseUnusable) as caught:
        async with opened(path):
            pytest.fail("opened")
    assert caught.value.reason is Reason.READ_ONLY


async def test_new_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "some" / "folder" / "easel.db"
    async with opened(path) as database:
        await add_one(database)
        names = names_in(path.parent)
        modes = {(path.parent / name).stat().st_mode & 0o777 for name in names}
    assert names == {"easel.db", "easel.db-wal", "easel.db-shm"}
    assert modes == {0o600}


async def test_closed_database_is_one_whole_file_and_says_that_it_is_closed(database: Database) -> None:
    await add_one(database)
    await database.close()
    await database.close()
    assert names_in(database.path.parent) == {"easel.db"}
    with pytest.raises(db.DatabaseClosed):
        await add_one(database)


async def test_closing_waits_for_the_transaction_under_way(database: Database) -> None:
    ids = [f"id{number}" for number in range(10)]
    async with database.transaction() as connection:
        closing_task = asyncio.create_task(database.close())
        await record(connection, *ids)
    await closing_task
    async with opened(database.path) as again:
        assert await ids_seen(again) == ids


async def test_every_commit_is_synchronised_with_the_disk(database: Database) -> None:
    async with database.transaction() as connection:
        ((synchronous,),) = await connection.execute_fetchall("PRAGMA synchronous")
        ((journal,),) = await connection.execute_fetchall("PRAGMA journal_mode")
    assert (synchronous, journal) == (2, "wal")  # 2 is FULL


KILLED = """
import asyncio, os, pathlib, sys
import db

async def main():
    database = await db.Database.open(pathlib.Path(sys.argv[1]))
    for balance in (1.0, 2.0):
        async with database.transaction() as connection:
            await db.allowances.put(connection, db.AllowanceRow(member_id=1, balance=balance, updated_at=0.0))
            if balance == 2.0:
                os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_killed_process_leaves_what_it_committed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    root = Path(__file__).parents[3]
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, str(path)], cwd=root, capture_output=True, check=False
    )
    assert ended.returncode == -9, ended.stderr.decode()
    async with opened(path) as database:
        assert await balance(database) == 1


@pytest.mark.parametrize("room", range(0, 300_000, 15_000))
async def test_a_disk_that_is_full_refuses_in_words_and_half_records_nothing(tmp_path: Path, room: int) -> None:
    with small_disk(tmp_path / "disk", kilobytes=800) as disk:
        async with opened(disk / "easel.db") as database:
            await add_one(database)
            fill(disk, leaving=room)
            with pytest.raises(DatabaseUnusable) as caught:
                await record_for_ever(database)
            accepted = len(await ids_seen(database))
            assert caught.value.reason is Reason.FULL
            (disk / "filling").unlink()
            await add_one(database)
        await unharmed(disk / "easel.db", accepted)


async def test_a_disk_that_becomes_read_only_refuses_in_words_and_half_records_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=2000) as disk:
        async with opened(disk / "easel.db") as database, database.transaction() as connection:
            await record(connection, "id0")
        make_read_only(disk)
        try:
            with pytest.raises(DatabaseUnusable) as caught:
                async with opened(disk / "easel.db"):
                    pytest.fail("opened")
            assert caught.value.reason is Reason.READ_ONLY
            assert db.snapshot.take(disk / "easel.db", tmp_path / "copy.db").generations == 1
        finally:
            make_read_only(disk, writable=True)
        await unharmed(disk / "easel.db", 1)


async def record_for_ever(database: Database) -> None:
    for number in count():
        async with database.transaction() as connection:
            await record(connection, f"id{number}", prompt="a word " * 100)
            await db.jobs.begin_attempt(connection, f"id{number}", 1.0)


async def unharmed(path: Path, accepted: int) -> None:
    """Every record is whole: each generation with its job, and nothing damaged."""
    async with opened(path) as database, database.reading() as connection:
        [(verdict,)] = await connection.execute_fetchall("PRAGMA integrity_check")
        [(generations,)] = await connection.execute_fetchall("SELECT count(*) FROM generations")
        [(jobs,)] = await connection.execute_fetchall("SELECT count(*) FROM jobs")
    assert (verdict, generations, jobs) == ("ok", accepted, accepted)
