"""Whose picture a generation started from: nobody else gets it back, and none is kept for nothing."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot import parcel, wording
from bot.playground import Person, Upload
from generation import Mode
from generation.metadata import pnginfo
from tests.contract.bot.conftest import Start, a_picture, answer_of, is_result, result
from tests.recipes import a_model, a_recipe


def kept(folder: Path) -> list[Path]:
    return list((folder / "pictures" / "sources").iterdir())


def colour(file: Path) -> object:
    with Image.open(file) as image:
        return image.convert("RGB").getpixel((5, 5))


def told_in(words: str, further: str = "") -> Upload:
    """A picture that says, as AUTOMATIC1111's program writes it, that it was drawn from `words`."""
    data, info = BytesIO(), PngInfo()
    info.add_text("parameters", f"{words}\nSteps: 2, Sampler: Euler, Seed: 5, Size: 256x256{further}")
    Image.new("RGB", (256, 256), "teal").save(data, "PNG", pnginfo=info)
    return Upload(filename="theirs.png", data=data.getvalue())


async def test_nobody_else_gets_an_upload_back(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="my face", image=a_picture(), strength=0.5, steps=20)
        name = (await result(ada, "my face")).attachments[0].filename
        for changes in (
            {"strength": 0.0},
            {"strength": 0.4},
            {"steps": 1},
            {"steps": 3},
            {"model": "small-model", "steps": 1},
        ):
            told = await answer_of(linus, linus.slash("reroll", id=name, **changes))
            assert told.ephemeral, changes
            assert "keep strength at 0.5 or above and steps at 20 or above" in told.text
        opened = linus.press(await result(ada, "my face"), "Edit prompt")
        await linus.modal(opened)
        told = await answer_of(linus, linus.submit_modal(opened, {"Strength": "0"}))
        assert "another member's picture" in told.text


async def test_taking_a_source_over_does_not_make_it_ones_own(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="my face", image=a_picture(), strength=0.5)
        message = await result(ada, "my face")
        linus.slash("reroll", id=message.attachments[0].filename, strength=0.6, prompt="a step")
        name = (await result(linus, "a step")).attachments[0].filename
        # Nor does it when what it was taken from is gone.
        await ada.acknowledged(ada.press(message, "Delete"))
        await ada.wait_for(lambda: ada.now(message) is None)
        told = await answer_of(linus, linus.slash("reroll", id=name, strength=0.0))
        assert "keep strength at 0.6 or above" in told.text


@pytest.mark.parametrize("model", ["some-model", "small-model"])
async def test_others_may_redraw_as_much_of_it_or_more(
    start: Start, ada: Person, linus: Person, model: str
) -> None:
    async with start():
        ada.slash("imagine", prompt="my face", image=a_picture(), strength=0.5, steps=20)
        name = (await result(ada, "my face")).attachments[0].filename
        linus.slash("reroll", id=name, prompt="as it was", model=model)
        assert "strength 0.5" in (await result(linus, "as it was")).text
        linus.slash("reroll", id=name, prompt="further", strength=0.9, steps=12, model=model)
        assert "strength 0.9" in (await result(linus, "further")).text


async def test_its_owner_and_who_attaches_another_are_free(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="my face", image=a_picture(), strength=0.5)
        name = (await result(ada, "my face")).attachments[0].filename
        ada.slash("reroll", id=name, prompt="my own", strength=0.0)
        assert "strength 0 " in (await result(ada, "my own")).text
        other = a_picture(Image.new("RGB", (64, 64), "red"))
        linus.slash("reroll", id=name, prompt="another face", image=other, strength=0.0)
        assert "strength 0 " in (await result(linus, "another face")).text


@pytest.mark.parametrize("wrong", [{"size": "17x17"}, {"seed": "nobody"}, {"prompt": "  "}])
async def test_an_upload_is_not_kept_for_a_request_that_is_refused(
    start: Start, ada: Person, tmp_path: Path, wrong: dict[str, str]
) -> None:
    async with start():
        await answer_of(ada, ada.slash("imagine", **{"prompt": "a cat", "image": a_picture()} | wrong))
        assert kept(tmp_path) == []
        ada.slash("imagine", prompt="a good cat", image=a_picture())
        await result(ada, "a good cat")
        await answer_of(ada, ada.slash("imagine", **{"prompt": "a cat", "image": a_picture()} | wrong))
        assert len(kept(tmp_path)) == 1


