"""The laws of the schema: immutable steps, each whole or not at all, a backup first, never backwards."""

import dataclasses
import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

import db
from db import DatabaseUnusable, MigrationFailed, NewerDatabase, Reason
from db.migrate import Migration, migrate, read_migrations
from tests.disks import fill, small_disk
from tests.killed import killed_at_each_step
from tests.unit.db.files import names_in, opened

# A migration that was released is never edited; a change of the schema is a new file and a new line here.
CHECKSUMS = {
    "0001_first_schema": "49c9dff1e8409e88ada013b377105ab56a21c3e6588f3d3ddb513b2acbc71a4b",
    "0002_search": "7d652e669200d4be7079b9e4f3d65564f06b1d455f1c685ff69fbf7cee566a54",
    "0003_preferences": "75ed4d96f23f090607aecbb91cd21469b8c42f2808e99070ac99b421bae3a5b3",
    "0004_tombstones": "8b9869bab633dd42a1554aeac2da35e796ccd71c5eb9ac76cfb2b016e6d53487",
    "0005_masks": "596dc4fc3664690931826321f548511bbec1e2726c2ed251bf07b5f890986aeb",
    "0006_sheets": "a71b4d9e8b899574b1df9db739bcc10a403df6b639dd7152538225f0d5ed43c1",
    "0007_words_as_drawn": "3f49ec30a90e09d479360265395d05ab63a036e8d164d3d19ad3337d7c52d665",
    "0008_spread": "25ebe686a2a7047605f5cab78decd5b6a09413f564282fa1a772605e88fac67a",
    "0009_unseen": "688bc958f20c4456ceec3310e7275082c602b4dd814e627e401546d2a8f0d2cc",
    "0010_servers": "79bf011ad355edcb32085c7b0cc43626198b2bc640d2682592bfa36544f0acc0",
    "0011_looks": "465c8d74f9d59a618dc498de560dd0b31c8f40a1cbb73c684be2f9abe09bbef5",
    "0012_shortages": "18c4d9dad298dc95108b10c950d7584a9aa622851339003a453e9480245f8f5d",
}

FIRST = Migration(
    number=1, name="0001_first", sql="-- Cats.\nCREATE TABLE cats (id INTEGER PRIMARY KEY, name TEXT);\n"
)
SECOND = Migration(
    number=2,
    name="0002_second",
    sql="""-- Cats have colours; a semicolon in a text; and a trigger are no end of a statement.
ALTER TABLE cats ADD COLUMN colour TEXT NOT NULL DEFAULT 'red; white';
CREATE TRIGGER no_dogs AFTER INSERT ON cats WHEN new.name = 'dog' BEGIN
    SELECT 1;
    SELECT raise(ABORT, 'no dogs');
END;
CREATE TABLE kittens (cat_id INTEGER REFERENCES cats (id))""",
)


