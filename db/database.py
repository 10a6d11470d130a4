"""The open database: one connection that writes, one that reads, and who may use them when."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self, TypeVar

import aiosqlite

from db.errors import DatabaseClosed, DatabaseUnusable, NestedTransaction, Reason, sqlite_errors
from db.migrate import migrate, read_migrations

T = TypeVar("T")
_RETRY_AFTER = 0.02  # seconds
_TIDYING = 5.0  # seconds that the write-ahead log is tried to be emptied beside another process


class Database:
    """One SQLite file, written by one transaction at a time and read beside it.

    A transaction that has left its block without an error is on the disk and survives a power cut, as far as the
    disk keeps what it reports as written (WAL with synchronous=FULL). One that was cut off is gone as a whole.
    """

    def __init__(self, path: Path, *, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._inside: set[asyncio.Task[object]] = set()
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, busy_timeout: float = 5.0) -> Self:
        """Open the file, creating it and its folders, backing it up and migrating it as needed.

        `busy_timeout` is how many seconds to wait for another process. Raises DatabaseUnusable, NewerDatabase,
        MigrationFailed.
        """
        await _to_its_end(asyncio.to_thread(migrate, path, read_migrations(), busy_timeout=busy_timeout))
        with sqlite_errors(path):
            async with AsyncExitStack() as opened:
                writer = aiosqlite.connect(path, timeout=busy_timeout, isolation_level=None)
                opened.push_async_callback(writer.close)
                await _prepare(await writer, path, busy_timeout)
                reader = aiosqlite.connect(path, timeout=busy_timeout, isolation_level=None)
                opened.push_async_callback(reader.close)
                await _prepare_to_read(await reader)
                opened.pop_all()
        return cls(path, writer=writer, reader=reader)

    async def close(self) -> None:
        """Wait for what is under way, then close; closing twice does nothing."""
        self._refuse_nesting()
        async with self._writing, self._reading:
            if self._closed:
                return
            self._closed = True
            await _to_its_end(self._close())

    async def _close(self) -> None:
        await self._reader.close()
        await self._writer.close()  # last, since the last one to close tidies the write-ahead log away

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """The writing connection, alone, until the block ends: committed then, rolled back on any exception.

        A task cancelled inside the block leaves nothing; one cancelled during the commit itself is told so only
        when the commit is done. Raises DatabaseUnusable, RuleBroken, NestedTransaction, DatabaseClosed.
        """
        async with self._alone(self._writing):
            try:
                await _run(self._writer, "BEGIN IMMEDIATE")
                yield self._writer
                await _run(self._writer, "COMMIT")
            except BaseException:
                await _to_its_end(self._writer.rollback())  # after all that was begun; nothing, if that committed
                raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection that sees the committed rows of one moment; keep the block short, readers take turns.

        Raises DatabaseUnusable, NestedTransaction, DatabaseClosed.
        """
        async with self._alone(self._reading):
            try:
                await _run(self._reader, "BEGIN")
                yield self._reader
            finally:
                await _to_its_end(self._reader.rollback())

    @asynccontextmanager
    async def long_reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """As `reading`, on a connection of its own: however long it takes, nobody waits for it.

        Raises DatabaseUnusable, DatabaseClosed.
        """
        if self._closed:
            raise DatabaseClosed(self.path)
        with sqlite_errors(self.path):
            async with aiosqlite.connect(self.path, isolation_level=None) as connection:
                await _prepare_to_read(connection)
                await _run(connection, "BEGIN")
                yield connection

    async def check(self) -> None:
        """Have the file answer. Raises DatabaseUnusable, NestedTransaction, DatabaseClosed."""
        async with self.reading() as connection:
            await _run(connection, "SELECT 1 FROM sqlite_schema LIMIT 1")

    async def tidy(self) -> None:
        """Bring the write-ahead log into the file and empty it, so that what was erased is nowhere any more.

        Beside another process that goes on reading the log stays until the next time; nothing is lost by that.
        Raises DatabaseUnusable, NestedTransaction, DatabaseClosed.
        """
        until = time.monotonic() + _TIDYING
        while not await self._emptied() and time.monotonic() < until:  # noqa: ASYNC110  (of another process)
            await asyncio.sleep(_RETRY_AFTER)  # while nobody waits for this one

    async def _emptied(self) -> bool:
        async with self._alone(self._writing), self._reading:
            [(patience,)] = await self._writer.execute_fetchall("PRAGMA busy_timeout")
            try:
                await _run(self._writer, "PRAGMA busy_timeout = 0")
                [(busy, *_)] = await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                await _to_its_end(_run(self._writer, f"PRAGMA busy_timeout = {patience}"))
        return not busy

    @asynccontextmanager
    async def _alone(self, lock: asyncio.Lock) -> AsyncIterator[None]:
        task = self._refuse_nesting()
        async with lock:
            if self._closed:
                raise DatabaseClosed(self.path)
            self._inside.add(task)
            try:
                with sqlite_errors(self.path):
                    yield
            finally:
                self._inside.discard(task)

    def _refuse_nesting(self) -> asyncio.Task[object]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("the database is used from within a task")
        if task in self._inside:
            raise NestedTransaction
        return task


async def _journal_mode(writer: aiosqlite.Connection, busy_timeout: float) -> str:
    """The journal's mode, turned to a write-ahead log where that can be.

    Of several that turn a new file at once SQLite refuses all but one at once, without its busy timeout.
    """
    until = time.monotonic() + busy_timeout
    while True:
        try:
            [(mode,)] = await writer.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            await asyncio.sleep(_RETRY_AFTER)
        else:
            return str(mode)


async def _prepare(writer: aiosqlite.Connection, path: Path, busy_timeout: float) -> None:
    if await _journal_mode(writer, busy_timeout) != "wal":
        raise DatabaseUnusable(path, Reason.MISPLACED, "its file system has no write-ahead log, as on a share")
    # FULL waits for the disk at each commit, so that "accepted" is never taken back. With NORMAL a power cut could
    # undo the last commits, though no crash; EXTRA adds nothing to a write-ahead log (sqlite.org/pragma.html).
    await _run(writer, "PRAGMA synchronous = FULL")
    await _run(writer, "PRAGMA foreign_keys = ON")
    await _run(writer, "PRAGMA secure_delete = ON")  # what a member deletes is overwritten, not only unlinked
    await _run(writer, "BEGIN IMMEDIATE")  # a file that cannot be written is refused now, not at the first request
    await _run(writer, "ROLLBACK")
    writer.row_factory = sqlite3.Row


async def _prepare_to_read(reader: aiosqlite.Connection) -> None:
    await _run(reader, "PRAGMA query_only = ON")
    reader.row_factory = sqlite3.Row


async def _run(connection: aiosqlite.Connection, statement: str) -> None:
    await connection.execute_fetchall(statement)


async def _to_its_end(work: Coroutine[object, object, T]) -> T:
    """Await `work` although the waiting task is cancelled, and let it be cancelled afterwards.

    aiosqlite cannot take back a statement that its thread has begun, so leaving early would let the next holder
    of the lock find an open transaction.
    """
    task = asyncio.ensure_future(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()
