"""Styles, choices and a member's own settings, with the real worker and the built-in model."""

import pytest

from bot.playground import Message, Person, Playground
from tests.e2e.conftest import (
    BotProcess,
    answer_of,
    draw,
    generation_id,
    images,
    result_after,
    schema_path,
    seen_by,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

COLOURS = ("red", "blue", "green")


def bits(person: Person, message: Message) -> list[bytes]:
    return [image.tobytes() for image in images(person, message)]


async def recipe_of(person: Person, message: Message) -> str:
    return (await person.answer(person.press(message, "Recipe"))).text


async def test_a_style_changes_the_picture_and_stays_with_it(ada: Person) -> None:
    plain = await draw(ada, "a boat on the sea", seed="5")
    styled = await draw(ada, "a boat on the sea", seed="5", style="Pixel art")
    assert "pixel-art" in styled.text
    assert "a boat on the sea" in styled.text
    assert bits(ada, styled) != bits(ada, plain)
    assert "drawn as: a boat on the sea, pixel art" in await recipe_of(ada, styled)
    seen = seen_by(ada)
    await ada.acknowledged(ada.slash("reroll", id=generation_id(styled), seed="same"), 3)
    assert bits(ada, await result_after(ada, seen)) == bits(ada, styled)
    seen = seen_by(ada)
    await ada.acknowledged(ada.slash("reroll", id=generation_id(styled), seed="same", style="none"), 3)
    assert bits(ada, await result_after(ada, seen)) == bits(ada, plain)


async def test_a_reply_takes_a_style_and_makes_choices(ada: Person) -> None:
    source = await draw(ada, "a red house", seed="1")
    seen = seen_by(ada)
    ada.send("a {blue} house --style ink --steps 4 --strength 0.6 --seed 3", reply_to=source)
    redrawn = await result_after(ada, seen, needs="a blue house")
    assert "ink" in redrawn.text
    seen = seen_by(ada)
    ada.send("--steps 4 --strength 0.6", reply_to=redrawn)  # the same words, and so the same style
    assert "drawn as: ink drawing of a blue house" in await recipe_of(ada, await result_after(ada, seen))


async def test_the_same_seed_makes_the_same_choice_alone_and_among_others(ada: Person) -> None:
    four = await draw(ada, "a {red|blue|green} car", seed="11", count=4)
    chosen = [
        next(colour for colour in COLOURS if f"{number}: a {colour} car" in four.text) for number in range(1, 5)
    ]
    assert len(set(chosen)) > 1
    for place, colour in enumerate(chosen[:2]):
        alone = await draw(ada, "a {red|blue|green} car", seed=str(11 + place))
        assert f"**a {colour} car**" in alone.text
        assert bits(ada, alone) == [bits(ada, four)[place]]
        said = await draw(ada, f"a {colour} car", seed=str(11 + place))
        assert bits(ada, said) == bits(ada, alone)


async def test_the_words_of_a_choice_can_be_edited(ada: Person) -> None:
    result = await draw(ada, "a {red|blue} kite", seed="2")
    pressed = ada.press(result, "Edit prompt")
    assert "a {red|blue} kite" in str(await ada.modal(pressed))
    seen = seen_by(ada)
    await ada.acknowledged(ada.submit_modal(pressed, {"Prompt": "a {green} kite"}), 3)
    assert "**a green kite**" in (await result_after(ada, seen, needs="kite")).text


async def test_an_unclosed_brace_is_named_and_nothing_is_drawn(ada: Person, linus: Person) -> None:
    told = await answer_of(ada, ada.slash("imagine", prompt="a {red|blue boat"))
    assert told.ephemeral
    assert "no closing brace" in told.text
    result = await draw(linus, "a red boat")
    linus.send("a {red|blue boat", reply_to=result)
    await linus.message(lambda message: "no closing brace" in message.text and not message.ephemeral)


async def test_settings_outlive_a_restart_and_are_nobody_elses(
    ada: Person, linus: Person, easel: BotProcess
) -> None:
    shown = await linus.answer(linus.slash("settings"))
    opened = linus.press(shown, "Model and look")
    await linus.modal(opened)
    linus.submit_modal(opened, {"style": ["pencil"], "negative_prompt": "fog"})
    await linus.message(lambda message: message.id == shown.id and "pencil" in message.text)
    await easel.restart()
    assert "pencil" in (await draw(linus, "a tree")).text
    assert "pencil" not in (await draw(ada, "a tree")).text
    linus.press(shown, "Reset all")  # the old message's button
    await linus.message(lambda message: message.id == shown.id and "pencil" not in message.text)
    assert "pencil" not in (await draw(linus, "a second tree")).text


async def test_styles_are_previewed_with_samples_of_the_model_that_draws_here(ada: Person) -> None:
    assert {choice["value"] for choice in await ada.suggestions("imagine", "style", "pix", prompt="a")} == {
        "pixel-art"
    }
    seen = {message.id for message in ada.see()}
    await answer_of(ada, ada.slash("styles"))

    async def with_sheet() -> Message:
        while True:
            page = await answer_of(ada, ada.slash("styles"))
            if "being drawn" not in page.text:
                return page
            await draw(ada, "a moment passes", steps=1)

    page = await with_sheet()
    assert page.ephemeral
    assert "drawn by Storybook" in page.text
    [sheet] = images(ada, page)
    assert sheet.width > 500
    strangers = [
        m for m in ada.see() if m.id not in seen and "a red cat on the beach" in m.text and not m.ephemeral
    ]
    assert not strangers


async def test_every_body_was_one_that_discord_takes(playground: Playground, ada: Person) -> None:
    if schema_path() is None:
        pytest.skip("Discord's OpenAPI document is not here; see CONTRIBUTING.md")
    for command in ("models", "styles", "settings", "info", "help"):
        await answer_of(ada, ada.slash(command))
    assert playground.violations == []