def schema(path: Path) -> tuple[int, list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return version, [row[0] for row in connection.execute("SELECT sql FROM sqlite_schema ORDER BY name")]


def run(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return [row for statement in statements for row in connection.execute(statement)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the first schema with one cat."""
    path = tmp_path / "easel.db"
    migrate(path, (FIRST,))
    run(path, "INSERT INTO cats VALUES (1, 'Minka')")
    return path


def test_released_migrations_are_never_edited() -> None:
    found = {migration.name: hashlib.sha256(migration.sql.encode()).hexdigest() for migration in read_migrations()}
    assert found == CHECKSUMS


@pytest.mark.parametrize(
    ("table", "row", "hidden"),
    [
        ("generations", db.GenerationRow, {"number"}),
        ("pictures", db.PictureRow, set()),
        ("jobs", db.JobRow, set()),
        ("allowances", db.AllowanceRow, set()),
        ("charges", db.ChargeRow, set()),
        ("seeds", db.SeedRow, {"name_key"}),
        ("preferences", db.PreferencesRow, set()),
        ("deliveries", db.DeliveryRow, set()),
        ("rates", db.RateRow, set()),
        ("tombstones", db.TombstoneRow, set()),
        ("sheets", db.SheetRow, set()),
        ("servers", db.ServerRow, set()),
        ("server_roles", db.ServerRoleRow, set()),
        ("server_blocks", db.BlockRow, set()),
        ("server_log", db.DeedRow, set()),
        ("showcased", db.ShowcasedRow, set()),
        ("looks", db.LookRow, set()),
        ("shortages", db.ShortageRow, set()),
    ],
)
def test_rows_and_tables_agree(tmp_path: Path, table: str, row: type, hidden: set[str]) -> None:
    path = tmp_path / "easel.db"
    migrate(path, read_migrations())
    columns = {name for (name,) in run(path, f"SELECT name FROM pragma_table_info('{table}')")}  # noqa: S608
    assert columns - hidden == {field.name for field in dataclasses.fields(row)}


def test_new_database_gets_every_migration_and_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "easel.db"
    assert migrate(path, (FIRST, SECOND)) is None
    assert schema(path)[0] == 2
    assert [file.name for file in path.parent.iterdir()] == ["easel.db"]


def test_upgraded_schema_is_the_schema_of_a_new_database(path: Path, tmp_path: Path) -> None:
    migrate(path, (FIRST, SECOND))
    migrate(tmp_path / "new.db", (FIRST, SECOND))
    assert schema(path) == schema(tmp_path / "new.db")
    assert run(path, "SELECT * FROM cats") == [(1, "Minka", "red; white")]


def test_backup_is_the_database_as_it_was(path: Path) -> None:
    before = schema(path)
    backup = migrate(path, (FIRST, SECOND))
    assert backup == path.with_name("easel.db.before-0002")
    assert schema(backup) == before
    assert run(backup, "SELECT * FROM cats") == [(1, "Minka")]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in path.parent.iterdir()} == {"easel.db", "easel.db.before-0002"}
    migrate(backup, (FIRST, SECOND))  # and it can be upgraded in its turn
    assert schema(backup) == schema(path)


def test_backup_includes_what_only_the_write_ahead_log_holds(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("INSERT INTO cats VALUES (2, 'Tom')")
        backup = migrate(path, (FIRST, SECOND))
        assert backup is not None
        assert run(backup, "SELECT name FROM cats ORDER BY id") == [("Minka",), ("Tom",)]


def test_processes_that_migrate_at_once_do_not_disturb_each_other(path: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        for file in (path, *(tmp_path / f"new-{number}.db" for number in range(8))):
            ready = Barrier(4)

            def one(file: Path = file, ready: Barrier = ready) -> None:
                ready.wait()
                migrate(file, (FIRST, SECOND))

            for done in [threads.submit(one) for _ in range(4)]:
                done.result()
            assert schema(file)[0] == 2
    assert schema(path.with_name("easel.db.before-0002"))[0] == 1
    assert {file.suffix for file in tmp_path.iterdir()} == {".db", ".before-0002"}  # nothing unfinished


def test_database_that_is_up_to_date_is_not_touched(path: Path) -> None:
    before = path.read_bytes()
    assert migrate(path, (FIRST,)) is None
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE TABLE dogs (id INTEGER); CREATE TABLE", "incomplete input|one statement"),
        ("CREATE TABLE dogs (id INTEGER);\nINSERT INTO nowhere VALUES (1);", "no such table: nowhere"),
        ("CREATE TABLE dogs (id INTEGER);\nCOMMIT;\nCREATE TABLE more (id INTEGER);", "ends the transaction"),
        ("INSERT INTO kittens VALUES (77);", "rows of kittens that refer to nothing"),
    ],
)
def test_failed_migration_leaves_the_one_before_it(path: Path, sql: str, reason: str) -> None:
    third = Migration(number=3, name="0003_third", sql=f"-- It fails.\n{sql}\n")
    with pytest.raises(MigrationFailed, match=f"Migration 0003_third failed: .*({reason})"):
        migrate(path, (FIRST, SECOND, third))
    version, tables = schema(path)
    assert version == 2
    assert not any("more" in table for table in tables if table)
    assert run(path, "SELECT * FROM kittens") == []
    fixed = dataclasses.replace(third, sql="-- It works.\nCREATE TABLE birds (id INTEGER);\n")
    migrate(path, (FIRST, SECOND, fixed))
    assert schema(path)[0] == 3


def test_full_disk_during_a_migration_is_not_the_migrations_fault(path: Path) -> None:
    greedy = Migration(
        number=2,
        name="0002_greedy",
        sql="-- Fills the disk.\nPRAGMA max_page_count = 4;\nCREATE TABLE a AS SELECT randomblob(100000) AS b;\n",
    )
    with pytest.raises(DatabaseUnusable) as caught:
        migrate(path, (FIRST, greedy))
    assert caught.value.reason is Reason.FULL
    assert schema(path)[0] == 1


def test_newer_database_is_refused_and_left_alone(path: Path) -> None:
    migrate(path, (FIRST, SECOND))
    before = path.read_bytes()
    with pytest.raises(NewerDatabase, match=r"newer Easel: its schema is 2, and this Easel knows .* up to 1"):
        migrate(path, (FIRST,))
    assert path.read_bytes() == before


async def test_opening_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    async with opened(path):
        pass
    run(path, "PRAGMA user_version = 9000")
    with pytest.raises(NewerDatabase):
        async with opened(path):
            pytest.fail("opened")


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE bookmarks (id INTEGER)", "PRAGMA user_version = 3", "PRAGMA application_id = 77"]
)
async def test_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "places.sqlite"
    run(path, statement)
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable) as caught:
        async with opened(path):
            pytest.fail("opened")
    assert caught.value.reason is Reason.FOREIGN
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"0001_a.sql": "-- a\n", "0003_c.sql": "-- c\n"}, "0003_c failed: its number should be 0002"),
        ({"0001_a.sql": "-- a\n", "0001_b.sql": "-- b\n"}, "0001_b failed: its number should be 0002"),
        ({"first.sql": "-- a\n"}, "first failed: its file is not named like 0001_reason.sql"),
        ({"0001_a.sql": "CREATE TABLE a (id INTEGER);\n"}, "0001_a failed: .* its reason as a comment"),
    ],
)
def test_folder_of_migrations_is_checked(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(MigrationFailed, match=complaint):
        read_migrations(tmp_path)


# The released migrations -----------------------------------------------------------------------------------

RELEASED = read_migrations()
# Rows for every table, by the migration that brought it.
ROWS = {
    1: (
        """
        INSERT INTO generations VALUES
            ('aaaa', 1, 10, 100, 0, 0, NULL, 'a red cat', '', 'storybook', 256, 192, 20, 4.0, 'ddim', NULL, 7,
                NULL, 1, '{"prompt": "a red cat"}', 1000.0),
            ('bbbb', 2, NULL, 100, 1, 1, 'aaaa', 'a blue fish', 'fog', 'sdxl', 64, 64, 1, 0.0, 'euler', 0.5, 0,
                'f00', 0, '{}', 2000.0)
        """,
        "INSERT INTO pictures VALUES ('aaaa', 1, 'a.png', 7, '00', 256, 192, 0), ('aaaa', 2, 'b', 8, '', 1, 1, 1)",
        "INSERT INTO stars VALUES ('aaaa', 2, 3000.0)",
        """
        INSERT INTO jobs VALUES
            ('aaaa', 1, 'finished', 1, 2.0, 1000.0, 1001.0, 1002.0, 1.5, NULL, NULL),
            ('bbbb', 2, 'queued', 0, 2.0, 2000.0, NULL, NULL, NULL, NULL, NULL)
        """,
        "INSERT INTO allowances VALUES (1, -2.5, 1000.0)",
        "INSERT INTO charges VALUES ('aaaa', 1, 2.0, 0.5, 1000.0, 1002.0), ('gone', 3, 1.0, 0.0, 1.0, NULL)",
        "INSERT INTO seeds VALUES (1, 'cosy', 'Cosy', 7, 'aaaa', 1000.0)",
        """
        INSERT INTO deliveries VALUES
            ('bbbb', 'pending', NULL, 1, 'token', 3000.0, NULL, 100, NULL, 5, 1, NULL, NULL)
        """,
        "INSERT INTO rates VALUES ('cpu', 0.5, 3, 1000.0)",
    ),
    2: ("INSERT INTO searches VALUES ('key', 1, '{}', 1000.0)",),
    3: ("INSERT INTO preferences (member_id, model) VALUES (1, 'sdxl')",),
    4: ("INSERT INTO tombstones VALUES (zeroblob(16), zeroblob(32), 1.0, 2.0, 3.0)",),
    6: (
        """
        INSERT INTO sheets VALUES
            ('ssss', 1, 10, 0, '{}', 'drawing', 1000.0, 1, 'token', 3000.0, 100, 5, 0, NULL, NULL, NULL)
        """,
        "INSERT INTO cells VALUES ('aaaa', 'ssss', 1)",
    ),
    10: (
        "INSERT INTO servers VALUES (10, '[100]', '[]', NULL, 30, 768, '[\"fog\"]', 'refuse', 1, 100)",
        "INSERT INTO server_roles VALUES (10, 20, 60.0, NULL)",
        "INSERT INTO server_blocks VALUES (10, 2, 'spam', 1, 1000.0)",
        "INSERT INTO server_log VALUES (1, 10, 1000.0, 1, 'block', 2, '\"spam\"')",
        "INSERT INTO showcased VALUES ('aaaa', 100, 5, 3000.0)",
    ),
    11: (
        """
        INSERT INTO looks VALUES (
            'look', 1, 10, 0, 'd', 1000.0, 1, '{"prompts": ["a cat"]}', 1002.0, 0.5,
            7, 'token', 1900.0, 100, 9, 1
        )
        """,
    ),
    12: ("INSERT INTO shortages VALUES ('sdxl', 'f00', 'cuda:0, 8.6 GB', '{}', 'full, float16', 'aaaa', 1000.0)",),
}


def at_schema(path: Path, number: int, *, full: bool) -> None:
    """A database as the Easel of that schema left it."""
    for known in range(1, number + 1):
        migrate(path, RELEASED[:known])
        if full:
            run(path, *ROWS.get(known, ()))


def counts(path: Path) -> dict[str, int]:
    """Rows by table; the full-text index's own tables are its own business."""
    tables = [
        name
        for (name,) in run(path, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    ]
    return {
        str(name): int(str(run(path, f"SELECT count(*) FROM {name}")[0][0]))  # noqa: S608
        for name in tables
        if not str(name).startswith("sqlite_")
    }


def test_there_are_rows_for_every_table(tmp_path: Path) -> None:
    at_schema(tmp_path / "easel.db", len(RELEASED), full=True)
    assert not [table for table, count in counts(tmp_path / "easel.db").items() if not count]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("oldest", range(1, len(RELEASED)))
async def test_every_older_schema_is_brought_to_the_newest_with_all_of_its_rows(
    tmp_path: Path, oldest: int, *, full: bool
) -> None:
    path = tmp_path / "easel.db"
    at_schema(path, oldest, full=full)
    before = counts(path)
    backup = tmp_path / f"easel.db.before-{oldest + 1:04d}"
    assert backup.name not in names_in(tmp_path)
    async with opened(path) as database, database.reading() as connection:
        [job] = await db.jobs.unended(connection) if full else [None]
        assert (job.generation_id if job else None) == ("bbbb" if full else None)
        assert len((await db.pictures.of_generations(connection, ["aaaa"]))["aaaa"]) == (2 if full else 0)
        child = await db.generations.find(connection, "bbbb")
        assert (child.parent_id if child else None) == ("aaaa" if full else None)
    migrate(tmp_path / "new.db", RELEASED)
    assert schema(path) == schema(tmp_path / "new.db")
    assert counts(path) | before == counts(path)
    assert run(path, "PRAGMA integrity_check", "PRAGMA foreign_key_check") == [("ok",)]
    run(path, "INSERT INTO generations_search (generations_search, rank) VALUES ('integrity-check', 1)")
    assert counts(backup) == before


def upgrade(folder: Path) -> None:
    migrate(folder / "easel.db", RELEASED)


def test_killed_anywhere_a_migration_is_whole_or_absent_and_can_go_on(tmp_path: Path) -> None:
    (tmp_path / "pristine").mkdir()
    at_schema(tmp_path / "pristine" / "easel.db", 1, full=True)
    before = counts(tmp_path / "pristine" / "easel.db")
    killed = killed_at_each_step(upgrade, tmp_path / "pristine", tmp_path / "killed", sql=True)
    assert len(killed) > 20
    migrate(tmp_path / "new.db", RELEASED)
    for folder in killed:
        path = folder / "easel.db"
        version, tables = schema(path)
        assert tables == schema_of(version, tmp_path)
        assert counts(path) | before == counts(path)
        upgrade(folder)
        assert schema(path) == schema(tmp_path / "new.db")
        backups = {file.name for file in folder.iterdir() if ".before-" in file.name}
        assert backups <= {f"easel.db.before-{migration.number:04d}" for migration in RELEASED}


def schema_of(version: int, folder: Path) -> list[str]:
    path = folder / f"schema-{version}.db"
    migrate(path, RELEASED[:version])
    return schema(path)[1]


@pytest.mark.parametrize("room", [1, 40, 90])
def test_full_disk_during_an_upgrade_leaves_the_old_and_no_rest(tmp_path: Path, room: int) -> None:
    with small_disk(tmp_path / "disk", kilobytes=600) as disk:
        at_schema(disk / "easel.db", 1, full=True)
        before = counts(disk / "easel.db")
        fill(disk, leaving=room * 1024)
        with pytest.raises(DatabaseUnusable) as caught:
            migrate(disk / "easel.db", RELEASED)
        assert caught.value.reason is Reason.FULL
        version, tables = schema(disk / "easel.db")
        assert tables == schema_of(version, tmp_path)
        assert counts(disk / "easel.db") | before == counts(disk / "easel.db")
        assert not [file.name for file in disk.iterdir() if file.name.startswith("easel.db.before-0002.")]
        (disk / "filling").unlink()
        upgrade(disk)
        assert schema(disk / "easel.db")[0] == len(RELEASED)
