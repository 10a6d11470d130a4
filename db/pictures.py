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


async def insert(connection: aiosqlite.Connection, rows: Iterable[PictureRow]) -> None:
    """Record pictures. Raises RuleBroken for a number or a path that is there, or a generation that is not."""
    for row in rows:
        await connection.execute_fetchall(
            """
            INSERT INTO pictures (generation_id, number, path, seed, sha256, width, height)
            VALUES (:generation_id, :number, :path, :seed, :sha256, :width, :height)
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
        found[row["generation_id"]].append(PictureRow(**dict(row)))
    return found
