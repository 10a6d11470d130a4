"""The record of what was asked and drawn: a member's history, its families and its stars."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import aiosqlite


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
    return next(map(_read, rows), None)


async def set_recipe(connection: aiosqlite.Connection, generation_id: str, recipe: str) -> None:
    """Replace the recipe by the one that was drawn. Raises RuleBroken unless it is JSON."""
    await connection.execute_fetchall(
        "UPDATE generations SET recipe = :recipe WHERE id = :id", {"id": generation_id, "recipe": recipe}
    )


async def of_member(
    connection: aiosqlite.Connection, member_id: int, *, before: tuple[float, str] | None = None, limit: int
) -> list[GenerationRow]:
    """A page of a member's generations that have pictures, newest first.

    `before` is (created_at, id) of the last row of the page before; equal times are told apart by id, so that no
    row comes twice or is left out.
    """
    created_before, id_before = (math.inf, "") if before is None else before
    rows = await connection.execute_fetchall(
        """
        SELECT * FROM generations
        WHERE member_id = :member_id
            AND (created_at, id) < (:created_before, :id_before)
            AND EXISTS (SELECT 1 FROM pictures WHERE generation_id = generations.id)
        ORDER BY created_at DESC, id DESC
        LIMIT :limit
        """,
        {"member_id": member_id, "created_before": created_before, "id_before": id_before, "limit": limit},
    )
    return [_read(row) for row in rows]


async def delete(connection: aiosqlite.Connection, generation_id: str) -> list[str]:
    """Remove a generation with its pictures, job, delivery and stars; its charge and its children stay.

    Returns the paths of the picture files, which are the caller's to remove once this is committed.
    """
    paths = await connection.execute_fetchall(
        "SELECT path FROM pictures WHERE generation_id = :id ORDER BY number", {"id": generation_id}
    )
    await connection.execute_fetchall("DELETE FROM generations WHERE id = :id", {"id": generation_id})
    return [path for (path,) in paths]


async def uses_source(connection: aiosqlite.Connection, source: str) -> bool:
    """Whether any generation was drawn from this source image; if none, its file serves nobody any more."""
    rows = await connection.execute_fetchall(
        "SELECT 1 FROM generations WHERE source = :source LIMIT 1", {"source": source}
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
        INSERT INTO stars (generation_id, member_id, starred_at) VALUES (:generation_id, :member_id, :starred_at)
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


def _read(row: aiosqlite.Row) -> GenerationRow:
    flags = {name: bool(row[name]) for name in ("private", "age_restricted", "source_given")}
    return GenerationRow(**dict(row) | flags)
