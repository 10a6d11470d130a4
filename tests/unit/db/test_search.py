"""The laws of searching: pages leave nothing out, filters narrow and never show more, hostile text is text."""

import json
import re
import sqlite3
import string
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, fields, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import db
from db import Connection, Database, Turn, Wanted
from db.migrate import migrate, read_migrations
from tests.bench import history
from tests.unit.db.files import opened
from tests.unit.db.rows import a_generation, a_picture, record

HOSTILE = [
    '"',
    '""',
    '"cat',
    'cat"',
    "*",
    "cat*",
    "**",
    "NEAR(",
    "NEAR(red cat, 2)",
    "a AND",
    "AND",
    "OR cat",
    "NOT",
    "red NOT cat",
    "-",
    "-cat",
    ":",
    "prompt:cat",
    "member_id : 2",
    "{prompt}: cat",
    "^cat",
    "cat + red",
    "(",
    ")",
    "((((",
    "'; DROP TABLE generations;--",
    "%",
    "_",
    "\\",
    "\0",
    "ca\0t",
    "\ud800",
    "🐈",
    "🐈‍⬛",
    "👩🏽‍🚀",
    "🫠",
    "é",
    "\uff46ull",
    "猫",
    "﷽",
    "\u202ecat",
    "\u200b",
    "x" * 1500,
    "* " * 750,
    '" ' * 750,
    " ".join(f"w{number}" for number in range(300)),
]


async def keep(connection: Connection, *ids: str, **values: Any) -> None:
    """Generations with a picture each."""
    await record(connection, *ids, **values)
    await db.pictures.insert(connection, [a_picture(generation_id) for generation_id in ids])


async def found(connection: Connection, words: str = "", *, limit: int = 100, **fields: Any) -> list[str]:
    wanted = Wanted(**{"member_id": 1, "words": words} | fields)
    return [row.id for _, row in await db.search.page(connection, wanted, limit=limit)]


async def test_words_are_found_in_either_prompt_whatever_their_case_and_accents(
    connection: Connection,
) -> None:
    await keep(connection, "cafe", prompt="A red Café, at night")
    await keep(connection, "blue", prompt="a blue house", negative_prompt="red cats")
    await keep(connection, "else", prompt="a green tree")
    assert await found(connection, "night RED") == ["cafe"]
    assert await found(connection, "cafe") == ["cafe"]
    assert await found(connection, "red") == ["blue", "cafe"]
    assert await found(connection, "house red") == ["blue"]
    assert await found(connection, "red tree") == []


def drawn_as(*prompts: str) -> str:
    """A recipe whose pictures were drawn from these words rather than from those that were typed."""
    words = [{"text": "boat", "prompt": prompt, "negative_prompt": "photograph"} for prompt in prompts]
    return json.dumps({"prompt": "boat", "words": words})


async def test_words_are_found_as_typed_and_as_drawn(connection: Connection) -> None:
    recipe = drawn_as("ink drawing of a red boat", "ink drawing of a blue boat", "", "a last boat")
    await keep(connection, "drawn", prompt="a {red|blue|green} boat", recipe=recipe)
    await keep(connection, "plain", prompt="a boat")
    for words in ("green", "blue boat", "ink green", "last", "boat draw"):
        assert await found(connection, words) == ["drawn"]
    for words in (
        "photograph",
        "text",
        "words",
        "null",
    ):  # what a style keeps out, and how a recipe is written down
        assert await found(connection, words) == []
    await db.generations.set_recipe(connection, "drawn", drawn_as("a yellow boat"))
    assert await found(connection, "yellow") == ["drawn"]
    assert await found(connection, "ink") == []


