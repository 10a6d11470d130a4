"""What bad input gets: one sentence that names the thing, for its author alone; nothing drawn, nothing charged."""

import random
import zlib
from io import BytesIO

import pytest
from PIL import Image

from bot.playground import Message, NotPossible, Person, Playground, Upload
from tests.e2e.conftest import (
    allowance_back_at,
    answer_of,
    draw,
    generation_id,
    has_pictures,
    images,
    png,
    seen_by,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def a_picture(width: int = 64, height: int = 64, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert(mode)


def bomb() -> bytes:
    """A PNG of a kilobyte that says it is 30,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    side = (30_000).to_bytes(4, "big")
    header = side + side + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def truncated() -> bytes:
    noise = Image.frombytes("RGB", (128, 128), random.Random(1).randbytes(128 * 128 * 3))  # noqa: S311
    whole = png(noise).data
    return whole[: len(whole) // 2]


async def refusal(person: Person, **options: object) -> Message:
    interaction = person.slash("imagine", **{"prompt": "a red cat"} | options)
    answer = await answer_of(person, interaction)
    assert not has_pictures(answer)
    return answer


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "sd-9000"}, ["model", "sd-9000"]),
        ({"size": "500x500"}, ["size", "500x500"]),
        ({"size": "huge"}, ["size", "huge"]),
        ({"seed": "-1"}, ["seed", "4,294,967,295"]),
        ({"seed": "4294967296"}, ["seed", "4,294,967,295"]),
        ({"seed": "no such name"}, ["seed", "no such name"]),
        ({"prompt": "a cat <lora:../../etc/passwd:1>"}, ["LoRA", "etc/passwd"]),
        ({"prompt": "a [cat:dog:0.5]"}, ["cat:dog:0.5"]),
        ({"prompt": "   "}, ["prompt"]),
        ({"strength": 0.5}, ["strength", "image"]),
    ],
)
async def test_a_wrong_value_is_named_to_its_author_alone(
    ada: Person, linus: Person, options: dict[str, object], words: list[str]
) -> None:
    before = await allowance_back_at(ada)
    answer = await refusal(ada, **options)
    assert answer.id not in seen_by(linus)
    for word in words:
        assert word.replace(",", "") in answer.text.replace(",", "")
    assert await allowance_back_at(ada) <= before


@pytest.mark.parametrize(
    "options",
    [
        {"strength": 2.0},
        {"count": 9},
        {"prompt": "x" * 5000},
        {"scheduler": "Oiler"},
    ],
)
async def test_discord_itself_does_not_let_a_value_out_of_bounds_be_sent(
    ada: Person, options: dict[str, object]
) -> None:
    with pytest.raises(NotPossible):
        ada.slash("imagine", **{"prompt": "a red cat"} | options)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"this is no picture at all, but a text", "notes.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.png"),
        (b"", "empty.png"),
        (truncated(), "half.png"),
        (bomb(), "wide.png"),
    ],
)
async def test_a_bad_upload_is_refused_in_words(ada: Person, linus: Person, data: bytes, name: str) -> None:
    before = await allowance_back_at(ada)
    answer = await refusal(ada, image=Upload(filename=name, data=data))
    assert name in answer.text
    assert answer.id not in seen_by(linus)
    assert await allowance_back_at(ada) <= before


async def test_an_upload_of_40_megabytes_is_refused_before_it_is_read(playground: Playground, ada: Person) -> None:
    playground.set_file_tier(3)
    try:
        answer = await refusal(ada, image=Upload(filename="large.png", data=bytes(40 * 1024 * 1024)))
    finally:
        playground.set_file_tier(0)
    assert "large.png" in answer.text
    assert "25 MB" in answer.text


def rotated() -> bytes:
    data = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    a_picture(96, 64).save(data, "JPEG", exif=exif)
    return data.getvalue()


def animated() -> bytes:
    data = BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:], duration=50)
    return data.getvalue()


def encoded(mode: str, kind: str) -> bytes:
    data = BytesIO()
    a_picture(mode=mode).save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (rotated(), "phone.jpg"),
        (animated(), "moving.gif"),
        (encoded("CMYK", "JPEG"), "print.jpg"),
        (encoded("RGBA", "PNG"), "clear.png"),
        (encoded("I;16", "PNG"), "deep.png"),
        (encoded("P", "PNG"), "palette.png"),
    ],
)
async def test_an_unusual_picture_is_taken(ada: Person, data: bytes, name: str) -> None:
    result = await draw(ada, f"a cat from {name}", image=Upload(filename=name, data=data), strength=0.0)
    assert len(images(ada, result)) == 1


async def test_a_turned_photo_is_taken_upright(ada: Person) -> None:
    upload = Upload(filename="phone.jpg", data=rotated())
    result = await draw(ada, "a cat, upright", image=upload, strength=0.0)
    [image] = images(ada, result)
    assert image.height > image.width
    left, right = image.getpixel((10, image.height // 2)), image.getpixel((image.width - 10, image.height // 2))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert abs(left[0] - right[0]) > 60  # the gradient, which ran downwards, runs sideways now


async def test_an_id_that_is_none_is_named(ada: Person) -> None:
    for command in ("show", "reroll"):
        answer = await ada.answer(ada.slash(command, id="nothing"))
        assert answer.ephemeral
        assert "nothing" in answer.text


async def test_a_reply_to_a_message_without_a_picture_gets_one_sentence(ada: Person, linus: Person) -> None:
    posted = linus.send("no picture here")
    me = ada.scene.world.application.user.id
    seen = seen_by(ada)
    mine = ada.send(f"<@{me}> a blue house", reply_to=posted)
    answer = await ada.message(
        lambda message: message.id not in seen and message.id != mine.id and message.author_id == me
    )
    assert not has_pictures(answer)
    assert "picture" in answer.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a house --strenght 0.4", ["--strenght", "--strength"]),
        ("a house --strength two", ["--strength", "two"]),
        ("a house --strength 2", ["strength", "2"]),
        ("a house --seed", ["--seed"]),
        ("a house --count 9", ["count", "9"]),
    ],
)
async def test_a_bad_flag_is_named_with_the_closest(
    ada: Person, linus: Person, text: str, words: list[str]
) -> None:
    posted = linus.send("mine", files=[png(a_picture())])
    me = ada.scene.world.application.user.id
    seen = seen_by(ada)
    mine = ada.send(f"<@{me}> {text}", reply_to=posted)
    answer = await ada.message(
        lambda message: message.id not in seen and message.id != mine.id and message.author_id == me
    )
    for word in words:
        assert word in answer.text
    assert not has_pictures(answer)


@pytest.mark.parametrize(
    "prompt",
    [
        "@everyone <@1100000000000000101> a cat",
        "`a` **b** ||c|| ```d``` > e # f",
        "\u202eright to left\u202c \u200bzero\u200b width",
        "(((", ":) a cat (:", "x" * 1500, "🐈" * 700,
        "<../../etc/passwd> %n%s {} {0} \\",
    ],
)  # fmt: skip
async def test_a_strange_prompt_is_drawn_and_shown_harmlessly(ada: Person, prompt: str) -> None:
    result = await draw(ada, prompt, steps=1)
    assert not result.mention_everyone
    assert result.mentions == ()
    assert len(result.content) <= 2000
    recipe = await ada.answer(ada.press(result, "Recipe"))
    assert recipe.ephemeral
    assert recipe.text or recipe.attachments
    assert generation_id(result) in result.text
