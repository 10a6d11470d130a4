"""Which model draws: only ones that can are offered, and where the first choice cannot, another steps in."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.playground import Message, Person, Upload
from generation import Family, Use
from tests.contract.bot.conftest import SMALL, SOME, Start, a_picture, answer_of, result, results
from tests.recipes import a_model

FAR = a_model(name="far-model", source="nowhere/far-model")  # of the catalogue, and not on this machine
NO_INPAINTING = replace(SOME, can=(Use.TEXT, Use.IMAGE))
PIXELS = a_model(name="pixels", family=Family.LANCZOS, source="", can=(Use.UPSCALE,))


def a_mask() -> Upload:
    return replace(a_picture(Image.new("L", (64, 64), "white")), filename="mask.png")


async def set_model(person: Person, name: str) -> tuple[Message, Message]:
    """The settings with what they say in the end, and the answer to the modal."""
    shown = await person.answer(person.slash("settings"))
    opened = person.press(shown, "Model and look")
    await person.modal(opened)
    asked = person.submit_modal(opened, {"model": [name]})
    answer = await person.message(lambda message: message.id > shown.id or f"**{name}**" in message.text)
    await person.acknowledged(asked)
    return next(message for message in person.see() if message.id == shown.id), answer


async def test_only_models_that_draw_here_are_offered_as_ones_own(start: Start, ada: Person) -> None:
    async with start(others=(FAR, PIXELS)):
        shown = await ada.answer(ada.slash("settings"))
        opened = ada.press(shown, "Model and look")
        menu = next(
            part["component"]
            for part in (await ada.modal(opened))["components"]
            if part["component"]["custom_id"] == "model"
        )
        assert [option["value"] for option in menu["options"]] == ["some-model", "small-model"]
        offered = await ada.suggestions("imagine", "model", "", prompt="a cat")
        assert [choice["value"] for choice in offered] == ["some-model", "small-model"]
        known = await ada.suggestions("history", "model", "")
        assert {choice["value"] for choice in known} == {"some-model", "small-model", "far-model", "pixels"}


async def test_a_model_that_went_while_the_settings_were_open_is_refused_at_once(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start():
        shown = await ada.answer(ada.slash("settings"))
        opened = ada.press(shown, "Model and look")
        await ada.modal(opened)
        (tmp_path / "small-model").rmdir()
        answer = await answer_of(ada, ada.submit_modal(opened, {"model": ["small-model"], "size": "square"}))
        assert answer.ephemeral
        assert "small-model is not on this machine" in answer.text
        again = await ada.answer(ada.slash("settings"))
        assert "small-model" not in again.text
        assert "square" not in again.text  # nothing of it was kept


async def test_ones_own_model_that_is_gone_since_stands_in_nobodys_way(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start():
        shown, _ = await set_model(ada, "small-model")
        assert "**small-model**" in shown.text
        ada.slash("imagine", prompt="a small cat")
        assert "small-model" in (await result(ada, "a small cat")).text
        (tmp_path / "small-model").rmdir()
        ada.slash("imagine", prompt="a cat all the same")
        assert "some-model" in (await result(ada, "a cat all the same")).text
        opened = ada.press(shown, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"steps": "33"})
        shown = await ada.message(lambda message: message.id == shown.id and "**33**" in message.text)
        assert "small-model" not in shown.text


async def test_sizes_are_suggested_as_the_model_that_will_draw_draws_them(start: Start, ada: Person) -> None:
    async def square(**options: object) -> str:
        offered = await ada.suggestions("imagine", "size", "squ", prompt="a cat", **options)
        return str(offered[0]["name"])

    async with start():
        assert await square() == "square (512x512)"
        assert await square(model="small-model") == "square (64x64)"
        await set_model(ada, "small-model")
        assert await square() == "square (64x64)"
        assert await square(model="some-model") == "square (512x512)"
        [closest] = await ada.suggestions("imagine", "size", "65x65", prompt="a cat")
        assert closest == {"name": "64x64 (the closest to 65x65)", "value": "64x64"}


async def test_a_mask_is_drawn_by_a_model_that_can_and_the_result_says_so(start: Start, ada: Person) -> None:
    async with start(default=NO_INPAINTING):
        ada.slash("imagine", prompt="a masked cat", image=a_picture(), mask=a_mask())
        drawn = await result(ada, "a masked cat")
        assert "small-model draws this, since some-model is not made for the mode inpaint." in drawn.text
        ada.slash("imagine", prompt="a plain cat")
        assert "draws this" not in (await result(ada, "a plain cat")).text


async def test_a_model_that_was_named_is_never_changed_for_another(start: Start, ada: Person) -> None:
    async with start(default=NO_INPAINTING):
        asked = ada.slash("imagine", prompt="a cat", image=a_picture(), mask=a_mask(), model="some-model")
        told = await answer_of(ada, asked)
        assert told.text == "The model some-model is not made for the mode inpaint; made for it: small-model."
        assert not results(ada)


async def test_where_no_model_here_can_the_sentence_names_one_that_could(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    inpainting = replace(FAR, can=(Use.INPAINT,))
    async with start(default=NO_INPAINTING, others=(inpainting,)):
        (tmp_path / "small-model").rmdir()
        told = await answer_of(ada, ada.slash("imagine", prompt="a cat", image=a_picture(), mask=a_mask()))
        assert "made for it: small-model and far-model" in told.text


async def test_what_the_settings_say_is_taken_as_far_as_the_model_that_steps_in_takes_it(
    start: Start, ada: Person
) -> None:
    async with start(default=NO_INPAINTING):
        shown = await ada.answer(ada.slash("settings"))
        opened = ada.press(shown, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"steps": "150", "count": ["2"]})  # of 20 that the other one takes
        await ada.message(lambda message: message.id == shown.id and "**150**" in message.text)
        ada.slash("imagine", prompt="a masked cat", image=a_picture(), mask=a_mask())
        drawn = await result(ada, "a masked cat")
        assert len(drawn.attachments) == 2
        recipe = await ada.answer(ada.press(drawn, "Recipe"))
        assert f"steps: {SMALL.steps.default:.0f}" in recipe.text


@pytest.mark.parametrize("option", [{"mask": a_mask()}, {"mode": "inpaint"}])
async def test_a_mask_without_its_picture_asks_for_the_picture(
    start: Start, ada: Person, option: dict[str, object]
) -> None:
    async with start():
        told = await answer_of(ada, ada.slash("imagine", prompt="a cat", **option))
        assert (
            told.text
            == "Inpainting starts from a picture, a part of which it draws anew: attach an image as well."
        )
