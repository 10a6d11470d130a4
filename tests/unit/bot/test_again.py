"""The laws of drawing again: the verdict is that of the records, and what the pictures show can make it worse."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import db
from bot.again import drawn_again
from bot.history import History
from bot.pictures import Pictures
from db import Database
from generation import Aspect, Environment, Sameness
from tests.recipes import a_recipe
from tests.unit.db.rows import a_generation, a_job, a_picture

HERE: dict[str, Any] = {
    "device": "cpu",
    "dtype": "float32",
    "threads": 1,
    "batch_size": 1,
    "model_revision": "1",
    "versions": {"torch": "2"},
}


class Records:
    """Generations with pictures of one colour each."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._pictures = Pictures(folder)
        self.history = History(database, pictures=self._pictures, clock=lambda: 0.0)

    async def keep(self, generation_id: str, *colours: int, parent: str | None = None, **values: Any) -> None:
        environment = Environment(**HERE | values.pop("environment", {}))
        recipe = a_recipe(**values).drawn_in(environment)
        async with self._database.transaction() as connection:
            row = a_generation(generation_id, parent_id=parent, recipe=recipe.to_json())
            await db.generations.insert(connection, row)
            await db.jobs.insert(connection, a_job(generation_id))
            rows = []
            for number, colour in enumerate(colours, start=1):
                name = f"{generation_id}-{number}.png"
                Image.new("RGB", (16, 16), (colour, colour, colour)).save(self._pictures.file(name))
                rows.append(a_picture(generation_id, number, path=name))
            await db.pictures.insert(connection, rows)

    async def verdict(self, generation_id: str) -> tuple[Sameness, list[Aspect]] | None:
        again = await drawn_again(await self.history.any(generation_id), self.history)
        if again is None:
            return None
        assert again.first_id == "first"
        return again.verdict.sameness, [each.aspect for each in again.verdict.differences]


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    database = await Database.open(tmp_path / "easel.db")
    yield Records(database, tmp_path / "pictures")
    await database.close()


@pytest.mark.parametrize(
    ("shade", "environment", "expected"),
    [
        (100, {}, (Sameness.SAME, [])),
        (101, {}, (Sameness.NEARLY, [Aspect.UNRECORDED])),
        (200, {}, (Sameness.NOT, [Aspect.UNRECORDED])),
        (100, {"threads": 2}, (Sameness.NEARLY, [Aspect.THREADS])),
        (101, {"threads": 2}, (Sameness.NEARLY, [Aspect.THREADS])),
        (200, {"threads": 2}, (Sameness.NOT, [Aspect.THREADS])),
        (100, {"model_revision": "2"}, (Sameness.NOT, [Aspect.MODEL])),
    ],
)
async def test_the_worse_of_records_and_pictures_counts(
    records: Records, shade: int, environment: dict[str, Any], expected: tuple[Sameness, list[Aspect]]
) -> None:
    await records.keep("first", 100)
    await records.keep("again", shade, parent="first", environment=environment)
    assert await records.verdict("again") == expected


async def test_pictures_are_compared_by_what_they_are_of(records: Records) -> None:
    await records.keep("first", 10, 200, seeds=(7, 8))
    await records.keep("second", 200, parent="first", seeds=(8,))
    await records.keep("swapped", 200, 10, parent="first", seeds=(8, 7))
    await records.keep("wrong", 10, parent="first", seeds=(8,))
    for generation_id, sameness in (
        ("second", Sameness.SAME),
        ("swapped", Sameness.SAME),
        ("wrong", Sameness.NOT),
    ):
        verdict = await records.verdict(generation_id)
        assert verdict is not None
        assert verdict[0] is sameness


async def test_without_the_first_picture_the_records_are_all_there_is(records: Records, tmp_path: Path) -> None:
    await records.keep("first", 100)
    await records.keep("again", 200, parent="first")
    (tmp_path / "pictures" / "drawn" / "first-1.png").unlink()
    assert await records.verdict("again") == (Sameness.SAME, [])


async def test_there_is_no_verdict_on_what_is_no_repetition(records: Records) -> None:
    await records.keep("first", 100)
    await records.keep("orphan", 100)
    await records.keep("other", 100, parent="first", prompt="a blue cat")
    await records.keep("newer", 100, parent="first", seeds=(8,))
    await records.keep("again", 100, parent="first")
    for generation_id in ("orphan", "other", "newer"):
        assert await records.verdict(generation_id) is None
    stale = await records.history.any("again")
    async with records._database.transaction() as connection:
        await db.generations.delete(connection, "first")
    assert await drawn_again(stale, records.history) is None
