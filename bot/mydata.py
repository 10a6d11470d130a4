"""What is kept about a member: all of it to take along, and all of it gone."""

import asyncio
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import db
from bot.errors import NotErased, NotFound
from bot.pictures import Pictures
from bot.place import Viewer
from bot.studio import Studio
from db import Database, Erased, Holdings

PARTS = 5  # files of an export: as many messages as Discord takes where the bot itself is no member
_DOCUMENT = 4 * 2**20  # characters of JSON in one file
_DIRECTORY = 512  # bytes that a ZIP needs for each of its files besides its content, and more
_TRIES = 3  # to find a moment in which nothing of the member's waits
_STOPPING = 180.0  # seconds for what is being drawn to stop; a worker that does not is killed before that
_TELLING = 10.0  # seconds for the messages of cancelled jobs to say so
_LOOK_AGAIN = 0.1  # seconds


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of an export; the last one knows how many pictures and source images did not go into any."""

    number: int  # 1 and up
    name: str
    data: bytes
    left_out: int = 0
    sources_left_out: int = 0


class MyData:
    """Gives members a copy of what is kept about them, or erases it."""

    def __init__(
        self, database: Database, *, pictures: Pictures, studio: Studio, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._pictures = pictures
        self._studio = studio
        self._clock = clock
        self._exporting = asyncio.Lock()

    async def holdings(self, member_id: int) -> Holdings:
        async with self._database.reading() as connection:
            return await db.members.holdings(connection, member_id)

    async def export(self, member_id: int, *, limit: int) -> tuple[Part, ...]:
        """Everything as one or more ZIPs of at most `limit` bytes: records as JSON, then pictures, newest first.

        What does not go into `PARTS` of them is left out, and counted. One export at a time is in memory.
        """
        async with self._exporting:
            bag = _Bag(limit)
            document = _Document()
            drawn_at: dict[str, float] = {}
            drawn: list[tuple[str, int, str]] = []  # generation, number, path
            async with self._database.long_reading() as connection:
                async for table, row in db.members.rows(connection, member_id):
                    match table:
                        case "generations":
                            drawn_at[row["id"]] = row["created_at"]
                        case "pictures":
                            drawn.append((row["generation_id"], row["number"], row["path"]))
                    if document.add(table, row):
                        await asyncio.to_thread(document.move_to, bag)
                sources = await db.members.source_images(connection, member_id)
            drawn.sort(key=lambda each: (-drawn_at[each[0]], *each))
            files = [(f"pictures/{Path(path).name}", self._pictures.file(path)) for _, _, path in drawn]
            files += [(f"sources/{sha256}.png", self._pictures.source_file(sha256)) for sha256 in sources]
            return await asyncio.to_thread(_pack, document, files, bag)

    async def erase(self, member_id: int) -> None:
        """Cancel what waits, then remove everything about a member, and leave a tombstone for older backups.

        Pictures go before their records, so that whatever is interrupted can be asked for again and leaves nothing
        behind. Raises NotErased if new jobs kept coming, or db.DatabaseError; then the records are as they were.
        """
        for _ in range(_TRIES):
            await self._stop(member_id)
            if await self._erase(member_id):
                await self._database.tidy()
                return
        raise NotErased

    async def _stop(self, member_id: int) -> None:
        """Cancel every job of the member, and what waits to be described, and wait until its messages say so."""
        await self._studio.withdraw_looks(member_id)
        async with self._database.reading() as connection:
            ids = await db.members.unended(connection, member_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOPPING):
                for generation_id in reversed(ids):  # the one that is being drawn last: else the next would begin
                    with suppress(NotFound):
                        await self._studio.cancel(generation_id, Viewer(member_id=member_id))
                for generation_id in ids:
                    with suppress(NotFound):
                        async for _ in self._studio.follow(generation_id):
                            pass
        with suppress(TimeoutError):
            async with asyncio.timeout(_TELLING):
                while await self._is_untold(member_id):  # noqa: ASYNC110  (the records tell nobody when they change)
                    await asyncio.sleep(_LOOK_AGAIN)

    async def _is_untold(self, member_id: int) -> bool:
        async with self._database.reading() as connection:
            return await db.members.untold(connection, member_id)

    async def _erase(self, member_id: int) -> bool:
        """Remove everything in one transaction; False, and nothing, if a job waits or runs."""
        async with self._database.transaction() as connection:
            if await db.members.unended(connection, member_id):
                return False
            spent = await db.allowances.find(connection, member_id)
            before = await db.tombstones.find(connection, member_id)
            if before is not None:
                await db.tombstones.delete(connection, before)
            erased = await db.members.erase(connection, member_id)
            await db.tombstones.insert(
                connection,
                db.tombstones.new(
                    member_id,
                    balance=spent.balance if spent else before.balance if before else None,
                    balance_at=spent.updated_at if spent else before.balance_at if before else None,
                    erased_at=self._clock(),
                ),
            )
            await asyncio.to_thread(forget_files, self._pictures, erased)
        return True


def forget_files(pictures: Pictures, erased: Erased) -> None:
    """Remove the files that an erasure left to nobody."""
    pictures.remove(erased.pictures)
    for sha256 in erased.sources:
        pictures.remove((), source=sha256)


def _pack(document: "_Document", files: Sequence[tuple[str, Path]], bag: "_Bag") -> tuple[Part, ...]:
    document.move_to(bag)
    left_out = Counter[str]()
    for name, file in files:
        with suppress(FileNotFoundError):
            left_out[name.partition("/")[0]] += not bag.put_file(name, file)
    *parts, last = bag.parts()
    return (*parts, replace(last, left_out=left_out["pictures"], sources_left_out=left_out["sources"]))


class _Document:
    """Records as JSON, an object of tables: `records.json`, and more of them where one would be too long."""

    def __init__(self) -> None:
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._length = 0
        self._number = 1

    def add(self, table: str, row: dict[str, Any]) -> bool:
        """Add a row; returns whether that is enough for one file."""
        self._tables.setdefault(table, []).append(row)
        self._length += sum(len(str(value)) + len(name) + 8 for name, value in row.items())
        return self._length > _DOCUMENT

    def move_to(self, bag: "_Bag") -> None:
        """Put what was added into a file of its own, and begin the next; an empty one only if it is the first."""
        if self._tables or self._number == 1:
            name = "records.json" if self._number == 1 else f"records-{self._number}.json"
            bag.put(name, json.dumps(self._tables, ensure_ascii=False, indent=1).encode(), compressed=True)
        self._tables, self._length = {}, 0
        self._number += 1


class _Bag:
    """ZIPs of at most `limit` bytes that are filled one after the other."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._full: list[bytes] = []
        self._open()

    def put_file(self, name: str, file: Path) -> bool:
        """Put a file in, if it has room. Raises FileNotFoundError."""
        if file.stat().st_size + _DIRECTORY > self._limit or not self._has_room(file.stat().st_size):
            return False
        self.put(name, file.read_bytes())
        return True

    def put(self, name: str, data: bytes, *, compressed: bool = False) -> None:
        size = len(zlib.compress(data)) if compressed else len(data)
        if self._files and not self._fits(size):
            self._close()
            self._open()
        method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        self._zip.writestr(name, data, method)
        self._files += 1

    def parts(self) -> tuple[Part, ...]:
        self._close()
        names = [
            f"easel-data{'' if number == 1 else f'-{number}'}.zip" for number in range(1, len(self._full) + 1)
        ]
        return tuple(
            Part(number=number, name=name, data=data)
            for number, (name, data) in enumerate(zip(names, self._full, strict=True), start=1)
        )

    def _open(self) -> None:
        self._bytes = BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w")
        self._files = 0

    def _close(self) -> None:
        self._zip.close()
        self._full.append(self._bytes.getvalue())

    def _fits(self, size: int) -> bool:
        return self._bytes.tell() + size + _DIRECTORY * (self._files + 1) <= self._limit

    def _has_room(self, size: int) -> bool:
        return self._fits(size) or len(self._full) + 1 < PARTS
