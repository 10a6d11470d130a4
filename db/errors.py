"""What can go wrong in the records.

DatabaseError
├── DatabaseUnusable     the file, the disk or another process is in the way; `reason` says which
├── NewerDatabase        a newer Easel wrote this file
├── MigrationFailed      a step of the schema could not be taken; the file is as it was before that step
├── DatabaseClosed       used after close()
├── NestedTransaction    a task that is inside a transaction or a reading opened another one
├── RuleBroken           the schema refuses the row: an id twice, a missing generation, a value out of its set
└── WrongState           a job is not in a state from which this can happen
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path


class Reason(StrEnum):
    """Why a database cannot be used."""

    LOCKED = "locked"  # another process held it for longer than the busy timeout
    CORRUPT = "corrupt"  # the file is damaged, or no SQLite database at all
    READ_ONLY = "read-only"  # the file or its folder may not be written
    FULL = "full"  # no space left on the disk
    MISPLACED = "misplaced"  # the path cannot be created or opened, or its file system cannot share memory
    FOREIGN = "foreign"  # a sound SQLite database of another program
    FAILING = "failing"  # the disk reports errors
    OUTDATED = "outdated"  # this Python's SQLite library lacks what the schema needs

    @classmethod
    def of(cls, error: sqlite3.Error) -> "Reason | None":
        """The reason behind SQLite's result code; None for a statement's own fault."""
        code = getattr(error, "sqlite_errorcode", None)
        return None if code is None else _REASONS.get(code & 0xFF)  # the low byte: sqlite.org/rescode.html


_REASONS = {
    sqlite3.SQLITE_BUSY: Reason.LOCKED,
    sqlite3.SQLITE_LOCKED: Reason.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Reason.LOCKED,
    sqlite3.SQLITE_CORRUPT: Reason.CORRUPT,
    sqlite3.SQLITE_NOTADB: Reason.CORRUPT,
    sqlite3.SQLITE_READONLY: Reason.READ_ONLY,
    sqlite3.SQLITE_PERM: Reason.READ_ONLY,
    sqlite3.SQLITE_FULL: Reason.FULL,
    sqlite3.SQLITE_CANTOPEN: Reason.MISPLACED,
    sqlite3.SQLITE_IOERR: Reason.FAILING,
}


class DatabaseError(Exception):
    """The base of every error of the records."""


class DatabaseUnusable(DatabaseError):
    """The file cannot be used, for `reason`; `detail` is SQLite's or the system's own sentence."""

    def __init__(self, path: Path, reason: Reason, detail: str) -> None:
        super().__init__(f"The database {path} cannot be used, it is {reason.value}: {detail}.")
        self.path = path
        self.reason = reason
        self.detail = detail


class NewerDatabase(DatabaseError):
    """The file is of schema `found`, and this Easel knows `known` and older ones."""

    def __init__(self, path: Path, *, found: int, known: int) -> None:
        super().__init__(
            f"The database {path} was written by a newer Easel: its schema is {found}, "
            f"and this Easel knows schemas up to {known}."
        )
        self.path = path
        self.found = found
        self.known = known


class MigrationFailed(DatabaseError):
    """Migration `name` could not be made; every migration before it stays made."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"Migration {name} failed: {detail}.")
        self.name = name
        self.detail = detail


class DatabaseClosed(DatabaseError):
    """The database was closed before."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The database {path} is closed.")
        self.path = path


class NestedTransaction(DatabaseError):
    """Waiting for itself, the task would never go on."""

    def __init__(self) -> None:
        super().__init__("This task is already inside a transaction or a reading: hand its connection on.")


class RuleBroken(DatabaseError):
    """The schema refuses a row; `detail` names the rule. Raised where the transaction ends, which is undone."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"The database refuses this: {detail}.")
        self.detail = detail


class WrongState(DatabaseError):
    """The job of `generation_id` is in `found`, or absent if that is None."""

    def __init__(self, generation_id: str, *, found: str | None, needed: str) -> None:
        state = "has no job" if found is None else f"is {found}"
        super().__init__(f"Generation {generation_id} {state}; it would have to be {needed}.")
        self.generation_id = generation_id
        self.found = found


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as DatabaseUnusable or RuleBroken; a wrong statement's error passes as it is."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise RuleBroken(str(error)) from error
    except sqlite3.Error as error:
        reason = Reason.of(error)
        if reason is None:
            raise
        raise DatabaseUnusable(path, reason, str(error)) from error
