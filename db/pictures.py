"""The pictures of each generation, as files that the worker wrote."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """One picture file."""

    generation_id: str
    number: int  # 1 and up within its generation
    path: str  # relative to the pictures' folder
    seed: int  # 0 to 2**32-1
    sha256: str  # of the file's bytes, in hexadecimal
    width: int  # pixels
    height: int  # pixels
    flagged: bool = False  # by the model's content filter


async def insert(connection: aiosqlite.Connection, rows: Iterable[PictureRow]) -> None:
    """Record pictures. Raises RuleBroken for a number or a path that is there, or a generation that is not."""
    for row in rows:
        await connection.execute_fetchall(
            """
            INSERT INTO pictures (generation_id, number, path, seed, sha256, width, height, flagged)
            VALUES (:generation_id, :number, :path, :seed, :sha256, :width, :height, :flagged)
            """,
            asdict(row),
        )


async def of_generations(
    connection: aiosqlite.Connection, generation_ids: Sequence[str]
) -> dict[str, list[PictureRow]]:
    """The pictures of several generations by number; every id asked for is a key."""
    rows = await connection.execute_fetchall(
        """
        SELECT * FROM pictures WHERE generation_id IN (SELECT value FROM json_each(:ids))
        ORDER BY generation_id, number
        """,
        {"ids": json.dumps(list(generation_ids))},
    )
    found: dict[str, list[PictureRow]] = {generation_id: [] for generation_id in generation_ids}
    for row in rows:
        found[row["generation_id"]].append(PictureRow(**dict(row) | {"flagged": bool(row["flagged"])}))
    return found


async def of_hash(connection: aiosqlite.Connection, sha256: str) -> list[str]:
    """The generations with a picture whose file has this hash, newest first; there is hardly ever another."""
    rows = await connection.execute_fetchall(
        """
        SELECT DISTINCT generations.id, generations.created_at FROM pictures
        JOIN generations ON generations.id = pictures.generation_id
        WHERE pictures.sha256 = :sha256
        ORDER BY generations.created_at DESC, generations.id
        """,
        {"sha256": sha256},
    )
    return [row["id"] for row in rows]
