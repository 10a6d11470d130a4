"""Whose picture a generation started from: nobody else gets it back, and none is kept for nothing."""

from pathlib import Path

import pytest
from PIL import Image

from bot.playground import Person
from tests.contract.bot.conftest import Start, a_picture, answer_of, result


def kept(folder: Path) -> list[Path]:
    return list((folder / "pictures" / "sources").iterdir())


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


async def test_a_reply_that_is_refused_keeps_no_picture(start: Start, ada: Person, tmp_path: Path) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        ada.send("a blue cat --size 17x17", reply_to=await result(ada, "a red cat"))
        await ada.message(lambda message: "cannot be drawn by this model" in message.text)
        assert kept(tmp_path) == []
