"""Brings a database file to the newest schema, one numbered SQL file after the other."""

import errno
import glob
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

from db.errors import DatabaseUnusable, MigrationFailed, NewerDatabase, Reason, sqlite_errors

MIGRATIONS = Path(__file__).parent / "migrations"

APPLICATION_ID = 0x4541534C  # "EASL", in the file's header: tells Easel's database from any other program's
_OLDEST_SQLITE = (3, 38, 0)  # STRICT tables, RETURNING and JSON without being asked for
_SYSTEM_REASONS = {
    errno.EACCES: Reason.READ_ONLY,
    errno.EPERM: Reason.READ_ONLY,
    errno.EROFS: Reason.READ_ONLY,
    errno.ENOSPC: Reason.FULL,
    errno.EDQUOT: Reason.FULL,
    errno.EIO: Reason.FAILING,
}


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step of the schema."""

    number: int  # 1 and up; the database's user_version once it is made
    name: str  # the file's, without its ending
    sql: str


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """All migrations of a folder in their order.

    Raises MigrationFailed where a file is named unlike 0001_reason.sql, a number is missing or there twice, or
    a file does not open with its reason as a comment.
    """
    migrations = []
    for expected, file in enumerate(sorted(folder.glob("*.sql")), start=1):
        matched = re.fullmatch(r"(\d{4})_[a-z0-9_]+", file.stem)
        if matched is None:
            raise MigrationFailed(file.stem, "its file is not named like 0001_reason.sql")
        if int(matched[1]) != expected:
            raise MigrationFailed(file.stem, f"its number should be {expected:04d}")
        sql = file.read_text(encoding="utf-8")
        if not sql.startswith("-- "):
            raise MigrationFailed(file.stem, "its file does not open with its reason as a comment")
        migrations.append(Migration(number=expected, name=file.stem, sql=sql))
    return tuple(migrations)


def migrate(path: Path, migrations: tuple[Migration, ...], *, busy_timeout: float = 5.0) -> Path | None:
    """Create the file and its folders where needed and make every migration that it lacks.

    Returns the backup that was made before the first of them, or None if there was nothing to lose. Safe against
    a second process that does the same. Raises DatabaseUnusable, NewerDatabase, MigrationFailed.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE))
        raise DatabaseUnusable(
            path, Reason.OUTDATED, f"SQLite is {sqlite3.sqlite_version}, and {oldest} or newer is needed"
        )
    _create(path)
    backup = None
    with (
        sqlite_errors(path),
        closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as connection,
    ):
        found = found_schema(connection, path)
        if found > len(migrations):
            raise NewerDatabase(path, found=found, known=len(migrations))
        lacking = migrations[found:]
        if lacking and found:
            backup = _back_up(connection, path, before=lacking[0])
        connection.execute("PRAGMA synchronous = FULL")
        for migration in lacking:
            _make(connection, migration)
    return backup


def _create(path: Path) -> None:
    """An empty file is a valid empty database; made here, it is readable by its owner alone, as prompts are."""
    with _system_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


@contextmanager
def _system_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = _SYSTEM_REASONS.get(error.errno or 0, Reason.MISPLACED)
        raise DatabaseUnusable(path, reason, error.strerror or str(error)) from error


def found_schema(connection: sqlite3.Connection, path: Path) -> int:
    """The schema of the file, 0 for a new one. Raises DatabaseUnusable for another program's database."""
    connection.execute("BEGIN")  # one moment, since another process may be creating it
    found = _version(connection)
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    connection.execute("COMMIT")
    if application != APPLICATION_ID and (found or application or not empty):
        raise DatabaseUnusable(path, Reason.FOREIGN, "another program made it, so Easel leaves it alone")
    return found


def _back_up(connection: sqlite3.Connection, path: Path, *, before: Migration) -> Path | None:
    """Copy the committed rows into one file that is complete as soon as it bears its name.

    None if another process has made the migration in the meantime: its backup is the one that counts.
    """
    backup = path.with_name(f"{path.name}.before-{before.number:04d}")
    timeout = connection.execute("PRAGMA busy_timeout").fetchone()[0] / 1000
    # A transaction would forbid VACUUM, so that another connection keeps everybody from writing meanwhile.
    with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as guard:
        guard.execute("BEGIN IMMEDIATE")
        if _version(guard) >= before.number:
            return None
        with _system_errors(path):
            # What a process left that was killed here.
            for abandoned in path.parent.glob(f"{glob.escape(backup.name)}.*"):
                abandoned.unlink()
            number, name = mkstemp(prefix=f"{backup.name}.", dir=path.parent)
        unfinished = Path(name)
        try:
            connection.execute("VACUUM INTO ?", (name,))
            with _system_errors(path):
                os.fsync(number)
                unfinished.replace(backup)
        finally:
            os.close(number)
            unfinished.unlink(missing_ok=True)
    return backup


def _make(connection: sqlite3.Connection, migration: Migration) -> None:
    """Run one migration and its version bump in one transaction; none of it stays if any of it fails.

    Foreign keys are not enforced meanwhile, so that a table can be rebuilt, and are checked before the commit.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) >= migration.number:  # another process was faster
            return
        for statement in _statements(migration.sql):
            connection.execute(statement)
            if not connection.in_transaction:
                raise MigrationFailed(migration.name, "it ends the transaction that it runs in")
        if (dangling := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise MigrationFailed(migration.name, f"it leaves rows of {dangling[0]} that refer to nothing")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {migration.number}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if Reason.of(error) is not None:
            raise
        raise MigrationFailed(migration.name, str(error)) from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script one by one; sqlite3's own executescript would commit before it begins."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
