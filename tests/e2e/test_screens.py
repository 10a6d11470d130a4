"""Screens that are turned, settings, suggestions, and every question that may be answered with no."""

import re

import pytest

from bot.playground import Message, Person
from tests.e2e.conftest import DRAWN, answer_of, draw, generation_id, images, result_after, seen_by
from tests.e2e.test_browsing import labels, turned
from tests.e2e.test_comparing import is_sheet

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELP = ["Start", "Reply", "More of it", "Seeds", "Prompts", "Limits and privacy"]


async def now(person: Person, message: Message, needs: str) -> Message:
    """The message once it says `needs`."""
    return await person.message(lambda seen: seen.id == message.id and needs in seen.text)


async def test_the_help_has_every_screen_and_names_every_command(ada: Person) -> None:
    shown = await answer_of(ada, ada.slash("help"))
    told = {shown.text}
    for label, needs in zip(HELP[1:], ["Reply to any", "Vary", "/seed save", "{red|blue", "/mydata"], strict=True):
        shown = await turned(ada, shown, label, needs)
        told.add(shown.text)
    shown = await turned(ada, shown, "Start", "How to draw")
    assert labels(shown) == HELP
    named = set(re.findall(r"`/(\w+)", "\n".join(told)))
    commands = {command["name"] for command in ada.offered() if command["type"] == 1}
    assert commands - named <= {"show", "help"}  # a press of Show does the first, and who reads knows the other


@pytest.mark.parametrize(("command", "first"), [("models", "storybook · the default"), ("styles", "watercolour")])
async def test_a_page_turns_on_and_back(ada: Person, command: str, first: str) -> None:
    page = await answer_of(ada, ada.slash(command))
    assert first in page.text
    assert "Back" not in labels(page)
    page = await turned(ada, page, "More", "Page 2 of")
    assert first not in page.text
    page = await turned(ada, page, "More", "Page 3 of")
    page = await turned(ada, page, "Back", "Page 2 of")
    page = await turned(ada, page, "Back", "Page 1 of")
    assert first in page.text


async def test_models_that_nobody_can_draw_with_say_so(ada: Person) -> None:
    page = await answer_of(ada, ada.slash("models"))
    assert "Ready to draw." in page.text
    assert "it draws once whoever runs this bot has added it" in page.text
    refused = await answer_of(ada, ada.slash("imagine", prompt="a cat", model="sd-1.5"))
    assert "sd-1.5 is not on this machine" in refused.text


async def test_numbers_of_the_settings_are_taken_and_reset(ada: Person) -> None:
    shown = await answer_of(ada, ada.slash("settings"))
    opened = ada.press(shown, "Numbers and privacy")
    await ada.modal(opened)
    ada.submit_modal(opened, {"steps": "3", "guidance": "1,5", "count": ["2"], "private": ["yes"]})
    shown = await now(ada, shown, "**1.5**")
    seen = seen_by(ada)
    ada.slash("imagine", prompt="a set table")
    drawn = await result_after(ada, seen)
    assert drawn.ephemeral
    assert len(images(ada, drawn)) == 2
    recipe = await answer_of(ada, ada.press(drawn, "Recipe"))
    assert "steps: 3" in recipe.text
    assert "guidance: 1.5" in recipe.text
    ada.press(shown, "Reset all")
    assert "**3**" not in (await now(ada, shown, "Steps\nnot set")).text
    assert not (await draw(ada, "a table as before")).ephemeral


async def test_what_is_suggested_can_be_taken(ada: Person) -> None:
    drawn = await draw(ada, "a {tame} okapi", seed="12", steps=2)
    wanted = generation_id(drawn)
    await answer_of(ada, ada.slash("seed save", name="okapi", seed=wanted))
    for command, option, needed in (
        ("show", "id", {}),
        ("reroll", "id", {}),
        ("vary", "id", {}),
        ("upscale", "id", {}),
        ("outpaint", "id", {"direction": "left"}),
        ("seed save", "seed", {"name": "another"}),
    ):
        offered = await ada.suggestions(command, option, "okapi", **needed)
        assert {"name": f"{wanted} · a tame okapi", "value": wanted} in offered, command
    for command in ("seed use", "seed delete"):
        needed = {"prompt": "a cat"} if command == "seed use" else {}
        offered = await ada.suggestions(command, "name", "oka", **needed)
        assert [choice["value"] for choice in offered] == ["okapi"]
    assert "okapi" in {choice["value"] for choice in await ada.suggestions("imagine", "seed", "", prompt="a")}
    models = await ada.suggestions("history", "model", "sdxl")
    assert "sdxl" in {choice["value"] for choice in models}
    lists = {"scheduler": ("Euler, D", "Euler, DDIM"), "model": ("", "storybook"), "seed": ("7, ok", "7, okapi")}
    for option, (typed, value) in lists.items():
        offered = await ada.suggestions("compare", option, typed, prompt="a cat")
        assert value in {choice["value"] for choice in offered}
    seen = seen_by(ada)
    ada.slash("seed use", name="okapi", prompt="a zebra", steps=2)
    assert "seed 12 " in (await result_after(ada, seen)).text
    await answer_of(ada, ada.slash("seed delete", name="okapi"))


async def test_a_model_that_only_enlarges_is_not_suggested_for_drawing(ada: Person) -> None:
    offered = {choice["value"] for choice in await ada.suggestions("imagine", "model", "", prompt="a cat")}
    assert "storybook" in offered
    assert "lanczos" not in offered


async def test_no_is_an_answer_to_every_question(ada: Person) -> None:
    question = await answer_of(
        ada, ada.slash("compare", prompt="a lynx", scheduler="Euler, DDIM", model="storybook")
    )
    assert "A sheet of 2 pictures: scheduler Euler, DDIM." in question.text
    await ada.acknowledged(ada.press(question, "Not now"), 3)
    await ada.wait_for(lambda: ada.now(question) is None)
    question = await answer_of(ada, ada.slash("mydata delete"))
    await ada.acknowledged(ada.press(question, "Keep it"), 3)
    assert not (await now(ada, question, "Nothing was deleted.")).buttons


async def test_a_sheet_is_cancelled_while_it_is_drawn_and_deleted_when_it_is_there(ada: Person) -> None:
    question = await answer_of(ada, ada.slash("compare", prompt="a lynx at rest", seed="1, 2", steps="100"))
    ada.press(question, "Draw")
    waiting = await ada.message(lambda seen: "a lynx at rest" in seen.text and labels(seen) == ["Cancel"], DRAWN)
    await ada.acknowledged(ada.press(waiting, "Cancel"), 3)
    await ada.message(lambda seen: "a lynx at rest" in seen.text and "cost nothing" in seen.text, DRAWN)

    question = await answer_of(ada, ada.slash("compare", prompt="a lynx awake", seed="1, 2", steps="1"))
    ada.press(question, "Draw")
    sheet = await ada.message(lambda seen: "a lynx awake" in seen.text and is_sheet(seen), DRAWN)
    await ada.wait_for(lambda: ada.now(question) is None)  # so that it is on record as handed over
    deleted = ada.press(sheet, "Delete")
    assert "a lynx awake and its pictures are deleted for good" in (await answer_of(ada, deleted)).text
    await ada.wait_for(lambda: ada.now(sheet) is None)
    assert "No picture fits" in (await answer_of(ada, ada.slash("history", search="lynx awake"))).text
