"""All that is on record about one member, wherever it is.

The tables are read off the schema, so that none can be forgotten: a row is a member's by its `member_id`, else by
the generation that its `generation_id` names. The full-text index follows its table by triggers. What a server's
moderators decided is the server's, and only names members: `_NAMED` says how it is exported, and forgets them.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiosqlite

from db import generations


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """How much is on record about a member."""

    generations: int
    pictures: int
    seeds: int
    unended: int  # generations whose job waits or runs


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What is left to do once an erasure is committed: files that belong to nothing on record any more."""

    pictures: tuple[str, ...]  # paths relative to the pictures' folder
    sources: tuple[str, ...]  # content hashes of source images and masks


async def holdings(connection: aiosqlite.Connection, member_id: int) -> Holdings:
    rows = await connection.execute_fetchall(
        """
        SELECT
            (SELECT count(*) FROM generations WHERE member_id = :member_id) AS generations,
            (SELECT count(*) FROM pictures JOIN generations ON generations.id = pictures.generation_id
                WHERE generations.member_id = :member_id) AS pictures,
            (SELECT count(*) FROM seeds WHERE member_id = :member_id) AS seeds,
            (SELECT count(*) FROM jobs WHERE member_id = :member_id AND ended_at IS NULL) AS unended
        """,
        {"member_id": member_id},
    )
    return next(Holdings(**dict(row)) for row in rows)


async def every(connection: aiosqlite.Connection) -> list[int]:
    """Everybody about whom anything is on record."""
    members: set[int] = set()
    for table, key in await _tables(connection):
        if key == "member_id":
            rows = await connection.execute_fetchall(f"SELECT DISTINCT member_id FROM {table}")  # noqa: S608
            members.update(int(member_id) for (member_id,) in rows)
    rows = await connection.execute_fetchall(
        """
        SELECT actor_id FROM server_log WHERE actor_id IS NOT NULL
        UNION SELECT subject_id FROM server_log WHERE subject_id IS NOT NULL
        UNION SELECT blocked_by FROM server_blocks WHERE blocked_by IS NOT NULL
        UNION SELECT blocked_id FROM server_blocks WHERE reason IS NOT NULL
        """
    )
    members.update(int(member_id) for (member_id,) in rows)
    return sorted(members)


async def unended(connection: aiosqlite.Connection, member_id: int) -> list[str]:
    """The member's generations whose job waits or runs, oldest first."""
    rows = await connection.execute_fetchall(
        """
        SELECT generation_id FROM jobs WHERE member_id = :member_id AND ended_at IS NULL
        ORDER BY created_at, generation_id
        """,
        {"member_id": member_id},
    )
    return [generation_id for (generation_id,) in rows]


async def untold(connection: aiosqlite.Connection, member_id: int) -> bool:
    """Whether a job, a sheet or a look of the member has ended and its message does not say so yet."""
    rows = await connection.execute_fetchall(
        """
        SELECT 1 FROM deliveries JOIN jobs ON jobs.generation_id = deliveries.generation_id
        WHERE jobs.member_id = :member_id AND jobs.ended_at IS NOT NULL AND deliveries.state = 'pending'
        UNION ALL
        SELECT 1 FROM sheets WHERE sheets.member_id = :member_id AND sheets.state = 'drawing' AND NOT EXISTS (
            SELECT 1 FROM cells JOIN jobs ON jobs.generation_id = cells.generation_id
            WHERE cells.sheet_id = sheets.id AND jobs.ended_at IS NULL
        )
        UNION ALL
        SELECT 1 FROM looks WHERE member_id = :member_id AND answered_at IS NOT NULL
        LIMIT 1
        """,
        {"member_id": member_id},
    )
    return any(True for _ in rows)


