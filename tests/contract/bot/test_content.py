"""What the content filter flags, as members of Discord get to see it."""

import pytest

from bot import wording
from bot.content import ContentFilter
from bot.playground import Person, Playground
from generation import Failure, FailureKind
from tests.contract.bot.conftest import Start, result

HELD_BACK = wording.failure_sentence(Failure(kind=FailureKind.FLAGGED, detail=""))


async def test_a_refused_picture_is_one_sentence(start: Start, ada: Person) -> None:
    async with start("flags_all"):
        ada.slash("imagine", prompt="a red cat")
        message = await ada.message(lambda message: HELD_BACK in message.text)
        assert message.attachments == ()


async def test_a_covered_picture_is_a_spoiler_and_its_neighbour_is_not(start: Start, ada: Person) -> None:
    async with start("flags_first", content_filter=ContentFilter.SPOILER):
        ada.slash("imagine", prompt="two cats", count=2)
        message = await result(ada, "two cats")
        assert [each.filename.startswith("SPOILER_") for each in message.attachments] == [True, False]


@pytest.mark.parametrize(("channel", "shown"), [("after-dark", True), ("sketches", False)])
async def test_an_age_restricted_channel_shows_what_another_does_not(
    start: Start, playground: Playground, ada: Person, channel: str, shown: bool
) -> None:
    async with start("flags_all", content_filter=ContentFilter.AGE_RESTRICTED):
        there = ada.at(playground.channel(channel))
        there.slash("imagine", prompt="a red cat")
        if shown:
            [picture] = (await result(there, "a red cat")).attachments
            assert not picture.filename.startswith("SPOILER_")
        else:
            await there.message(lambda message: HELD_BACK in message.text)
