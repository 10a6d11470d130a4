"""The whole database as one file of its own: taken while others write, and looked at before it is trusted."""

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from db.errors import DatabaseUnusable, NewerDatabase, Reason, sqlite_errors
from db.migrate import found_schema, migrate, read_migrations
from db.tombstones import TombstoneRow


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a database holds."""

    schema: int
    members: int
    generations: int
    unended: int  # generations whose job waits or runs
    pictures: tuple[str, ...]  # paths relative to the pictures' folder
    sources: tuple[str, ...]  # content hashes of source images


def take(path: Path, copy: Path, *, busy_timeout: float = 5.0) -> Contents:
    """Copy the committed rows of one moment to the new file `copy`, beside whoever writes (SQLite's backup API).

    Raises DatabaseUnusable, also for a copy in which damage is found, and NewerDatabase.
    """
    with (
        sqlite_errors(path),
        closing(_beside(path, busy_timeout)) as connection,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        connection.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # the copy is one file, also once somebody has opened it
    return examine(copy)


def examine(path: Path) -> Contents:
    """Look through all of a database that nobody uses, without changing it.

    Raises DatabaseUnusable for damage or another program's file, and NewerDatabase.
    """
    known = len(read_migrations())
    with sqlite_errors(path), closing(_undisturbed(path)) as connection:
        found = found_schema(connection, path)
        if found > known:
            raise NewerDatabase(path, found=found, known=known)
        if found == 0:
            raise DatabaseUnusable(path, Reason.FOREIGN, "it is empty")
        [(verdict,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
        if verdict != "ok":
            raise DatabaseUnusable(path, Reason.CORRUPT, str(verdict))
        if (dangling := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise DatabaseUnusable(path, Reason.CORRUPT, f"rows of {dangling[0]} refer to nothing")
        [(members, generations, unended)] = connection.execute(
            """
            SELECT
                (SELECT count(DISTINCT member_id) FROM generations),
                (SELECT count(*) FROM generations),
                (SELECT count(*) FROM jobs WHERE ended_at IS NULL)
            """
        )
        pictures = tuple(name for (name,) in connection.execute("SELECT path FROM pictures ORDER BY path"))
        sources = tuple(
            sha256
            for (sha256,) in connection.execute(
                """
                SELECT source FROM generations WHERE source IS NOT NULL
                UNION
                SELECT recipe ->> '$.mask' FROM generations WHERE recipe ->> '$.mask' IS NOT NULL
                """
            )
        )
    return Contents(
        schema=found, members=members, generations=generations, unended=unended, pictures=pictures, sources=sources
    )


def check_schema(path: Path) -> None:
    """Compare a database of the newest schema with a new one: nothing is in it that Easel did not put there.

    A trigger, say, would be run with every change. Raises DatabaseUnusable.
    """
    with tempfile.TemporaryDirectory() as folder:
        migrate(Path(folder) / "new.db", read_migrations())
        with closing(_undisturbed(Path(folder) / "new.db")) as new, closing(_undisturbed(path)) as found:
            strange = _statements(found) ^ _statements(new)
    if strange:
        raise DatabaseUnusable(path, Reason.FOREIGN, f"its schema is not Easel's own in {len(strange)} places")


def _statements(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return {sql for (sql,) in rows}


def read_tombstones(path: Path) -> list[TombstoneRow] | None:
    """The tombstones of a database that this process owns, of any schema; none where there is no file.

    None where it is damaged or foreign, so that nobody can tell. Raises DatabaseUnusable for what may pass.
    """
    if not path.exists():
        return []
    try:
        with (
            sqlite_errors(path),
            closing(_beside(path, 5.0) if _log(path).exists() else _undisturbed(path)) as opened,
        ):
            opened.row_factory = sqlite3.Row
            if opened.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tombstones'").fetchone() is None:
                return []
            return [TombstoneRow(**dict(row)) for row in opened.execute("SELECT * FROM tombstones")]
    except DatabaseUnusable as error:
        if error.reason is Reason.CORRUPT:
            return None
        raise
    except (sqlite3.Error, TypeError):  # a table of that name with other columns
        return None


def _beside(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection for reading what others may be writing."""
    if not os.access(path.parent, os.W_OK) and not _log(path).exists():
        return _undisturbed(
            path
        )  # on a read-only disk the memory that writers share cannot be made, nor is it needed
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=timeout, isolation_level=None
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _undisturbed(path: Path) -> sqlite3.Connection:
    """A connection for reading what nobody writes; it makes no files of its own."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
