"""History's laws: newest first, nothing twice, deleted is gone, and a request can be asked again."""

import asyncio
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.errors import NotAllowed, NotFound
from bot.history import CHILDREN_SHOWN, EVERYTHING, Filter
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


async def test_pages_show_everything_once_newest_first_and_lead_back(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = [await draw(opened, f"cat {number}") for number in range(5)]
        await draw(opened, "a dog", viewer=BEN)
        pages = [await opened.history.page(ANN, limit=2)]
        while (older := pages[-1].older) is not None:
            pages.append(await opened.history.page(ANN, turn=older, limit=2))
        ids = [[generation.id for generation in page.generations] for page in pages]
        assert ids == [drawn[4:2:-1], drawn[2:0:-1], drawn[:1]]
        assert pages[0].newer is None
        for page, before in zip(pages[1:], pages, strict=False):
            back = await opened.history.page(ANN, turn=page.newer, limit=2)
            assert back.generations == before.generations
            assert (back.older, back.newer is None) == (before.older, before is pages[0])


async def test_a_page_whose_rows_are_gone_leads_back_to_what_is_there(open_studio: Open) -> None:
    async with open_studio() as opened:
        drawn = [await draw(opened, f"cat {number}") for number in range(3)]
        newest = await opened.history.page(ANN, limit=2)
        await opened.history.delete(drawn[0], ANN)
        end = await opened.history.page(ANN, turn=newest.older, limit=2)
        assert (end.generations, end.older) == ((), None)
        assert (await opened.history.page(ANN, turn=end.newer, limit=2)).generations == newest.generations
        await opened.history.delete(drawn[2], ANN)
        [left] = (await opened.history.page(ANN, turn=end.newer, limit=2)).generations
        assert left.id == drawn[1]


async def test_of_another_member_only_what_is_public_here_is_shown(open_studio: Open) -> None:
    async with open_studio() as opened:
        public = await draw(opened, "a red cat", viewer=BEN)
        request = Request(prompt="a red secret")
        hidden = await opened.studio.submit(request, viewer=BEN, address=None, private=True)
        await ended(opened, hidden.generation_id)
        direct = Viewer(member_id=BEN.member_id)
        alone = await draw(opened, "a red whisper", viewer=direct)
        for generation_id in (public, hidden.generation_id, alone):
            await opened.history.star(generation_id, BEN)

        async def seen(viewer: Viewer, **fields: Any) -> list[str]:
            page = await opened.history.page(viewer, Filter(member_id=BEN.member_id, **fields))
            return [generation.id for generation in page.generations]

        for fields in ({}, {"search": "red"}, {"model": "some-model"}):
            assert await seen(ANN, **fields) == [public]
            assert await seen(replace(ANN, guild_id=99), **fields) == []
            assert await seen(replace(ANN, guild_id=None), **fields) == []
            assert len(await seen(BEN, **fields)) == 3
        assert await seen(ANN, starred=True) == []
        assert len(await seen(BEN, starred=True, search="red")) == 3
        assert await seen(MODERATOR) == [public]


async def test_a_filter_is_found_again_by_its_key_and_by_nobody_else(open_studio: Open) -> None:
    async with open_studio() as opened:
        long = Filter(search='"\ud800 \0 🐈 ' * 100, starred=True, member_id=2**63 - 1, model="a" * 300)
        key = await opened.history.remember(long, ANN)
        assert len(key) == 12
        assert await opened.history.remember(long, ANN) == key != await opened.history.remember(long, BEN)
        assert await opened.history.remember(EVERYTHING, ANN) == ""
        assert await opened.history.recollect("", ANN) == EVERYTHING
    async with open_studio() as again:
        assert await again.history.recollect(key, ANN) == long
        for viewer, wrong in ((BEN, key), (ANN, "0" * 12)):
            with pytest.raises(NotFound):
                await again.history.recollect(wrong, viewer)


async def test_a_family_is_what_its_viewer_may_see_of_it(open_studio: Open) -> None:
    async with open_studio() as opened:
        grandparent = await draw(opened, "a cat", viewer=BEN)

        async def child(parent_id: str, viewer: Viewer = ANN, *, private: bool = False) -> str:
            request = Request(prompt="a child")
            accepted = await opened.studio.submit(
                request, viewer=viewer, address=None, private=private, parent_id=parent_id
            )
            await ended(opened, accepted.generation_id)
            return accepted.generation_id

        parent = await child(grandparent)
        itself = await child(parent)
        children = [await child(itself) for _ in range(CHILDREN_SHOWN + 1)]
        secret = await child(itself, private=True)

        family = await opened.history.family(itself, BEN)
        assert family.parent is not None
        assert family.grandparent is not None
        assert (family.grandparent.id, family.parent.id, family.itself.id) == (grandparent, parent, itself)
        assert [one.id for one in family.children] == children[:0:-1]
        assert family.more
        assert (await opened.history.family(itself, ANN)).children[0].id == secret
        assert (await opened.history.family(grandparent, BEN)).parent is None
        assert (await opened.history.family(children[0], BEN)).alone is False

        await opened.history.delete(grandparent, BEN)
        assert (await opened.history.family(itself, BEN)).grandparent is None
        of_secret = await child(secret, private=True)
        with pytest.raises(NotFound):
            await opened.history.family(of_secret, BEN)


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
        before = (await opened.studio.allowance(ANN)).left
        await opened.history.delete(drawn, ANN)
        assert (await opened.studio.allowance(ANN)).left == pytest.approx(before, abs=0.01)


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
