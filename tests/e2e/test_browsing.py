"""Looking through what was drawn: every filter of `/history`, every button of a row, families, and verdicts."""

import asyncio
import sqlite3
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.playground import Interaction, Message, Person, Playground
from tests.e2e.conftest import (
    BotProcess,
    answer_of,
    draw,
    generation_id,
    images,
    result_after,
    seen_by,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROW = ["Re-roll", "Same seed", "Edit", "Use as source", "Delete"]
HOSTILE = [
    '"',
    "*",
    "NEAR(",
    "a AND",
    "-",
    ":",
    "prompt:*",
    "🐈",
    "x" * 1500,
    '"" ' * 500,
    "\0",
    "ca\0t",
    "@everyone <@1> `**",
]


async def history(person: Person, **options: Any) -> Message:
    answer = await answer_of(person, person.slash("history", **options))
    assert answer.ephemeral
    return answer


def row(message: Message, action: str, drawn: Message) -> str:
    """The custom id of a button of the row of a generation."""
    wanted = f"easel:{action}:{generation_id(drawn)}"
    [found] = [button["custom_id"] for button in message.buttons if button["custom_id"].startswith(wanted)]
    return str(found)


def labels(message: Message) -> list[object]:
    return [button["label"] for button in message.buttons]


async def turned(person: Person, message: Message, button: str, needs: str) -> Message:
    await person.acknowledged(person.press(message, button), 3)
    return await person.wait_for(
        lambda: now if (now := person.now(message)) is not None and needs in now.text else None
    )


async def record(easel: BotProcess, statement: str, *values: object) -> list[Any]:
    """Ask or change the records beside the running bot."""

    def run() -> list[Any]:
        with closing(sqlite3.connect(easel.folder / "data" / "easel.db", timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    return await asyncio.to_thread(run)


async def test_every_filter_of_the_history(ada: Person, linus: Person) -> None:
    lamp = await draw(ada, "a marmalade lamp at night", steps=1, negative_prompt="zebra stripes")
    tower = await draw(ada, "a marmalade tower", steps=1)
    hidden = await answer_of(ada, ada.slash("imagine", prompt="a marmalade secret", steps=1, private=True))
    await ada.wait_for(lambda: ((now := ada.now(hidden)) is not None and now.attachments) or None, 60)
    await ada.answer(ada.press(tower, "Star"))

    own = await history(ada, search="marmalade")
    assert [own.text.index(what) for what in ("secret", "tower", "lamp")] == sorted(
        own.text.index(what) for what in ("secret", "tower", "lamp")
    )
    assert "“marmalade”" in own.text
    assert labels(own)[:5] == ROW
    assert "a marmalade lamp" in (await history(ada, search="NIGHT marmal")).text
    assert "a marmalade lamp" in (await history(ada, search="zebra")).text
    assert "No picture fits" in (await history(ada, search="marmalade helicopter")).text

    starred = await history(ada, search="marmalade", starred=True)
    assert "tower" in starred.text
    assert "lamp" not in starred.text
    assert "tower" in (await history(ada, starred=True)).text
    assert "tower" in (await history(ada, search="marmalade", model="storybook")).text
    assert "drawn by sd-1.5" in (await history(ada, model="sd-1.5")).text

    theirs = await history(linus, member=ada.user.id, search="marmalade")
    assert "tower" in theirs.text
    assert "lamp" in theirs.text
    assert "secret" not in theirs.text
    assert labels(theirs)[:5] == [*ROW[:4], ROW[0]]  # Delete is not for others
    assert "No picture fits" in (await history(linus, member=ada.user.id, search="secret")).text
    assert "No picture fits" in (await history(linus, member=ada.user.id, search="marmalade", starred=True)).text
    assert (
        "nothing that you may see"
        in (await answer_of(linus.direct(), linus.direct().slash("history", member=ada.user.id))).text
    )
    assert "secret" in (await history(ada, member=ada.user.id, search="secret")).text
    assert generation_id(lamp) in own.text


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_searches_are_answered_with_a_sentence_or_a_page(
    ada: Person, playground: Playground, text: str
) -> None:
    before = len(playground.violations)
    answer = await history(ada, search=text)
    assert "went wrong" not in answer.text
    assert len(playground.violations) == before
    if not any(character.isalnum() for character in text) and "🐈" not in text:
        assert "There is no word to look for" in answer.text


async def test_pages_lead_on_and_back_also_after_a_restart_with_a_long_search(
    linus: Person, easel: BotProcess
) -> None:
    for number in range(7):
        await draw(linus, f"linus paints pelican {number}", steps=1)
    long = "pelican " * 180 + "linus"
    first = await history(linus, search=long)
    assert "pelican 6" in first.text
    assert "Newer" not in labels(first)
    second = await turned(linus, first, "Older", "pelican 3")
    assert "pelican 4" not in second.text
    await easel.restart()
    third = await turned(linus, second, "Older", "pelican 0")
    assert "Older" not in labels(third)
    back = await turned(linus, third, "Newer", "pelican 3")
    assert "pelican 0" not in back.text
    newest = await turned(linus, back, "Newer", "pelican 6")
    assert "Newer" not in labels(newest)


async def test_every_button_of_a_row_does_what_it_says(ada: Person, easel: BotProcess) -> None:
    drawn = await draw(ada, "a red walrus", seed="21", steps=3)
    page = await history(ada, search="walrus")
    assert len(page.attachments) == 1
    small = Image.open(BytesIO(ada.download(page.attachments[0])))
    assert max(small.size) <= 160

    seen = seen_by(ada)
    await ada.acknowledged(ada.press(page, row(page, "reroll", drawn)), 3)
    assert "seed 21 " not in (await result_after(ada, seen)).text

    seen = seen_by(ada)
    await ada.acknowledged(ada.press(page, row(page, "same", drawn)), 3)
    again = await result_after(ada, seen)
    assert "seed 21 " in again.text
    assert [one.tobytes() for one in images(ada, again)] == [one.tobytes() for one in images(ada, drawn)]

    seen = seen_by(ada)
    opened = ada.press(page, row(page, "edit", drawn))
    await ada.modal(opened)
    ada.submit_modal(opened, {"prompt": "a blue walrus"})
    assert "a blue walrus" in (await result_after(ada, seen)).text

    seen = seen_by(ada)
    offer = await ada.answer(ada.press(page, row(page, "source", drawn)))
    opened = ada.press(offer, "Draw from it")
    await ada.modal(opened)
    ada.submit_modal(opened, {"prompt": "a green walrus", "strength": "0,0"})
    redrawn = await result_after(ada, seen)
    assert "strength 0 " in redrawn.text
    assert _difference(images(ada, redrawn)[0], images(ada, drawn)[0]) < 12

    opened = ada.press(offer, "Draw from it")
    await ada.modal(opened)
    refused = await answer_of(ada, ada.submit_modal(opened, {"prompt": "a walrus", "strength": "7"}))
    assert "strength" in refused.text.lower()

    shown = await answer_of(ada, ada.select(page, "easel:open", [generation_id(drawn)]))
    assert "a red walrus" in shown.text

    left = await history(ada, search="red walrus", model="storybook")
    await ada.acknowledged(ada.press(left, row(left, "erase", drawn)), 3)
    await ada.wait_for(
        lambda: ((now := ada.now(left)) is not None and generation_id(drawn) not in now.text) or None
    )
    await ada.wait_for(lambda: ada.now(drawn) is None)
    assert "There is no picture" in (await answer_of(ada, ada.press(page, row(page, "same", drawn)))).text
    [[count]] = await record(easel, "SELECT count(*) FROM generations WHERE id = ?", generation_id(drawn))
    assert count == 0


async def test_which_of_several_pictures_is_the_source_is_chosen(ada: Person) -> None:
    drawn = await draw(ada, "two ostriches", seed="3", count=2, steps=3)
    page = await history(ada, search="ostriches")
    offer = await ada.answer(ada.press(page, row(page, "source", drawn)))
    other = await ada.answer(ada.press(offer, "2"))
    seen = seen_by(ada)
    opened = ada.press(other, "Draw from it")
    await ada.modal(opened)
    ada.submit_modal(opened, {"strength": "0"})
    redrawn = images(ada, await result_after(ada, seen))[0]
    first, second = images(ada, drawn)
    assert _difference(redrawn, second) < _difference(redrawn, first)


async def test_show_draws_the_family_and_leads_through_it(ada: Person, linus: Person) -> None:
    parent = await draw(ada, "a yak", seed="7", steps=3)
    seen = seen_by(linus)
    await linus.acknowledged(
        linus.slash("reroll", id=generation_id(parent), prompt="a yak at night", guidance=5.0, seed="same"), 3
    )
    child = await result_after(linus, seen)

    shown = await answer_of(ada, ada.slash("show", id=generation_id(parent)))
    assert "prompt: + at night" in shown.text
    assert "guidance" in shown.text
    assert "Parent" not in labels(shown)
    assert [one.tobytes() for one in images(ada, shown)][:1] == [one.tobytes() for one in images(ada, parent)]
    sheet = next(each for each in shown.attachments if each.filename.endswith("-family.jpg"))
    assert Image.open(BytesIO(ada.download(sheet))).height > 2 * 192

    below = await answer_of(ada, ada.press(shown, "Child 1"))
    assert f"`{generation_id(parent)}`" in below.text
    assert "prompt: + at night" in below.text
    above = await answer_of(ada, ada.press(below, "Parent"))
    assert "a yak" in above.text
    assert "Child 1" in labels(above)

    seen = seen_by(linus)
    secret = linus.slash("reroll", id=generation_id(child), prompt="a hidden yak", private=True, steps=2)
    hidden = await answer_of(linus, secret)
    await linus.wait_for(lambda: ((now := linus.now(hidden)) is not None and now.attachments) or None, 60)
    for person, there in ((ada, False), (linus, True)):
        seen_there = await answer_of(person, person.slash("show", id=generation_id(child)))
        assert ("hidden" in seen_there.text) is there
        assert ("Child 1" in labels(seen_there)) is there


async def test_the_same_recipe_is_said_to_give_the_same_picture_and_does(ada: Person, easel: BotProcess) -> None:
    drawn = await draw(ada, "a brown bear", seed="5", steps=3)
    assert "Compared with" not in drawn.text
    again = await _again(ada, drawn)
    assert f"Compared with {generation_id(drawn)}: the same." in again.text
    hashes = await record(
        easel,
        "SELECT DISTINCT sha256 FROM pictures WHERE generation_id IN (?, ?)",
        generation_id(drawn),
        generation_id(again),
    )
    assert len(hashes) == 1
    assert "Compared with" not in (await _again(ada, drawn, prompt="a brown bear at sea")).text
    assert "Compared with" not in (await _again(ada, drawn, seed="new")).text


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("$.environment.model_revision", "another", "not the same, because the files of the model have changed."),
        ("$.environment.device", "cuda:0 Somebody's", "very nearly the same, because it was drawn on cuda:0"),
        ("$.environment.versions.torch", "1.0", "very nearly the same, because torch was 1.0 then"),
        ("$.environment.threads", 64, "very nearly the same, because the processor threads were 64 then"),
    ],
)
async def test_what_differs_from_then_is_said(
    ada: Person, easel: BotProcess, path: str, value: object, words: str
) -> None:
    drawn = await draw(ada, "a brown bear", seed="5", steps=2)
    await record(
        easel,
        "UPDATE generations SET recipe = json_set(recipe, ?, ?) WHERE id = ?",
        path,
        value,
        generation_id(drawn),
    )
    assert words in (await _again(ada, drawn)).text


async def test_a_picture_that_is_not_the_same_is_never_said_to_be(ada: Person, easel: BotProcess) -> None:
    drawn = await draw(ada, "a brown bear", seed="5", steps=2)
    [[path]] = await record(easel, "SELECT path FROM pictures WHERE generation_id = ?", generation_id(drawn))
    await asyncio.to_thread(Image.new("RGB", (256, 256), "teal").save, easel.folder / "data/pictures/drawn" / path)
    told = (await _again(ada, drawn)).text
    assert "not the same, because something has changed that is not on record" in told


async def _again(person: Person, drawn: Message, **changes: object) -> Message:
    seen = seen_by(person)
    asked: Interaction = person.slash("reroll", id=generation_id(drawn), **{"seed": "same"} | changes)
    await person.acknowledged(asked, 3)
    return await result_after(person, seen)


def _difference(first: Image.Image, second: Image.Image) -> float:
    """The mean distance of two pictures' values, in levels of 256."""
    pairs = zip(first.tobytes(), second.tobytes(), strict=True)
    return sum(abs(one - other) for one, other in pairs) / (first.width * first.height * 3)
