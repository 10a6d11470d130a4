"""The bot taken along: a server that does not have it, a channel it may not write in, and direct messages."""

import pytest

from bot.playground import Message, Person, Playground
from tests.e2e.conftest import DRAWN, answer_of, draw, generation_id, images, png, result_after, seen_by
from tests.e2e.test_browsing import labels
from tests.e2e.test_drawing import a_landscape, exactly

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def away(playground: Playground, ada: Person) -> Person:
    """Ada, who installed the bot for herself, in a server that does not have it."""
    return ada.at(playground.channel("lounge"))


async def pressed(person: Person, message: Message, button: str) -> Message:
    seen = seen_by(person)
    await person.acknowledged(person.press(message, button), 3)
    return await result_after(person, seen)


async def test_every_command_that_draws_works_where_the_bot_is_no_member(away: Person) -> None:
    drawn = await draw(away, "a tent", seed="3", count=2)
    assert drawn.application_id is not None  # an interaction's answer: there the bot cannot write by itself
    assert len(images(away, drawn)) == 2
    name = generation_id(drawn)
    for command, options in (
        ("reroll", {"id": name, "seed": "same"}),
        ("vary", {"id": name, "amount": 0.2}),
        ("upscale", {"id": name, "scale": 2.0}),
        ("outpaint", {"id": name, "direction": "up"}),
        ("blend", {"image1": png(a_landscape(), "a.png"), "image2": png(a_landscape(), "b.png")}),
    ):
        seen = seen_by(away)
        await away.acknowledged(away.slash(command, **options), 3)
        made = await result_after(away, seen)
        if command == "reroll":
            assert [exactly(each) for each in images(away, made)] == [
                exactly(each) for each in images(away, drawn)
            ]


async def test_every_button_of_a_result_works_where_the_bot_is_no_member(away: Person) -> None:
    drawn = await draw(away, "a hammock", seed="4")
    for button in ("Re-roll", "Vary", "Upscale"):
        await pressed(away, drawn, button)
    opened = away.press(drawn, "Edit prompt")
    await away.modal(opened)
    seen = seen_by(away)
    away.submit_modal(opened, {"prompt": "a blue hammock"})
    assert "a blue hammock" in (await result_after(away, seen)).text
    assert "seed: 4" in (await answer_of(away, away.press(drawn, "Recipe"))).text
    assert "starred" in (await answer_of(away, away.press(drawn, "Star"))).text
    await away.acknowledged(away.press(drawn, "Delete"), 3)
    await away.wait_for(lambda: away.now(drawn) is None)
    gone = await answer_of(away, away.slash("show", id=generation_id(drawn)))
    assert "There is no picture" in gone.text


async def test_menus_history_and_cancel_work_where_the_bot_is_no_member(
    away: Person, playground: Playground
) -> None:
    linus = playground.person("linus").at(away.channel)
    posted = linus.send("mine", files=[png(a_landscape())])
    offer = await answer_of(away, away.context_menu(posted, "Use as source"))
    opened = away.press(offer, "Draw from it")
    await away.modal(opened)
    seen = seen_by(away)
    away.submit_modal(opened, {"prompt": "a tent by the sea", "settings": "--steps 4"})
    drawn = await result_after(away, seen)
    page = await answer_of(away, away.slash("history", search="tent sea"))
    assert generation_id(drawn) in page.text
    for menu in ("Show recipe", "Describe"):
        assert "tell" in (await answer_of(away, away.context_menu(posted, menu))).text

    away.slash("imagine", prompt="a slow tent", steps=100, count=4)
    waiting = await away.message(lambda seen: "a slow tent" in seen.text and "Cancel" in labels(seen), DRAWN)
    await away.acknowledged(away.press(waiting, "Cancel"), 3)
    await away.message(lambda seen: "a slow tent" in seen.text and "cost nothing" in seen.text, DRAWN)


async def test_what_is_private_stays_so_where_the_bot_is_no_member(away: Person, playground: Playground) -> None:
    drawn = await draw(away, "a hidden tent", private=True)
    assert drawn.ephemeral
    linus = playground.person("linus")
    assert "hidden" not in "".join(message.text for message in linus.at(away.channel).see())
    assert "There is no picture" in (await answer_of(linus, linus.slash("show", id=generation_id(drawn)))).text


async def test_a_conversation_has_every_button_and_a_history_that_is_nobody_elses(
    ada: Person, linus: Person
) -> None:
    alone = ada.direct()
    drawn = await draw(alone, "a secret garden", seed="6")
    assert labels(drawn) == ["Re-roll", "Vary", "Upscale", "Edit prompt", "Recipe", "Star", "Delete"]
    await pressed(alone, drawn, "Re-roll")
    opened = alone.press(drawn, "Edit prompt")
    await alone.modal(opened)
    seen = seen_by(alone)
    alone.submit_modal(opened, {"prompt": "a green garden"})
    assert "a green garden" in (await result_after(alone, seen)).text
    assert generation_id(drawn) in (await answer_of(ada, ada.slash("history", search="secret garden"))).text
    for button in ("vary", "show", "upscale"):
        told = await answer_of(linus, linus.slash(button, id=generation_id(drawn)))
        assert "There is no picture" in told.text
    await alone.acknowledged(alone.press(drawn, "Delete"), 3)
    await alone.wait_for(lambda: alone.now(drawn) is None)
