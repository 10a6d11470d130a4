"""The record of what was asked and drawn: a member's history, its families and its stars."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import aiosqlite

_FORGETS_AT_ONCE = sqlite3.sqlite_version_info >= (3, 42)  # the first with FTS5's secure-delete


@dataclass(frozen=True, kw_only=True)
class GenerationRow:
    """One accepted request. The fields beside `recipe` repeat it, so that they can be searched."""

    id: str  # short, unguessable, shown to members
    member_id: int
    guild_id: int | None  # None in a direct message
    channel_id: int | None
    private: bool  # shown to its member alone
    age_restricted: bool = False  # asked for in a channel that Discord restricts to adults
    parent_id: str | None  # the generation that this one was made from, while that exists
    prompt: str
    negative_prompt: str
    model: str
    width: int  # pixels
    height: int  # pixels
    num_inference_steps: int
    guidance_scale: float
    scheduler: str
    strength: float | None  # None without a source image
    seed: int  # of the first picture, 0 to 2**32-1
    source: str | None  # the source image's content hash
    source_given: bool = True  # by its own member, not taken over from another member's generation
    recipe: str  # JSON, everything needed to draw it again
    created_at: float  # seconds since the epoch


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a member's records amount to."""

    generations: int
    pictures: int
    seconds: float  # of compute, of all jobs that ended


async def insert(connection: aiosqlite.Connection, row: GenerationRow) -> None:
    """Record a generation; a parent deleted meanwhile is recorded as none. Raises RuleBroken for a used id.

    Whether its member gave the source is read off the parent here, once and for all: the parent may be deleted.
    """
    await connection.execute_fetchall(
        """
        INSERT INTO generations (
            id, member_id, guild_id, channel_id, private, age_restricted, parent_id,
            prompt, negative_prompt, model, width, height,
            num_inference_steps, guidance_scale, scheduler, strength, seed, source, source_given, recipe,
            created_at
        ) VALUES (
            :id, :member_id, :guild_id, :channel_id, :private, :age_restricted,
            (SELECT id FROM generations WHERE id = :parent_id),
            :prompt, :negative_prompt, :model, :width, :height,
            :num_inference_steps, :guidance_scale, :scheduler, :strength, :seed, :source,
            :source_given AND (:parent_id IS NULL OR EXISTS (
                SELECT 1 FROM generations AS parents
                WHERE parents.id = :parent_id AND (
                    parents.source IS NOT :source
                    OR (parents.member_id = :member_id AND parents.source_given)
                )
            )),
            :recipe, :created_at
        )
        """,
        asdict(row),
    )


async def find(connection: aiosqlite.Connection, generation_id: str) -> GenerationRow | None:
    rows = await connection.execute_fetchall("SELECT * FROM generations WHERE id = :id", {"id": generation_id})
    return next(map(read, rows), None)


async def set_recipe(connection: aiosqlite.Connection, generation_id: str, recipe: str) -> None:
    """Replace the recipe by the one that was drawn. Raises RuleBroken unless it is JSON."""
    await connection.execute_fetchall(
        "UPDATE generations SET recipe = :recipe WHERE id = :id", {"id": generation_id, "recipe": recipe}
    )


async def delete(connection: aiosqlite.Connection, generation_id: str) -> list[str]:
    """Remove a generation with its words in the index, pictures, job, delivery and stars.

    Its charge and its children stay.

    Returns the paths of the picture files, which are the caller's to remove once this is committed.
    """
    paths = await connection.execute_fetchall(
        "SELECT path FROM pictures WHERE generation_id = :id ORDER BY number", {"id": generation_id}
    )
    await connection.execute_fetchall("DELETE FROM generations WHERE id = :id", {"id": generation_id})
    await settle(connection)
    return [path for (path,) in paths]


