"""Seeds that members gave names to."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import db
from bot.errors import NotFound, ReservedName
from bot.place import Viewer
from db import Database
from generation import SEED_LIMIT, EmptyText, OutOfRange, TooLong

NAME_LIMIT = 40  # characters
SUGGESTIONS = 25  # as many as Discord shows
SAME, NEW = "same", "new"  # what a seed is asked for in words: no seed's name
_NUMBER = re.compile(r"[+-]?\d+")
_LONGEST_NUMBER = 30  # digits that are worth reading


@dataclass(frozen=True, kw_only=True)
class SavedSeed:
    """A seed by name, and the generation that it was saved from, if any."""

    name: str
    seed: int
    generation_id: str | None


class Seeds:
    """Each member's own names; capitals and small letters are the same."""

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def save(self, viewer: Viewer, name: str, *, seed: int, generation_id: str | None = None) -> SavedSeed:
        """Give `seed` a name; the same name again replaces it.

        Raises TooLong, OutOfRange, EmptyText, or ReservedName for a name that could never be asked for.
        """
        name = " ".join(name.split())
        if not name:
            raise EmptyText("name")
        if len(name) > NAME_LIMIT:
            raise TooLong("name", length=len(name), limit=NAME_LIMIT)
        if is_number(name) or name.casefold() in {SAME, NEW}:
            raise ReservedName(name)
        if not 0 <= seed < SEED_LIMIT:
            raise OutOfRange("seed", seed, minimum=0, maximum=SEED_LIMIT - 1)
        row = db.SeedRow(
            member_id=viewer.member_id,
            name=name,
            seed=seed,
            generation_id=generation_id,
            created_at=self._clock(),
        )
        async with self._database.transaction() as connection:
            await db.seeds.save(connection, row)
        return _saved(row)

    async def list(self, viewer: Viewer) -> tuple[SavedSeed, ...]:
        async with self._database.reading() as connection:
            return tuple(_saved(row) for row in await db.seeds.of_member(connection, viewer.member_id))

    async def find(self, viewer: Viewer, name: str) -> SavedSeed:
        """Raises NotFound."""
        async with self._database.reading() as connection:
            row = await db.seeds.find(connection, viewer.member_id, " ".join(name.split()))
        if row is None:
            raise NotFound("seed", name)
        return _saved(row)

    async def delete(self, viewer: Viewer, name: str) -> None:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            if not await db.seeds.delete(connection, viewer.member_id, " ".join(name.split())):
                raise NotFound("seed", name)

    async def suggest(self, viewer: Viewer, prefix: str) -> tuple[SavedSeed, ...]:
        """At most SUGGESTIONS seeds whose names begin like that."""
        async with self._database.reading() as connection:
            rows = await db.seeds.search(connection, viewer.member_id, prefix.strip(), limit=SUGGESTIONS)
        return tuple(_saved(row) for row in rows)

    async def read(self, viewer: Viewer, text: str) -> int:
        """The seed that `text` means: a number, or a saved name. Raises OutOfRange or NotFound."""
        typed = text.strip()
        if not is_number(typed):
            return (await self.find(viewer, typed)).seed
        seed = int(typed) if len(typed) < _LONGEST_NUMBER else SEED_LIMIT
        if not 0 <= seed < SEED_LIMIT:
            raise OutOfRange("seed", typed, minimum=0, maximum=SEED_LIMIT - 1)
        return seed


def is_number(text: str) -> bool:
    """Whether `text` is a whole number, be it a possible seed or not."""
    return _NUMBER.fullmatch(text.strip()) is not None


def _saved(row: db.SeedRow) -> SavedSeed:
    return SavedSeed(name=row.name, seed=row.seed, generation_id=row.generation_id)