async def test_words_that_were_drawn_before_they_were_looked_for_are_found(tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    migrate(path, read_migrations()[:6])
    with closing(sqlite3.connect(path)) as old, old:
        values = asdict(a_generation("aaaa", prompt="a {red|blue} boat", recipe=drawn_as("a blue boat, in ink")))
        columns = ", ".join(values)
        old.execute(f"INSERT INTO generations ({columns}) VALUES (:{columns.replace(', ', ', :')})", values)  # noqa: S608
        old.execute("INSERT INTO pictures VALUES ('aaaa', 1, 'a.png', 7, '', 1, 1, 0)")
    async with opened(path) as database, database.reading() as connection:
        assert await found(connection, "red ink") == ["aaaa"]


async def test_the_last_word_may_be_only_begun_and_no_other(connection: Connection) -> None:
    await keep(connection, "aaaa", prompt="a lighthouse in the snow")
    assert await found(connection, "snow lighth") == ["aaaa"]
    assert await found(connection, "lighth snow") == []
    assert await found(connection, "l") == ["aaaa"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_looked_for_as_text(connection: Connection, text: str) -> None:
    await keep(connection, "aaaa", prompt="red cat AND dog near prompt not 🐈 in a box")
    await keep(connection, "other", member_id=2, prompt="red cat")
    assert set(await found(connection, text)) <= {"aaaa"}
    assert set(await found(connection, text, starred_by=1)) == set()


_PIECES = st.text(string.ascii_letters + '"*:()-^+ ', max_size=20)


@settings(max_examples=8, deadline=None)
@given(texts=st.lists(st.one_of(st.text(max_size=60), _PIECES), min_size=20, max_size=60))
async def test_no_text_at_all_is_an_error_or_shows_another_members(texts: list[str]) -> None:
    async with a_database() as database, database.transaction() as connection:
        await keep(connection, "aaaa", prompt="red cat")
        await keep(connection, "other", member_id=2, prompt="red cat")
        for typed in texts:
            assert set(await found(connection, typed)) <= {"aaaa"}


@pytest.mark.parametrize("text", ['"', "***", "- : ?", "\0", "\u200b", "\u200b‍"])
async def test_a_search_without_a_word_finds_nothing(connection: Connection, text: str) -> None:
    await keep(connection, "aaaa", prompt='"***" - : ?')
    assert not db.search.searchable(text)
    assert await found(connection, text) == []


@pytest.mark.parametrize("prompt", ["a 🐈 in the snow", "🐈", "ein Haus, ☃"])
async def test_symbols_are_words(connection: Connection, prompt: str) -> None:
    await keep(connection, "aaaa", prompt=prompt)
    symbol = next(each for each in prompt if unicodedata.category(each) == "So")
    assert await found(connection, symbol) == ["aaaa"]
    assert await found(connection, "☎") == []


async def test_every_filter_narrows_and_all_of_them_go_together(connection: Connection) -> None:
    await keep(connection, "one", prompt="red cat", model="sd-1.5")
    await keep(connection, "two", prompt="red dog", model="sd-1.5")
    await keep(connection, "three", prompt="red cat", model="sd-1-5")
    await keep(connection, "four", prompt="red cat", model="++")
    await record(connection, "undrawn", prompt="red cat", model="sd-1.5")
    for starred in ("two", "three"):
        await db.generations.star(connection, starred, 1, 1.0)
    await db.generations.star(connection, "one", 2, 1.0)
    assert await found(connection) == ["four", "three", "two", "one"]
    assert await found(connection, model="sd-1.5") == ["two", "one"]
    assert await found(connection, model="++") == ["four"]
    assert await found(connection, model="nowhere") == []
    assert await found(connection, starred_by=1) == ["three", "two"]
    assert await found(connection, starred_by=2) == ["one"]
    assert await found(connection, "cat", starred_by=1) == ["three"]
    assert await found(connection, "red", starred_by=1, model="sd-1.5") == ["two"]
    assert await found(connection, "cat", starred_by=1, model="sd-1.5") == []


@pytest.mark.parametrize("fields", [{}, {"words": "red"}, {"starred_by": 2}, {"model": "storybook"}])
async def test_what_is_private_or_elsewhere_is_in_no_filter_for_others(
    connection: Connection, fields: dict[str, Any]
) -> None:
    await keep(connection, "public", prompt="red cat")
    await keep(connection, "private", prompt="red cat", private=True)
    await keep(connection, "elsewhere", prompt="red cat", guild_id=11)
    await keep(connection, "direct", prompt="red cat", guild_id=None, private=True)
    for generation_id in ("public", "private", "elsewhere", "direct"):
        await db.generations.star(connection, generation_id, 2, 1.0)
    assert await found(connection, public_in=10, **fields) == ["public"]
    assert await found(connection, public_in=11, **fields) == ["elsewhere"]
    assert set(await found(connection, **fields)) == {"public", "private", "elsewhere", "direct"}


@asynccontextmanager
async def a_database() -> AsyncIterator[Database]:
    """A new one for each example, where a fixture would be shared by all of them."""
    with TemporaryDirectory() as folder:
        async with opened(Path(folder) / "easel.db") as database:
            yield database


@settings(max_examples=10, deadline=None)
@given(
    drawn=st.lists(st.booleans(), min_size=1, max_size=12),
    limit=st.integers(1, 5),
    fields=st.sampled_from(
        [{}, {"words": "red"}, {"model": "storybook"}, {"starred_by": 1}, {"starred_by": 1, "words": "red"}]
    ),
)
async def test_pages_hold_every_row_once_newest_first_and_lead_back(
    drawn: list[bool], limit: int, fields: dict[str, Any]
) -> None:
    async with a_database() as database, database.transaction() as connection:
        for number, red in enumerate(drawn):
            generation_id = f"id{number:02}"
            member = 1 if red else 2
            await keep(connection, generation_id, member_id=member, created_at=5.0)
            await db.generations.star(connection, generation_id, 1, 1.0)
        await record(connection, "undrawn")
        wanted = Wanted(**{"member_id": 1} | fields)
        pages = []
        turn = None
        while page := await db.search.page(connection, wanted, turn=turn, limit=limit):
            pages.append(page)
            turn = Turn(older=True, number=page[-1][0])
        expected = [f"id{number:02}" for number, red in enumerate(drawn) if red][::-1]
        assert [row.id for page in pages for _, row in page] == expected
        for page, after in pairwise(pages):
            back = Turn(older=False, number=after[0][0])
            assert await db.search.page(connection, wanted, turn=back, limit=limit) == page


async def test_a_page_of_old_ones_stands_although_the_row_it_began_at_is_deleted(connection: Connection) -> None:
    await keep(connection, "a", "b", "c", "d")
    wanted = Wanted(member_id=1)
    [_, (number, row)] = await db.search.page(connection, wanted, limit=2)
    assert row.id == "c"
    await db.generations.delete(connection, "c")
    rest = await db.search.page(connection, wanted, turn=Turn(older=True, number=number), limit=2)
    assert [row.id for _, row in rest] == ["b", "a"]


async def test_what_is_deleted_is_no_longer_found(connection: Connection) -> None:
    await keep(connection, "aaaa", "bbbb")
    await db.generations.delete(connection, "aaaa")
    assert await found(connection, "red cat") == ["bbbb"]


async def test_an_edited_prompt_is_found_by_its_new_words_alone(connection: Connection) -> None:
    await keep(connection, "aaaa")
    await connection.execute_fetchall("UPDATE generations SET prompt = 'a green tree'")
    assert await found(connection, "cat") == []
    assert await found(connection, "tree") == ["aaaa"]


async def test_what_was_recorded_before_there_was_an_index_is_found_in_its_order_with_its_stars(
    tmp_path: Path,
) -> None:
    path = tmp_path / "easel.db"
    migrate(path, read_migrations()[:1])
    columns = [each.name for each in fields(db.GenerationRow)]
    with closing(sqlite3.connect(path)) as old, old:
        for generation_id, at in (("late", 9.0), ("early", 1.0), ("between", 5.0)):
            row = a_generation(
                generation_id, created_at=at, parent_id=None if generation_id == "early" else "early"
            )
            values = ", ".join(f":{column}" for column in columns)
            old.execute(f"INSERT INTO generations ({', '.join(columns)}) VALUES ({values})", asdict(row))  # noqa: S608
            old.execute(
                "INSERT INTO pictures VALUES (?, 1, ?, 7, '', 1, 1, 0)", (generation_id, f"{generation_id}.png")
            )
        old.execute("INSERT INTO stars VALUES ('early', 1, 1.0)")
    async with opened(path) as database, database.transaction() as connection:
        assert await found(connection) == ["late", "between", "early"]
        assert await found(connection, "red cat") == ["late", "between", "early"]
        assert await found(connection, starred_by=1) == ["early"]
        await db.generations.delete(connection, "early")
        assert await found(connection, "red cat") == ["late", "between"]
        assert await found(connection, starred_by=1) == []
        orphan = await db.generations.find(connection, "late")
        assert orphan == a_generation("late", created_at=9.0)
        await keep(connection, "new", prompt="a red cat")
        assert await found(connection, "cat") == ["new", "late", "between"]


def words_in(file: Path) -> set[bytes]:
    return set(re.findall(rb"[a-z]+", file.read_bytes()))


@pytest.mark.parametrize("delete_all", [True, False])
async def test_a_deleted_words_letters_are_nowhere_in_the_file(tmp_path: Path, delete_all: bool) -> None:
    async with opened(tmp_path / "easel.db") as database, database.transaction() as connection:
        await keep(connection, "aaaa", prompt="unmistakable marmalade", recipe=drawn_as("a quince"))
        await keep(connection, "bbbb", prompt="an ordinary cat")
    assert {b"marmalade", b"quince"} <= words_in(tmp_path / "easel.db")
    async with opened(tmp_path / "easel.db") as database, database.transaction() as connection:
        if delete_all:
            await connection.execute_fetchall("DELETE FROM generations WHERE prompt LIKE '%marmalade'")
            await db.generations.settle(connection)
        else:
            await db.generations.delete(connection, "aaaa")
    assert not {b"marmalade", b"quince"} & words_in(tmp_path / "easel.db")
    async with opened(tmp_path / "easel.db") as database, database.reading() as connection:
        assert await found(connection, "ordinary") == ["bbbb"]


async def test_a_filter_comes_back_to_its_member_alone(connection: Connection) -> None:
    await db.search.remember(connection, "key", member_id=1, filter_json='{"search": "cat"}', used_at=1.0)
    assert await db.search.recollect(connection, "key", member_id=1) == '{"search": "cat"}'
    assert await db.search.recollect(connection, "key", member_id=2) is None
    assert await db.search.recollect(connection, "other", member_id=1) is None


async def test_of_a_members_filters_the_hundred_used_last_are_kept(connection: Connection) -> None:
    for number in range(100):
        await db.search.remember(connection, f"k{number}", member_id=1, filter_json="{}", used_at=float(number))
    await db.search.remember(connection, "k0", member_id=1, filter_json="{}", used_at=100.0)
    await db.search.remember(connection, "another's", member_id=2, filter_json="{}", used_at=0.0)
    await db.search.remember(connection, "k100", member_id=1, filter_json="{}", used_at=101.0)
    kept = [key for key in ("k0", "k1", "k2", "k100") if await db.search.recollect(connection, key, member_id=1)]
    assert kept == ["k0", "k2", "k100"]
    assert await db.search.recollect(connection, "another's", member_id=2)


async def test_a_page_of_many_rows_takes_no_time_that_one_would_see(database: Database) -> None:
    rows = 5_000
    async with database.transaction() as connection:
        await history.fill(connection, rows)
    figures = await history.measure(database, rows)
    assert max(map(max, figures.values())) < 20  # milliseconds
    async with database.reading() as connection:
        pages = {
            name: await db.search.page(connection, wanted, limit=history.LIMIT)
            for name, wanted in history.CASES.items()
        }
        wanted = Wanted(member_id=1, starred_by=2, words='"red" cat')
        red_cats = await db.search.page(connection, wanted, limit=rows)
        starred = await db.search.page(connection, replace(wanted, words=""), limit=rows)
    assert len(starred) > 2_000
    assert red_cats == [
        (number, row)
        for number, row in starred
        if "red" in row.prompt.split() and any(word.startswith("cat") for word in row.prompt.split())
    ]
    assert {name for name, page in pages.items() if not page} == {
        "no match",
        "few stars and a rare word",
    }


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(member_id=1), "generations_of_member"),
        (Wanted(member_id=1, words="red"), "generations_search"),
        (Wanted(member_id=1, starred_by=1), "stars_of_member"),
    ],
)
async def test_a_page_is_walked_in_an_indexs_own_order(connection: Connection, wanted: Wanted, index: str) -> None:
    asked: list[str] = []
    await connection.set_trace_callback(asked.append)
    await db.search.page(connection, wanted, turn=Turn(older=True, number=50), limit=5)
    await connection.set_trace_callback(None)
    [select] = [statement for statement in asked if "SELECT generations.*" in statement]
    steps = [row["detail"] for row in await connection.execute_fetchall(f"EXPLAIN QUERY PLAN {select}")]
    assert index in steps[0]
    assert not any("TEMP B-TREE" in step for step in steps)