async def rows(connection: aiosqlite.Connection, member_id: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Every row about a member, as (table, values by column), table by table, without secrets of Discord's."""
    for table, key in await _tables(connection):
        async with connection.execute(
            f"SELECT * FROM {table} WHERE {_OF_MEMBER[key]}",  # noqa: S608  (names are the schema's own)
            {"member_id": member_id},
        ) as cursor:
            async for row in cursor:
                yield table.strip('"'), {name: row[name] for name in row.keys() if name not in _SECRETS}  # noqa: SIM118
    for table, statement in _NAMED.items():
        async with connection.execute(statement, {"member_id": member_id}) as cursor:
            async for row in cursor:
                yield table, dict(row)


async def source_images(connection: aiosqlite.Connection, member_id: int) -> list[str]:
    """Content hashes of the source images and masks that a member gave, the newest first."""
    rows = await connection.execute_fetchall(
        """
        SELECT hash FROM (
            SELECT source AS hash, created_at FROM generations WHERE member_id = :member_id AND source_given
            UNION ALL
            SELECT recipe ->> '$.mask', created_at FROM generations WHERE member_id = :member_id AND source_given
            UNION ALL
            SELECT source, created_at FROM looks WHERE member_id = :member_id
        )
        WHERE hash IS NOT NULL GROUP BY hash ORDER BY max(created_at) DESC, hash
        """,
        {"member_id": member_id},
    )
    return [sha256 for (sha256,) in rows]


async def erase(connection: aiosqlite.Connection, member_id: int) -> Erased:
    """Remove every row about a member; what others made of the member's pictures stays theirs, without its parent.

    Nothing of it can be read in the file afterwards, not in the full-text index either. In the write-ahead log it
    can, until `Database.tidy`.
    """
    values = {"member_id": member_id}
    pictures = await connection.execute_fetchall(
        """
        SELECT path FROM pictures
        WHERE generation_id IN (SELECT id FROM generations WHERE member_id = :member_id)
        ORDER BY path
        """,
        values,
    )
    used = await connection.execute_fetchall(
        """
        SELECT source FROM generations WHERE member_id = :member_id AND source IS NOT NULL
        UNION
        SELECT recipe ->> '$.mask' FROM generations
        WHERE member_id = :member_id AND recipe ->> '$.mask' IS NOT NULL
        UNION
        SELECT source FROM looks WHERE member_id = :member_id
        """,
        values,
    )
    await connection.execute_fetchall("DELETE FROM generations WHERE member_id = :member_id", values)
    for table, key in await _tables(connection):
        if key == "member_id":
            await connection.execute_fetchall(f"DELETE FROM {table} WHERE member_id = :member_id", values)  # noqa: S608
    await connection.execute_fetchall("DELETE FROM searches WHERE filter ->> '$.member_id' = :member_id", values)
    for statement in _UNNAMED:
        await connection.execute_fetchall(statement, values)
    await generations.settle(connection)
    unused = await connection.execute_fetchall(
        """
        SELECT value FROM json_each(:hashes)
        WHERE NOT EXISTS (SELECT 1 FROM generations WHERE source = value)
            AND value NOT IN (
                SELECT recipe ->> '$.mask' FROM generations WHERE recipe ->> '$.mask' IS NOT NULL
            )
        """,
        {"hashes": json.dumps([sha256 for (sha256,) in used])},
    )
    return Erased(
        pictures=tuple(path for (path,) in pictures),
        sources=tuple(sha256 for (sha256,) in unused),
    )


_OF_MEMBER = {
    "member_id": "member_id = :member_id",
    "generation_id": "generation_id IN (SELECT id FROM generations WHERE member_id = :member_id)",
}
_SECRETS = frozenset({"interaction_token"})

# What moderators did is exported to whoever did it, and to whom it was done, without who did it.
_NAMED = {
    "server_blocks": "SELECT guild_id, reason, blocked_at FROM server_blocks WHERE blocked_id = :member_id",
    "server_log": """
        SELECT guild_id, at, deed, iif(actor_id = :member_id, actor_id, NULL) AS actor_id, subject_id, detail
        FROM server_log WHERE actor_id = :member_id OR subject_id = :member_id ORDER BY number
    """,
}
# A block itself stays, or being forgotten would be a way around it; a reason may tell who it is about, a number of
# pictures does not.
_UNNAMED = (
    "UPDATE server_blocks SET reason = NULL WHERE blocked_id = :member_id",
    "UPDATE server_blocks SET blocked_by = NULL WHERE blocked_by = :member_id",
    """
    UPDATE server_log SET subject_id = NULL, detail = iif(json_type(detail) = 'integer', detail, NULL)
    WHERE subject_id = :member_id
    """,
    "UPDATE server_log SET actor_id = NULL WHERE actor_id = :member_id",
)


async def _tables(connection: aiosqlite.Connection) -> list[tuple[str, str]]:
    """The tables with rows about members, as (quoted name, column that tells whose), by name."""
    rows = await connection.execute_fetchall(
        """
        SELECT tables.name, min(columns.name = 'generation_id') AS by_generation
        FROM pragma_table_list AS tables JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.schema = 'main' AND tables.type = 'table'
            AND columns.name IN ('member_id', 'generation_id')
        GROUP BY tables.name ORDER BY tables.name
        """
    )
    return [(f'"{name}"', "generation_id" if by_generation else "member_id") for name, by_generation in rows]
