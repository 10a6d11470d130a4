"""Seeds that members saved under names of their own."""

import unicodedata
from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class SeedRow:
    """One saved seed. Names that differ in case or in how their letters are encoded are the same name."""

    member_id: int
    name: str  # as the member wrote it
    seed: int  # 0 to 2**32-1
    generation_id: str | None  # where it was found, while that exists
    created_at: float  # seconds since the epoch


async def save(connection: aiosqlite.Connection, row: SeedRow) -> None:
    """Save a seed, in place of the one of that name if the member has one."""
    await connection.execute_fetchall(
        """
        INSERT INTO seeds (member_id, name_key, name, seed, generation_id, created_at)
        VALUES (
            :member_id, :name_key, :name, :seed, (SELECT id FROM generations WHERE id = :generation_id),
            :created_at
        )
        ON CONFLICT (member_id, name_key) DO UPDATE SET
            name = excluded.name, seed = excluded.seed, generation_id = excluded.generation_id,
            created_at = excluded.created_at
        """,
        {**asdict(row), "name_key": _key(row.name)},
    )


async def find(connection: aiosqlite.Connection, member_id: int, name: str) -> SeedRow | None:
    rows = await connection.execute_fetchall(
        """
        SELECT member_id, name, seed, generation_id, created_at FROM seeds
        WHERE member_id = :member_id AND name_key = :name_key
        """,
        {"member_id": member_id, "name_key": _key(name)},
    )
    return next((SeedRow(**dict(row)) for row in rows), None)


async def of_member(connection: aiosqlite.Connection, member_id: int) -> list[SeedRow]:
    """All seeds of a member by name."""
    rows = await connection.execute_fetchall(
        """
        SELECT member_id, name, seed, generation_id, created_at FROM seeds
        WHERE member_id = :member_id ORDER BY name_key
        """,
        {"member_id": member_id},
    )
    return [SeedRow(**dict(row)) for row in rows]


async def search(
    connection: aiosqlite.Connection, member_id: int, prefix: str, *, limit: int = 25
) -> list[SeedRow]:
    """The first seeds, by name, of those whose name begins with `prefix`."""
    rows = await connection.execute_fetchall(
        """
        SELECT member_id, name, seed, generation_id, created_at FROM seeds
        WHERE member_id = :member_id AND substr(name_key, 1, length(:prefix)) = :prefix
        ORDER BY name_key
        LIMIT :limit
        """,
        {"member_id": member_id, "prefix": _key(prefix), "limit": limit},
    )
    return [SeedRow(**dict(row)) for row in rows]


async def delete(connection: aiosqlite.Connection, member_id: int, name: str) -> bool:
    """Remove a seed; False if the member has none of that name."""
    rows = await connection.execute_fetchall(
        "DELETE FROM seeds WHERE member_id = :member_id AND name_key = :name_key RETURNING 1",
        {"member_id": member_id, "name_key": _key(name)},
    )
    return any(True for _ in rows)


def _key(name: str) -> str:
    """The name by which two writings of it are found equal (SQLite's NOCASE knows only the letters of ASCII)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
