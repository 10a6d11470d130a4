"""The help, the models, the styles and the settings, as a member turns through them."""

import pytest

from bot.playground import Message, Person
from tests.contract.bot.conftest import Start, a_picture, answer_of, is_result, labels, result, results


async def turned(person: Person, message: Message, needs: str) -> Message:
    """The same message once it says `needs`."""
    return await person.message(lambda seen: seen.id == message.id and needs in seen.text)


async def test_the_help_turns_in_place_and_each_screen_leads_to_every_other(start: Start, ada: Person) -> None:
    async with start():
        screen = await ada.answer(ada.slash("help"))
        assert screen.ephemeral
        assert "/imagine prompt: a red cat on the beach" in screen.text
        for label, needs in (("Prompts", "{red|blue|green}"), ("Reply", "--strength 0.4"), ("Start", "/styles")):
            ada.press(screen, label)
            screen = await turned(ada, screen, needs)
            assert labels(screen) == {"Start", "Reply", "More of it", "Seeds", "Prompts", "Limits and privacy"}


async def test_every_example_of_the_help_is_understood(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a {red|blue|green} boat", count=4, seed="7", style="watercolour")
        drawn = await result(ada, "green} boat")
        assert len(drawn.attachments) == 4
        assert "watercolour" in drawn.text
        ada.slash("imagine", prompt='("a red cat", "a blue dog").blend(0.7, 0.3)', style="ink")
        assert "ink" in (await result(ada, "blend")).text
        ada.slash("imagine", prompt="a (red:1.4) cat, [clouds]")
        await result(ada, "red:1.4")


async def test_the_line_of_a_result_shows_what_was_chosen(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a {red|blue} boat", seed="7")
        one = await result(ada, " boat")
        [chosen] = [colour for colour in ("red", "blue") if f"**a {colour} boat**" in one.text]
        ada.slash("imagine", prompt="a {red|blue} car", seed="7", count=4)
        four = await result(ada, " car")
        assert f"1: a {chosen} car" in four.text
        assert all(f"{number}: a " in four.text for number in (2, 3, 4))
        again = ada.slash("reroll", id=one.attachments[0].filename, seed="same")
        await ada.acknowledged(again)
        same = await ada.message(lambda message: message.id > four.id and is_result(message))
        assert f"**a {chosen} boat**" in same.text


async def test_models_tell_which_is_the_default_and_what_has_to_be_fetched(start: Start, ada: Person) -> None:
    async with start():
        page = await answer_of(ada, ada.slash("models"))
        assert page.ephemeral
        for part in (
            "some-model · the default",
            "512x512",
            "Draws from words · Redraws pictures",
            "Not on this machine: it draws once whoever runs this bot has added it.",
        ):
            assert part in page.text


async def test_styles_are_shown_with_samples_that_the_default_model_drew(start: Start, ada: Person) -> None:
    async with start():
        page = await answer_of(ada, ada.slash("styles"))
        assert "watercolour" in page.text
        assert "being drawn" not in page.text  # such a model is expected to be slow, until it has shown otherwise
        ada.slash("imagine", prompt="a cat")
        await result(ada, "a cat")
        page = await answer_of(ada, ada.slash("styles"))
        assert page.ephemeral
        assert "6 are being drawn" in page.text
        assert not page.attachments

        def complete(message: Message) -> bool:
            return (
                message.ephemeral and "What they look like" in message.text and "being drawn" not in message.text
            )

        for _ in range(50):
            page = await answer_of(ada, ada.slash("styles"))
            if complete(page):
                break
        assert complete(page)
        assert [attachment.filename for attachment in page.attachments] == ["styles.jpg"]
        assert "drawn by Some Model" in page.text
        assert len(results(ada)) == 1  # the samples themselves are nobody's
        ada.press(page, "More")
        assert "watercolour" not in (await turned(ada, page, "Page 2 of")).text


async def test_settings_fill_what_is_left_open_until_they_are_reset(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start():
        shown = await ada.answer(ada.slash("settings"))
        assert shown.ephemeral
        opened = ada.press(shown, "Model and look")
        await ada.modal(opened)
        ada.submit_modal(
            opened, {"model": ["small-model"], "style": ["ink"], "size": "portrait", "negative_prompt": "fog"}
        )
        shown = await turned(ada, shown, "small-model")
        opened = ada.press(shown, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"steps": "20", "guidance": "4.5", "count": ["2"], "private": ["no"]})
        shown = await turned(ada, shown, "4.5")
        for part in ("**small-model**", "**ink**", "**portrait**", "fog", "**20**", "**no**"):
            assert part in shown.text.splitlines()

        ada.slash("imagine", prompt="a plain cat")
        plain = await result(ada, "a plain cat")
        assert len(plain.attachments) == 2
        recipe = await ada.answer(ada.press(plain, "Recipe"))
        for part in ("model: small-model", "style: ink", "steps: 20", "guidance: 4.5", "negative_prompt: fog"):
            assert part in recipe.text
        assert "drawn as: ink drawing of a plain cat" in recipe.text

        ada.slash("imagine", prompt="a chosen cat", model="some-model", style="none", count=1, steps=3)
        chosen = await result(ada, "a chosen cat")
        recipe = await ada.answer(ada.press(chosen, "Recipe"))
        assert "model: some-model" in recipe.text
        assert "steps: 3" in recipe.text
        assert "style" not in recipe.text

        linus.slash("imagine", prompt="another's cat")
        assert "some-model" in (await result(linus, "another's cat")).text

        ada.press(shown, "Reset all")
        assert "small-model" not in (await turned(ada, shown, "Model\nnot set")).text
        ada.slash("imagine", prompt="a last cat")
        assert "some-model" in (await result(ada, "a last cat")).text


async def test_a_setting_that_makes_no_sense_is_refused_and_the_others_stay(start: Start, ada: Person) -> None:
    async with start():
        shown = await ada.answer(ada.slash("settings"))
        opened = ada.press(shown, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"steps": "9999", "count": ["3"]})
        refusal = await ada.message(lambda message: message.text.startswith("steps cannot be 9,999"))
        assert refusal.ephemeral
        again = await ada.answer(ada.slash("settings"))
        assert "3" not in again.text.partition("Pictures")[2].partition("Private")[0]


async def test_private_by_default_is_for_the_member_alone(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        shown = await ada.answer(ada.slash("settings"))
        opened = ada.press(shown, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"private": ["yes"]})
        await turned(ada, shown, "yes")
        ada.slash("imagine", prompt="a shy cat")
        assert (await result(ada, "a shy cat")).ephemeral
        ada.slash("imagine", prompt="a bold cat", private=False)
        bold = await result(ada, "a bold cat")
        assert not bold.ephemeral
        for ask in (
            lambda: ada.press(bold, "Re-roll"),
            lambda: ada.slash("vary", id=bold.attachments[0].filename),
            lambda: ada.slash("outpaint", id=bold.attachments[0].filename, direction="up"),
            lambda: ada.slash("blend", image1=a_picture(), image2=a_picture()),
        ):
            before = {message.id for message in results(ada)}
            ask()
            drawn = await ada.message(lambda seen, before=before: is_result(seen) and seen.id not in before)
            assert drawn.ephemeral
        offer = await ada.answer(ada.context_menu(bold, "Use as source"))
        opened = ada.press(offer, "Draw from it")
        await ada.modal(opened)
        ada.submit_modal(opened, {"What should it become?": "a shy hat"})
        assert (await result(ada, "a shy hat")).ephemeral
        assert "shy" not in "".join(message.text for message in linus.see())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"style": "inkk"}, "There is no style called inkk: did you mean ink?"),
        (
            {"prompt": "a {red|blue boat"},
            (
                "In the prompt, {red|blue boat has no closing brace; write a choice as {red|blue}, and a brace as "
                "text as \\{."
            ),
        ),
    ],
)
async def test_what_cannot_be_drawn_is_named(
    start: Start, ada: Person, options: dict[str, str], sentence: str
) -> None:
    async with start():
        told = await answer_of(ada, ada.slash("imagine", **{"prompt": "a cat"} | options))
        assert told.ephemeral
        assert told.text.replace("\\\\", "\\").replace("\\|", "|") == sentence
