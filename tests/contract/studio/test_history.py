"""History's laws: newest first, nothing twice, deleted is gone, and a request can be asked again."""

import asyncio
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import NotAllowed, NotFound
from bot.pictures import Pictures
from bot.place import Viewer
from generation import EmptyText, OutOfRange, Request, TooLong
from tests.contract.studio.conftest import Open, Opened
from tests.contract.studio.test_studio import ANN, BEN, MODERATOR, ended


async def draw(opened: Opened, prompt: str = "a red cat", viewer: Viewer = ANN, **values: object) -> str:
    request = Request(**{"prompt": prompt} | values)  # type: ignore[arg-type]
    accepted = await opened.studio.submit(request, viewer=viewer, address=None)
    await ended(opened, accepted.generation_id)
    return accepted.generation_id


async def test_pages_show_everything_once_newest_first(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = [await draw(opened, f"cat {number}") for number in range(5)]
        await draw(opened, "a dog", viewer=BEN)
        seen: list[str] = []
        before = None
        for _ in range(3):
            page = await opened.history.page(ANN, before=before, limit=2)
            assert page.newer == (before is not None)
            seen += [generation.id for generation in page.generations]
            before = page.older
        assert before is None
        assert seen == drawn[::-1]


async def test_a_page_of_many_takes_no_more_queries_than_a_page_of_one(open_studio: Open) -> None:
    async with open_studio() as opened:
        for number in range(3):
            await draw(opened, f"cat {number}")
        asked: list[str] = []
        async with opened.database.reading() as reader:
            await reader.set_trace_callback(asked.append)
        counts = []
        for limit in (1, 3):
            asked.clear()
            assert len((await opened.history.page(ANN, limit=limit)).generations) == limit
            counts.append(len(asked))
        assert counts[0] == counts[1] > 0


async def test_what_is_not_drawn_is_not_in_the_history(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        await opened.studio.submit(Request(prompt="a cat"), viewer=ANN, address=None)
        assert (await opened.history.page(ANN)).generations == ()


async def test_asking_again_keeps_the_seed_unless_a_new_one_is_wanted(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = await draw(opened, seed=0, count=2, guidance_scale=0.0)
        same = await opened.history.again(drawn, BEN, new_seed=False)
        assert (same.seed, same.count, same.guidance_scale) == (0, 2, 0.0)
        other = await opened.history.again(drawn, BEN, new_seed=True, prompt="a blue cat")
        assert (other.seed, other.prompt) == (None, "a blue cat")


async def test_a_star_is_ones_own_and_goes_with_a_second_press(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = await draw(opened)
        assert await opened.history.star(drawn, BEN)
        assert (await opened.history.recall(drawn, BEN)).starred
        assert not (await opened.history.recall(drawn, ANN)).starred
        assert not await opened.history.star(drawn, BEN)


async def test_deleting_is_for_owner_and_moderator_and_leaves_no_file(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = await draw(opened)
        file = (await opened.history.recall(drawn, ANN)).pictures[0].file
        assert file.exists()
        with pytest.raises(NotAllowed):
            await opened.history.delete(drawn, BEN)
        await opened.history.delete(drawn, MODERATOR)
        assert not file.exists()
        with pytest.raises(NotFound):
            await opened.history.recall(drawn, ANN)


async def test_a_source_image_goes_with_the_last_generation_that_used_it(
    open_studio: Open, tmp_path: Path
) -> None:
    pictures = Pictures(tmp_path / "pictures")
    data = BytesIO()
    Image.new("RGB", (64, 64)).save(data, "PNG")
    async with open_studio() as opened:
        source = await pictures.keep_source(data.getvalue())
        drawn = [await draw(opened, source=source) for _ in range(2)]
        await opened.history.delete(drawn[0], ANN)
        assert pictures.source_file(source).exists()
        await opened.history.delete(drawn[1], ANN)
        assert not pictures.source_file(source).exists()


async def test_deleting_a_picture_gives_nothing_back(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = await draw(opened)
        before = (await opened.studio.allowance(ANN.member_id)).left
        await opened.history.delete(drawn, ANN)
        assert (await opened.studio.allowance(ANN.member_id)).left == pytest.approx(before, abs=0.01)


async def test_totals_count_what_was_drawn(open_studio: Open) -> None:
    async with open_studio() as opened:
        await asyncio.gather(draw(opened), draw(opened))
        totals = await opened.history.totals(ANN.member_id)
        assert (totals.generations, totals.pictures, totals.seconds) == (2, 2, 0.5)


async def test_a_seed_is_read_as_a_number_or_as_a_saved_name(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        await opened.seeds.save(ANN, "  My   Cat ", seed=0)
        assert await opened.seeds.read(ANN, "my cat") == 0
        assert await opened.seeds.read(ANN, "4294967295") == 4294967295
        assert [saved.name for saved in await opened.seeds.suggest(ANN, "my")] == ["My Cat"]
        for text, error in [
            ("4294967296", OutOfRange),
            ("-1", OutOfRange),
            ("9" * 5000, OutOfRange),
            ("nobody", NotFound),
            ("", NotFound),
        ]:
            with pytest.raises(error):
                await opened.seeds.read(ANN, text)
        with pytest.raises(NotFound):
            await opened.seeds.read(BEN, "my cat")


async def test_a_saved_seed_is_replaced_by_its_name_and_can_be_deleted(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        await opened.seeds.save(ANN, "cat", seed=1)
        await opened.seeds.save(ANN, "CAT", seed=2)
        assert [(saved.name, saved.seed) for saved in await opened.seeds.list(ANN)] == [("CAT", 2)]
        await opened.seeds.delete(ANN, "cat")
        with pytest.raises(NotFound):
            await opened.seeds.delete(ANN, "cat")


async def test_a_seeds_name_has_bounds(open_studio: Open) -> None:
    async with open_studio(running=False) as opened:
        with pytest.raises(EmptyText):
            await opened.seeds.save(ANN, "  ", seed=1)
        with pytest.raises(TooLong):
            await opened.seeds.save(ANN, "x" * 41, seed=1)
        with pytest.raises(OutOfRange):
            await opened.seeds.save(ANN, "cat", seed=2**32)
