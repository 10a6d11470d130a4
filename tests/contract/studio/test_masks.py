"""A mask is kept as its source is: with the records, for nobody else's use, and no longer than it is needed."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.errors import NotFound, SourceNotYours
from bot.pictures import Pictures
from generation import BadPicture, Mode, PictureFault, Recipe, Request
from tests.contract.studio.conftest import Open, Opened
from tests.contract.studio.test_history import draw
from tests.contract.studio.test_studio import ANN, BEN


async def kept(pictures: Pictures, colour: str, size: tuple[int, int] = (64, 64)) -> str:
    data = BytesIO()
    Image.new("L", size, colour).save(data, "PNG")
    return await pictures.keep_source(data.getvalue())


async def inpainted(opened: Opened, folder: Path) -> tuple[str, str, str]:
    """A generation's id, its source and its mask."""
    pictures = Pictures(folder / "pictures")
    source, mask = await kept(pictures, "gray"), await kept(pictures, "white")
    return await draw(opened, source=source, mask=mask), source, mask


async def test_a_mask_is_on_record_and_asked_for_again(open_studio: Open, tmp_path: Path) -> None:
    async with open_studio() as opened:
        drawn, source, mask = await inpainted(opened, tmp_path)
        request = await opened.history.again(drawn, ANN, new_seed=False)
        assert (request.mode, request.source, request.mask) == (Mode.INPAINT, source, mask)
        other = await opened.history.again(drawn, ANN, new_seed=False, source="c" * 64)
        assert (other.mode, other.mask) == (None, None)


async def test_nothing_is_accepted_whose_source_was_deleted_while_it_was_read(
    open_studio: Open, tmp_path: Path
) -> None:
    async with open_studio() as opened:
        drawn, source, mask = await inpainted(opened, tmp_path)

        async def delete(recipe: Recipe) -> tuple[str, ...]:
            del recipe
            await opened.history.delete(drawn, ANN)
            return ()

        asked = Request(prompt="a hat", source=source, mask=mask)
        with pytest.raises(NotFound):
            await opened.studio.submit(asked, viewer=ANN, address=None, notes_on=delete)
        assert (await opened.history.totals(ANN.member_id)).generations == 0


async def test_a_mask_goes_with_the_last_generation_that_used_it(open_studio: Open, tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "pictures")
    async with open_studio() as opened:
        first, source, mask = await inpainted(opened, tmp_path)
        second = await draw(opened, source=source, mask=mask)
        await opened.history.delete(first, ANN)
        await opened.history.forget_source(mask)
        assert pictures.source_file(mask).exists()
        await opened.history.delete(second, ANN)
        assert not pictures.source_file(mask).exists()
        assert not pictures.source_file(source).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": Mode.IMAGE_TO_IMAGE, "strength": 0.9},
        {"mode": Mode.OUTPAINT},
        {"mode": Mode.UPSCALE},
        {"mode": None},
        {"mask": "d" * 64},
        {"size": "256x512"},
        {"strength": 0.1},
    ],
)
async def test_anothers_source_is_used_as_it_was_or_not_at_all(
    open_studio: Open, tmp_path: Path, changes: dict[str, Any]
) -> None:
    async with open_studio() as opened:
        drawn, source, mask = await inpainted(opened, tmp_path)
        with pytest.raises(SourceNotYours):
            await opened.history.again(drawn, BEN, new_seed=True, **changes)
        as_it_was = await opened.history.again(drawn, BEN, new_seed=True, prompt="a blue cat")
        assert (as_it_was.source, as_it_was.mask) == (source, mask)


async def test_a_mask_of_another_shape_is_refused(open_studio: Open, tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "pictures")
    async with open_studio(running=False) as opened:
        source, mask = await kept(pictures, "gray", (64, 64)), await kept(pictures, "white", (64, 32))
        request = Request(prompt="a cat", source=source, mask=mask)
        with pytest.raises(BadPicture) as refused:
            await opened.studio.submit(request, viewer=ANN, address=None)
        assert refused.value.fault is PictureFault.OTHER_SHAPE
