"""What is sent is what was drawn, and never more than Discord takes."""

import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot import wording
from bot.content import ContentFilter, Display
from bot.history import Generation, Picture
from bot.parcel import FILE_LIMIT, JPEG_QUALITY, pack, thumbnails
from generation import JobState
from tests.recipes import a_recipe

REFUSE = Display(operator=ContentFilter.REFUSE)


def a_generation(file: Path, count: int = 1, flagged: tuple[int, ...] = ()) -> Generation:
    return Generation(
        id="abcdefghjk",
        member_id=7,
        guild_id=1,
        channel_id=2,
        private=False,
        age_restricted=False,
        parent_id=None,
        source_given=True,
        recipe=a_recipe(prompt="a red cat"),
        state=JobState.FINISHED,
        failure=None,
        pictures=tuple(
            Picture(
                number=number,
                file=file,
                name="abcdefghjk.png" if number == 1 else f"abcdefghjk-{number}.png",
                seed=number,
                width=64,
                height=48,
                flagged=number in flagged,
            )
            for number in range(1, count + 1)
        ),
        seconds=1.0,
        created_at=1.7e9,
        starred=False,
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "drawn.png"
    Image.new("RGB", (64, 48), "teal").save(file)
    return file


async def test_pictures_are_sent_byte_for_byte_under_their_names(picture: Path) -> None:
    drawn = picture.read_bytes()  # noqa: ASYNC240  (a test's own file)
    parcel = await pack(a_generation(picture, count=2), "two cats", REFUSE, age_restricted=False)
    assert parcel.text == "two cats"
    for _ in range(2):  # sending closes files: a repetition needs fresh ones
        files = parcel.files()
        assert [file.filename for file in files] == ["abcdefghjk.png", "abcdefghjk-2.png"]
        assert [file.fp.read() for file in files] == [drawn] * 2
        assert [file.description for file in files] == ["a red cat"] * 2
        for file in files:
            file.close()


@pytest.mark.parametrize("compressible", [True, False])
async def test_too_large_a_picture_goes_as_another_kind_of_file_that_is_told_and_stays_as_it_is(
    tmp_path: Path, compressible: bool
) -> None:
    file = tmp_path / "noise.png"
    side = 1900
    noise = random.Random(1).randbytes(side * side * 3)  # noqa: S311  (a picture that does not compress)
    image = Image.new("RGB", (side, side), "teal") if compressible else Image.frombytes("RGB", (side, side), noise)
    image.save(file, compress_level=0 if compressible else 1)
    drawn = file.read_bytes()
    assert len(drawn) > FILE_LIMIT
    parcel = await pack(a_generation(file), "noise", REFUSE, age_restricted=False)
    [(name, data)] = parcel.contents
    suffix = ".webp" if compressible else ".jpg"
    assert name == f"abcdefghjk{suffix}"
    assert len(data) <= FILE_LIMIT
    assert wording.sent_as(suffix) in parcel.text
    with Image.open(BytesIO(data)) as sent:
        assert (sent.convert("RGB").tobytes() == image.tobytes()) == compressible
    assert str(JPEG_QUALITY) in wording.sent_as(".jpg")
    assert file.read_bytes() == drawn


async def test_a_picture_that_is_gone_is_not_sent_as_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await pack(a_generation(tmp_path / "gone.png"), "a cat", REFUSE, age_restricted=False)


async def test_thumbnails_are_small_and_leave_out_what_is_gone(picture: Path, tmp_path: Path) -> None:
    there, gone = a_generation(picture, count=3), a_generation(tmp_path / "gone.png")
    [(name, data)] = await thumbnails([there, gone])
    assert name == wording.thumbnail_name(there)
    with Image.open(BytesIO(data)) as image:
        assert max(image.size) <= 160


@pytest.mark.parametrize(
    ("setting", "age_restricted", "names"),
    [
        (ContentFilter.REFUSE, True, ["abcdefghjk.png"]),
        (ContentFilter.SPOILER, False, ["abcdefghjk.png", "SPOILER_abcdefghjk-2.png"]),
        (ContentFilter.AGE_RESTRICTED, False, ["abcdefghjk.png"]),
        (ContentFilter.AGE_RESTRICTED, True, ["abcdefghjk.png", "abcdefghjk-2.png"]),
        (ContentFilter.OFF, False, ["abcdefghjk.png", "abcdefghjk-2.png"]),
    ],
)
async def test_a_flagged_picture_goes_as_the_operator_has_set_it(
    picture: Path, setting: ContentFilter, age_restricted: bool, names: list[str]
) -> None:
    generation = a_generation(picture, count=2, flagged=(2,))
    parcel = await pack(generation, "two cats", Display(operator=setting), age_restricted=age_restricted)
    assert [file.filename for file in parcel.files()] == names
    assert (wording.NOT_HERE in parcel.text) == (len(names) < 2)
    assert parcel.confined == (setting is ContentFilter.AGE_RESTRICTED and age_restricted)


async def test_a_flagged_picture_has_no_thumbnail(picture: Path) -> None:
    assert await thumbnails([a_generation(picture, count=1, flagged=(1,))]) == ()
