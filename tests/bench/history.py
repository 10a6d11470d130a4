"""`python -m tests.bench.history [ROWS]`: what a page of a long history costs with each filter, and a deletion."""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import db
from db import Connection, Database, Turn, Wanted

ROWS = 100_000
LIMIT = 4  # rows of a page, and one to see whether there is more
ROUNDS = 5

_FEW = 500  # stars of the member who gave few
_SYLLABLES = [first + second for first in "bcdfghklmnprstvw" for second in "aeiou"]

# The middle of the history: what is walked there is neither at its begin nor at its end.
CASES: dict[str, Wanted] = {
    "all of them": Wanted(member_id=1),
    "a common word": Wanted(member_id=1, words="red"),
    "two common words": Wanted(member_id=1, words="red cat"),
    "one letter": Wanted(member_id=1, words="r"),
    "a rare word": Wanted(member_id=1, words="nowhereelse"),
    "a common and a rare word": Wanted(member_id=1, words="nowhereelse red"),
    "words as drawn": Wanted(member_id=1, words="ink drawing"),
    "no match": Wanted(member_id=1, words="zzz"),
    "a rare model": Wanted(member_id=1, model="sd-1.5"),
    "a rare model and a common word": Wanted(member_id=1, model="sd-1.5", words="red"),
    "many stars": Wanted(member_id=1, starred_by=2),
    "many stars and a common word": Wanted(member_id=1, starred_by=2, words="red"),
    "few stars": Wanted(member_id=1, starred_by=3),
    "few stars and a common word": Wanted(member_id=1, starred_by=3, words="red"),
    "few stars and a rare word": Wanted(member_id=1, starred_by=3, words="nowhereelse"),
    "another's public ones": Wanted(member_id=1, public_in=10),
    "another's rare public ones": Wanted(member_id=1, public_in=11),
    "another's public ones with a word": Wanted(member_id=1, public_in=11, words="red"),
}


async def fill(connection: Connection, rows: int) -> None:
    """A member's history of so many generations with a picture each; one in twenty is another member's."""
    chance = random.Random(7)  # noqa: S311  (a history that is the same again)

    def words() -> str:
        common = chance.sample(["red", "cat", "blue", "house", "in the snow", "on the beach", "at night"], 3)
        rare = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(6)]
        return " ".join([*common, *rare])

    def recipe(number: int, prompt: str) -> str:
        """Every third one was drawn in a style."""
        drawn = [{"prompt": f"ink drawing of {prompt}"}] if number % 3 == 0 else []
        return json.dumps({"prompt": prompt, "words": drawn})

    prompts = [words() + (" nowhereelse" if number % 9973 == 1 else "") for number in range(rows)]

    def generations() -> list[dict[str, object]]:
        return [
            {
                "id": f"id{number}",
                "member": 9 if number % 20 == 0 else 1,
                "guild": 11 if number % 997 == 0 else 10,
                "private": number % 3 == 0,
                "prompt": prompt,
                "model": "sd-1.5" if number % 1999 == 1 else "storybook",
                "recipe": recipe(number, prompt),
                "at": float(number),
            }
            for number, prompt in enumerate(prompts)
        ]

    made = generations()
    await connection.executemany(
        """
        INSERT INTO generations (
            id, member_id, guild_id, channel_id, private, age_restricted, prompt, negative_prompt, model,
            width, height, num_inference_steps, guidance_scale, scheduler, seed, source_given, recipe, created_at
        ) VALUES (
            :id, :member, :guild, 100, :private, 0, :prompt, 'blurry', :model,
            256, 256, 20, 4.0, 'ddim', 7, 1, :recipe, :at
        )
        """,
        made,
    )
    await connection.executemany(
        """
        INSERT INTO pictures (generation_id, number, path, seed, sha256, width, height, flagged)
        VALUES (:id, 1, :id || '.png', 7, '', 256, 256, 0)
        """,
        made,
    )
    few = max(1, rows // _FEW)
    for member, each in ((2, 2), (3, few)):
        await connection.execute_fetchall(
            """
            INSERT INTO stars (generation_id, member_id, starred_at, number)
            SELECT id, :member, 0.0, number FROM generations WHERE number % :each = 0
            """,
            {"member": member, "each": each},
        )


async def timed(database: Database, wanted: Wanted, turn: Turn) -> float:
    """Milliseconds that a page takes."""
    async with database.reading() as connection:
        started = time.perf_counter()
        await db.search.page(connection, wanted, turn=turn, limit=LIMIT)
        return (time.perf_counter() - started) * 1000


async def measure(database: Database, rows: int) -> dict[str, list[float]]:
    """Milliseconds of each case: a page near the newest, from the middle and near the oldest, either way."""
    turns = [
        Turn(older=older, number=number)
        for older, number in (
            (True, rows + 1),
            (True, rows // 2),
            (False, rows // 2),
            (True, 5),
            (False, rows - 5),
        )
    ]
    figures: dict[str, list[float]] = {}
    for name, wanted in CASES.items():
        figures[name] = [min([await timed(database, wanted, turn) for _ in range(ROUNDS)]) for turn in turns]
    return figures


async def bench(rows: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder) / "easel.db")
        try:
            async with database.transaction() as connection:
                await fill(connection, rows)
            figures = await measure(database, rows)
            deletions = []
            for number in range(ROUNDS):
                started = time.perf_counter()
                async with database.transaction() as connection:
                    await db.generations.delete(connection, f"id{rows // 2 + number}")
                deletions.append((time.perf_counter() - started) * 1000)
            return figures | {"deleting one": deletions}
        finally:
            await database.close()


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    table = Table(f"milliseconds a page, of {rows:,} rows", "median", "most", box=None)
    for name, values in asyncio.run(bench(rows)).items():
        table.add_row(name, f"{statistics.median(values):.1f}", f"{max(values):.1f}")
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
