"""What the content filter flags, as members of Discord get to see it."""

from pathlib import Path

import pytest

from bot import wording
from bot.content import ContentFilter
from bot.errors import NotAllowed
from bot.playground import Person, Playground
from bot.samples import Sheet
from generation import Failure, FailureKind
from tests.contract.bot.conftest import Start, answer_of, result, until

NOTHING_MADE = wording.notice(NotAllowed("flagged"))
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


async def test_nothing_is_made_of_a_flagged_picture(start: Start, ada: Person, tmp_path: Path) -> None:
    async with start("flags_all", content_filter=ContentFilter.SPOILER):
        ada.slash("imagine", prompt="a nude")
        drawn = await result(ada, "a nude")
        ada.send("a hat --strength 0.1", reply_to=drawn)
        await ada.message(lambda told: NOTHING_MADE in told.text)
        name = drawn.attachments[0].filename
        for asked in (ada.context_menu(drawn, "Use as source"), ada.slash("outpaint", id=name, direction="up")):
            assert NOTHING_MADE in (await answer_of(ada, asked)).text
        assert list((tmp_path / "pictures" / "sources").iterdir()) == []


async def test_a_flagged_sample_of_a_style_is_shown_to_nobody(start: Start, ada: Person) -> None:
    async with start("flags_all", content_filter=ContentFilter.SPOILER) as running:
        ada.slash("imagine", prompt="a cat")  # from which it learns that samples are cheap
        await result(ada, "a cat")
        samples, styles = running.bot.desk.samples, list(running.studio.styles.values())[:1]
        assert (await samples.sheet(styles)).coming == 1

        async def drawn() -> Sheet | None:
            sheet = await samples.sheet(styles)
            return None if sheet.coming else sheet

        assert (await until(drawn)).picture is None


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
