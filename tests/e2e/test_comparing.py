"""`/compare` with the bot as its own process: the sheet shows what its cells say, and survives being killed."""

import asyncio
import re
import signal
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.playground import Message, Person, Playground
from tests.e2e.conftest import DRAWN, BotProcess, answer_of, draw, has_pictures, images, result_after, seen_by
from tests.e2e.test_drawing import exactly

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = "Open one of these pictures"


def is_sheet(message: Message) -> bool:
    return any(attachment.filename.startswith("compare-") for attachment in message.attachments)


async def records(easel: BotProcess, statement: str) -> list[Any]:
    """What the records say, read beside the running bot."""

    def run() -> list[Any]:
        with closing(sqlite3.connect(easel.folder / "data" / "easel.db", timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    return await asyncio.to_thread(run)


async def test_a_sheet_is_drawn_after_its_cost_was_told_and_its_cells_are_normal_results(
    playground: Playground, ada: Person, linus: Person
) -> None:
    seen = seen_by(ada)
    options = {"steps": "2, 5", "guidance": "1, 4", "seed": "31"}
    question = await answer_of(ada, ada.slash("compare", prompt="a red house", **options))
    assert "A sheet of 4 pictures: steps 2, 5 · guidance 1, 4." in question.text
    assert "of drawing time; you have" in question.text
    await ada.acknowledged(ada.press(question, "Draw"), 3)
    sheet = await ada.message(lambda message: is_sheet(message) and message.id not in seen, 4 * DRAWN)
    [image] = images(ada, sheet)
    assert image.width > 500
    assert image.height > 500
    assert "seed 31" in sheet.text
    seen = seen_by(linus)
    linus.select(sheet, OPEN, ["steps 5, guidance 4"])
    opened = await result_after(linus, seen)
    assert opened.application_id is None  # an ordinary message, so that replying to it reaches the bot
    same = await draw(ada, "a red house", seed="31", steps=5, guidance=4.0)
    assert exactly(images(linus, opened)[0]) == exactly(images(ada, same)[0])
    assert playground.violations == []


async def test_a_killed_bot_finishes_the_sheet_and_brings_it_once(ada: Person, easel: BotProcess) -> None:
    seen = seen_by(ada)
    [(before,)] = await records(easel, "SELECT count(*) FROM charges")
    question = await answer_of(ada, ada.slash("compare", prompt="a slow sheet", seed="1, 2, 3, 4", steps="40"))
    await ada.acknowledged(ada.press(question, "Draw"), 3)
    begun = re.compile(r"a slow sheet.*[1-3] of 4 done", re.DOTALL)
    await ada.message(lambda message: begun.search(message.text) is not None, 2 * DRAWN)
    await easel.restart(signal.SIGKILL)
    sheet = await ada.message(lambda message: is_sheet(message) and message.id not in seen, 4 * DRAWN)
    await draw(ada, "a moment passes", steps=1)
    assert [message.id for message in ada.see() if is_sheet(message) and message.id not in seen] == [sheet.id]
    assert not [message for message in ada.see() if "a slow sheet" in message.text and has_pictures(message)]
    [(after,)] = await records(easel, "SELECT count(*) FROM charges")
    assert after - before == 4 + 1  # the sheet's, each once, and that of the moment
    [(state,)] = await records(easel, "SELECT DISTINCT state FROM sheets WHERE plan LIKE '%a slow sheet%'")
    assert state == "delivered"
    seen = seen_by(ada)
    ada.select(sheet, OPEN, ["seed 3"])
    assert "seed 3" in (await result_after(ada, seen)).text