async def test_an_upload_with_the_name_of_a_drawn_picture_is_itself(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start():
        ada.slash("imagine", prompt="a teal cat")
        name = (await result(ada, "a teal cat")).attachments[0].filename
        edited = a_picture(Image.new("RGB", (64, 64), "magenta"))
        posted = ada.send("edited", files=[Upload(filename=name, data=edited.data)])
        offer = await ada.answer(ada.context_menu(posted, "Use as source"))
        opened = ada.press(offer, "Draw from it")
        await ada.modal(opened)
        ada.submit_modal(opened, {"What should it become?": "a hat"})
        await result(ada, "a hat")
        [source] = kept(tmp_path)
        assert colour(source) == (255, 0, 255)


async def test_a_reply_starts_from_what_was_drawn_though_discord_has_a_smaller_file_of_it(
    start: Start, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "FILE_LIMIT", 100)  # bytes
    async with start():
        ada.slash("imagine", prompt="a large cat")
        large = await result(ada, "a large cat")
        assert not large.attachments[0].filename.endswith(".png")
        ada.send("a hat", reply_to=large)
        await result(ada, "a hat")
        drawn = tmp_path / "pictures" / "drawn" / f"{Path(large.attachments[0].filename).stem}.png"
        [source] = kept(tmp_path)
        assert colour(source) == colour(drawn)


@pytest.mark.parametrize("words", ["a cat <lora:nowhere:1>", "a [cat:dog:0.5]", "cat " * 500])
async def test_words_in_an_upload_that_cannot_be_drawn_refuse_nothing_and_are_told(
    start: Start, ada: Person, words: str
) -> None:
    async with start():
        ada.slash("outpaint", image=told_in(words), direction="right")
        assert wording.WORDS_LEFT_OUT in (await ada.message(is_result)).text


async def test_every_prompt_that_describes_a_picture_can_be_drawn(start: Start, ada: Person) -> None:
    async with start():
        described = await ada.answer(ada.slash("describe", image=told_in("a green boat")))
        ada.press(described, "Draw")
        assert len((await result(ada, "a green boat")).attachments) == 1
        ada.slash("imagine", prompt="two cats", count=2)
        two = await result(ada, "two cats")
        picked = await ada.answer(ada.press(two, "2"))
        described = await ada.answer(ada.context_menu(picked, "Describe"))
        ada.press(described, "Draw")
        one = await ada.message(lambda message: is_result(message) and message.id > described.id)
        assert len(one.attachments) == 1


@pytest.mark.parametrize("model", ["v1-5-pruned-emaonly", "dreamshaper_8", "some-model-far-away"])
async def test_a_recipe_of_a_model_that_is_not_here_is_drawn_by_one_that_is(
    start: Start, ada: Person, model: str
) -> None:
    far = (a_model(name="sd-1.5"), a_model(name="some-model-far-away"))
    async with start(others=far):
        posted = ada.send("look", files=[told_in("a cat", f", Model: {model}")])
        offer = await ada.answer(ada.context_menu(posted, "Use as source"))
        ada.press(offer, "Draw its recipe again")
        drawn = await result(ada, "a cat")
        assert "small-model · seed 5" in drawn.text
        assert "is not here; small-model draws instead." in drawn.text


async def test_what_was_only_made_larger_has_no_recipe_to_draw_from_words(start: Start, ada: Person) -> None:
    data = BytesIO()
    recipe = a_recipe(mode=Mode.UPSCALE, scale=2.0, source="ab" * 32, model="lanczos")
    Image.new("RGB", (64, 64), "teal").save(data, "PNG", pnginfo=pnginfo(recipe, 0))
    async with start():
        posted = ada.send("look", files=[Upload(filename="larger.png", data=data.getvalue())])
        offer = await ada.answer(ada.context_menu(posted, "Use as source"))
        assert [button.get("label") for button in offer.buttons] == ["Draw from it"]


async def test_the_row_of_a_picture_leads_to_each_of_several_as_a_source(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start():
        ada.slash("imagine", prompt="two cats", count=2)
        name = (await result(ada, "two cats")).attachments[1].filename
        listed = await answer_of(ada, ada.slash("history"))
        first = await ada.answer(ada.press(listed, "Use as source"))
        second = await ada.answer(ada.press(first, "2"))
        assert [attachment.filename for attachment in second.attachments] == [name]
        opened = ada.press(second, "Draw from it")
        await ada.modal(opened)
        ada.submit_modal(opened, {"What should it become?": "a hat", "Strength": "0.5"})
        assert "strength 0.5" in (await result(ada, "a hat")).text
        [source] = kept(tmp_path)
        assert colour(source) == colour(tmp_path / "pictures" / "drawn" / name)


async def test_a_reply_that_is_refused_keeps_no_picture(start: Start, ada: Person, tmp_path: Path) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        ada.send("a blue cat --size 17x17", reply_to=await result(ada, "a red cat"))
        await ada.message(lambda message: "cannot be drawn by this model" in message.text)
        assert kept(tmp_path) == []