async def settle(connection: aiosqlite.Connection) -> None:
    """Take deleted words out of the full-text index for good: once after any number of deletions.

    SQLite from 3.42 on has done so at each of them. An older one only marks them, and writes the index anew here.
    """
    if not _FORGETS_AT_ONCE:
        await connection.execute_fetchall(
            "INSERT INTO generations_search (generations_search) VALUES ('optimize')"
        )


async def children(
    connection: aiosqlite.Connection, generation_id: str, *, viewer_id: int, guild_id: int | None, limit: int
) -> list[GenerationRow]:
    """The newest generations with pictures made from this one: the viewer's own, and public ones of the guild."""
    rows = await connection.execute_fetchall(
        """
        SELECT * FROM generations
        WHERE parent_id = :id
            AND (member_id = :viewer_id OR (guild_id = :guild_id AND NOT private))
            AND EXISTS (SELECT 1 FROM pictures WHERE generation_id = generations.id)
        ORDER BY number DESC
        LIMIT :limit
        """,
        {"id": generation_id, "viewer_id": viewer_id, "guild_id": guild_id, "limit": limit},
    )
    return [read(row) for row in rows]


async def uses_source(connection: aiosqlite.Connection, source: str) -> bool:
    """Whether any generation was drawn from this source image or mask; if none, its file serves nobody now."""
    rows = await connection.execute_fetchall(
        "SELECT 1 FROM generations WHERE source = :source OR recipe ->> '$.mask' = :source LIMIT 1",
        {"source": source},
    )
    return any(True for _ in rows)


async def totals(connection: aiosqlite.Connection, member_id: int) -> Totals:
    rows = await connection.execute_fetchall(
        """
        SELECT
            (SELECT count(*) FROM generations WHERE member_id = :member_id) AS generations,
            (SELECT count(*) FROM pictures JOIN generations ON generations.id = pictures.generation_id
                WHERE generations.member_id = :member_id) AS pictures,
            (SELECT total(seconds) FROM jobs JOIN generations ON generations.id = jobs.generation_id
                WHERE generations.member_id = :member_id) AS seconds
        """,
        {"member_id": member_id},
    )
    return next(Totals(**dict(row)) for row in rows)


async def star(connection: aiosqlite.Connection, generation_id: str, member_id: int, starred_at: float) -> bool:
    """Give a member's star; False if it was there. Raises RuleBroken if the generation is not."""
    rows = await connection.execute_fetchall(
        """
        INSERT INTO stars (generation_id, member_id, starred_at, number) VALUES (
            :generation_id, :member_id, :starred_at, (SELECT number FROM generations WHERE id = :generation_id)
        )
        ON CONFLICT (generation_id, member_id) DO NOTHING
        RETURNING 1
        """,
        {"generation_id": generation_id, "member_id": member_id, "starred_at": starred_at},
    )
    return any(True for _ in rows)


async def unstar(connection: aiosqlite.Connection, generation_id: str, member_id: int) -> bool:
    """Take a member's star back; False if there was none."""
    rows = await connection.execute_fetchall(
        "DELETE FROM stars WHERE generation_id = :generation_id AND member_id = :member_id RETURNING 1",
        {"generation_id": generation_id, "member_id": member_id},
    )
    return any(True for _ in rows)


async def starred(
    connection: aiosqlite.Connection, generation_ids: Sequence[str], member_id: int | None
) -> set[str]:
    """Those of the generations that bear the member's star."""
    rows = await connection.execute_fetchall(
        """
        SELECT generation_id FROM stars
        WHERE member_id = :member_id AND generation_id IN (SELECT value FROM json_each(:ids))
        """,
        {"member_id": member_id, "ids": json.dumps(list(generation_ids))},
    )
    return {generation_id for (generation_id,) in rows}


def read(row: aiosqlite.Row) -> GenerationRow:
    """A whole row of the table; its number is for pages alone, and its words as drawn for the search."""
    flags = {name: bool(row[name]) for name in ("private", "age_restricted", "source_given")}
    own = {name: row[name] for name in row.keys() if name not in {"number", "drawn_as"}}  # noqa: SIM118
    return GenerationRow(**own | flags)
