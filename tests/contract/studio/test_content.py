"""What the content filter flags is kept or refused as the operator has set it, and a picture is known again."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.attachments import look
from bot.content import ContentFilter
from bot.place import OPERATOR_ID, Viewer
from bot.verify import verify
from generation import FailureKind, JobState, Request
from tests.contract.studio.conftest import Open
from tests.contract.studio.test_studio import ADDRESS, ANN, BEN, ended, left

TWO_CATS = Request(prompt="two cats", seed=0, count=2)


async def test_a_flagged_picture_is_refused_and_costs_nothing(open_studio: Open, tmp_path: Path) -> None:
    async with open_studio("flags_all") as opened:
        accepted = await opened.studio.submit(TWO_CATS, viewer=ANN, address=ADDRESS)
        end = await ended(opened, accepted.generation_id)
        assert end.state is JobState.FAILED
        assert end.failure is not None
        assert end.failure.kind is FailureKind.FLAGGED
        assert await left(opened) == 1000
        assert list((tmp_path / "pictures" / "drawn").glob("*.png")) == []


async def test_the_others_of_a_job_are_kept_and_alone_cost_something(open_studio: Open, tmp_path: Path) -> None:
    async with open_studio("flags_first") as opened:
        accepted = await opened.studio.submit(TWO_CATS, viewer=ANN, address=ADDRESS)
        assert (await ended(opened, accepted.generation_id)).state is JobState.FINISHED
        generation = await opened.history.recall(accepted.generation_id, ANN)
        assert [picture.seed for picture in generation.pictures] == [1]
        assert await left(opened) == pytest.approx(1000 - 0.125, abs=0.01)
        drawn = [file.name for file in (tmp_path / "pictures" / "drawn").glob("*.png")]
        assert drawn == [f"{accepted.generation_id}-2.png"]


@pytest.mark.parametrize(
    ("setting", "age_restricted", "kept"),
    [
        (ContentFilter.SPOILER, False, 2),
        (ContentFilter.AGE_RESTRICTED, True, 2),
        (ContentFilter.AGE_RESTRICTED, False, 1),
    ],
)
async def test_the_setting_and_the_channel_decide(
    open_studio: Open, setting: ContentFilter, age_restricted: bool, kept: int
) -> None:
    viewer = Viewer(member_id=1, guild_id=10, channel_id=100, age_restricted=age_restricted)
    async with open_studio("flags_first", content_filter=setting) as opened:
        accepted = await opened.studio.submit(TWO_CATS, viewer=viewer, address=ADDRESS)
        await ended(opened, accepted.generation_id)
        generation = await opened.history.recall(accepted.generation_id, viewer)
        assert generation.age_restricted == age_restricted
        assert [picture.flagged for picture in generation.pictures] == [True, False][-kept:]


async def test_a_picture_of_ours_is_known_to_who_may_see_it(open_studio: Open) -> None:
    async with open_studio() as opened:
        accepted = await opened.studio.submit(
            Request(prompt="a red cat", seed=0), viewer=ANN, address=ADDRESS, private=True
        )
        await ended(opened, accepted.generation_id)
        [picture] = (await opened.history.recall(accepted.generation_id, ANN)).pictures
        data = picture.file.read_bytes()
        image = await look(data, name="cat.png")
        for viewer, known in ((ANN, True), (BEN, False), (Viewer(member_id=OPERATOR_ID), True)):
            found = await verify(data, image, viewer=viewer, history=opened.history)
            assert (found.generation is not None) == found.made_here == known
        changed = BytesIO()
        with Image.open(BytesIO(data)) as drawn:
            drawn.resize((100, 100)).save(changed, "PNG")
        image = await look(changed.getvalue(), name="cat.png")
        found = await verify(changed.getvalue(), image, viewer=ANN, history=opened.history)
        assert not found.made_here
