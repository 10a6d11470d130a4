"""What is said while browsing: never too long, never formatted by a member's text, and true."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bot import wording
from bot.again import DrawnAgain
from bot.history import CHILDREN_SHOWN, EVERYTHING, Family, Filter, Page, Picture
from bot.lineage import Changed, Field, changes
from bot.parcel import family_sheet
from bot.place import Viewer
from bot.sheet import Tile, draw_sheet
from bot.views.browsing import ROWS, history_layout
from bot.wording.browsing import changed, phrase
from generation import PROMPT_LIMIT, Aspect, Difference, Mode, Sameness, Style, Verdict, Words
from tests.recipes import a_generation, a_recipe

OWNER = Viewer(member_id=a_generation().member_id)
TURN = f"o{10**18 - 1}"
ANY_TEXT = st.text(max_size=PROMPT_LIMIT) | st.sampled_from(
    ["*" * PROMPT_LIMIT, "@everyone <@1> https://x.y", "`" * PROMPT_LIMIT, "[a](b)" * 250, "_~|>" * 375]
)


# What a recipe may have none of.
OPTIONAL: dict[str, Any] = {
    "negative_prompt": "fog",
    "style": Style(name="ink", title="Ink", prompt="{prompt}, ink"),
    "source": "f" * 64,
    "mask": "e" * 64,
    "control": "edges",
    "blend": 0.5,
    "strength": 0.5,
    "variation": 0.3,
    "scale": 2.0,
}


def a_page(*prompts: str, **values: Any) -> Page:
    generations = tuple(a_generation(prompt, id=f"id{place}") for place, prompt in enumerate(prompts))
    defaults: dict[str, Any] = {"filter": EVERYTHING, "older": TURN, "newer": "n1"}
    return Page(generations=generations, **defaults | values)


@settings(max_examples=25, deadline=None)
@given(st.lists(ANY_TEXT, min_size=ROWS, max_size=ROWS), ANY_TEXT, ANY_TEXT)
def test_no_page_of_the_history_is_too_long_or_too_full(prompts: list[str], search: str, model: str) -> None:
    which = Filter(search=search, starred=True, member_id=2**63 - 1, model=model)
    page = a_page(*prompts, filter=which)
    files = {
        wording.thumbnail_name(generation): discord.File(BytesIO(), filename=wording.thumbnail_name(generation))
        for generation in page.generations
    }
    layout = history_layout(page, OWNER, files, turn=TURN, key="0" * 12)
    parts = list(layout.walk_children())
    assert len(parts) <= 40
    texts = [part.content for part in parts if isinstance(part, discord.ui.TextDisplay)]
    assert sum(map(len, texts)) <= 4000
    assert not any("@everyone" in text or "<@1>" in text.replace("\\<", "") for text in texts)
    ids = [part.custom_id for part in parts if isinstance(part, discord.ui.Button | discord.ui.DynamicItem)]
    assert len(ids) == len(set(ids)) == ROWS * 5 + 3
    assert all(len(custom_id) <= 100 for custom_id in ids)


def test_a_picture_without_words_is_called_one_and_its_page_is_valid() -> None:
    wordless = a_generation(recipe=a_recipe(prompt="", mode=Mode.UPSCALE, source="f" * 64, scale=2.0))
    page = Page(generations=(wordless,), filter=EVERYTHING, older=None, newer=None)
    name = wording.thumbnail_name(wordless)
    files = {name: discord.File(BytesIO(b"x"), filename=name)}
    layout = history_layout(page, OWNER, files, turn="", key="")
    [thumbnail] = [part for part in layout.walk_children() if isinstance(part, discord.ui.Thumbnail)]
    assert thumbnail.description is None  # openapi.json: at least one character, or null
    for text in (
        wording.history_row(wordless),
        wording.deleted(wordless),
        wording.starred(wordless, set_now=True),
    ):
        assert "**A picture**" in text


def test_a_row_has_the_words_and_the_style_that_were_drawn() -> None:
    style = Style(name="ink", title="Ink", prompt="{prompt}, ink")
    words = Words(text="a blue boat", prompt="a blue boat, ink", negative_prompt="")
    recipe = a_recipe(prompt="a {red|blue} boat", style=style, words=(words,))
    row = wording.history_row(a_generation(recipe=recipe))
    assert "**a blue boat**\n-# storybook · ink · seed 7" in row
    both = a_recipe(prompt="a {red|blue} boat", seeds=(7, 8), words=(words, replace(words, text="a red boat")))
    assert r"**a {red\|blue} boat**" in wording.history_row(a_generation(recipe=both))


@settings(max_examples=25, deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_no_family_is_told_at_too_great_a_length(prompt: str, other: str) -> None:
    itself, relative = a_generation(prompt), a_generation(other, recipe=a_recipe(prompt=other, model=prompt))
    family = Family(
        itself=itself,
        parent=relative,
        grandparent=relative,
        children=(relative,) * CHILDREN_SHOWN,
        more=True,
    )
    embed = wording.family_embed(family, picture="x.jpg")
    assert embed.description is not None
    assert len(embed.description) <= 4096
    assert embed.description.count("\n") == CHILDREN_SHOWN + 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "the same again"),
        ({"seeds": (4294967295,), "guidance_scale": 7.5}, "seed 7 → 4294967295, guidance 4 → 7.5"),
        ({"prompt": "a red cat at night"}, "prompt: + at night"),
        ({"prompt": "two ships on the sea"}, "another prompt"),
        ({"negative_prompt": "fog"}, "keeps out fog"),
        ({"mode": Mode.IMAGE_TO_IMAGE, "source": "f", "strength": 0.0},
         "made from a picture, a source, strength 0"),
    ],
)  # fmt: skip
def test_what_changed_is_said_in_words(values: dict[str, Any], words: str) -> None:
    parent, child = a_generation(recipe=a_recipe()), a_generation(recipe=a_recipe(**values))
    assert changed(parent, child) == words


@pytest.mark.parametrize("field", Field)
@pytest.mark.parametrize(("before", "after"), [(None, "new"), ("old", None), ("old", "new")])
def test_every_change_that_there_is_has_words(field: Field, before: str | None, after: str | None) -> None:
    can_be_none = field in {change.field for change in changes(a_recipe(), a_recipe(**OPTIONAL))}
    if can_be_none or None not in (before, after):
        assert phrase(Changed(field=field, before=before, after=after))


@pytest.mark.parametrize("mode", Mode)
def test_every_way_of_drawing_has_words(mode: Mode) -> None:
    assert phrase(Changed(field=Field.MODE, before="", after=mode)).startswith("made from ")


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (EVERYTHING, "try /imagine"),
        (Filter(search="*"), r"There is no word to look for in \*"),
        (Filter(search="red cat"), "No picture fits: “red cat”."),
        (Filter(search="x", starred=True, model="m"), "No picture fits: “x”, starred by you and drawn by m."),
        (Filter(member_id=5), "<@5> has drawn nothing that you may see here."),
    ],
)
def test_a_page_with_nothing_says_why(which: Filter, words: str) -> None:
    assert words in wording.history_nothing(a_page(filter=which, older=None, newer=None))


SAME, NEARLY, NOT = Sameness.SAME, Sameness.NEARLY, Sameness.NOT
MODEL = Difference(aspect=Aspect.MODEL, then="1", now="2")
THREADS = Difference(aspect=Aspect.THREADS, then="1", now="2")
NO_TORCH = Difference(aspect=Aspect.LIBRARY, name="torch", then=None, now="2")
NO_INK = Difference(aspect=Aspect.ADAPTER, name="ink", then="1", now=None)


@pytest.mark.parametrize(
    ("sameness", "differences", "words"),
    [
        (SAME, (), "the same."),
        (NEARLY, (THREADS,), "very nearly the same, because the processor threads were 1 then and are 2 now."),
        (NEARLY, (NO_TORCH,), "very nearly the same, because torch did not take part then."),
        (NOT, (MODEL, THREADS), "not the same, because the files of the model have changed."),
        (NOT, (NO_INK,), "not the same, because ink is not there now."),
        (NOT, (THREADS,), "not the same, because the processor threads were 1 then and are 2 now."),
    ],
)
def test_a_verdict_is_one_sentence_with_what_decides(
    sameness: Sameness, differences: tuple[Difference, ...], words: str
) -> None:
    again = DrawnAgain(first_id="abc", verdict=Verdict(sameness=sameness, differences=differences))
    assert wording.verdict(again) == f"Compared with abc: {words}"


@pytest.mark.parametrize("sameness", Sameness)
@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize(("then", "now"), [("x" * 500, "y"), (None, "y"), ("x", None)])
def test_every_difference_has_words_of_bounded_length(
    sameness: Sameness, aspect: Aspect, then: str | None, now: str | None
) -> None:
    difference = Difference(aspect=aspect, name="n" * 500, then=then, now=now)
    again = DrawnAgain(first_id="abc", verdict=Verdict(sameness=sameness, differences=(difference,) * 20))
    assert len(wording.verdict(again)) < 900


def test_a_sheet_has_a_tile_for_each_and_shows_what_can_be_read(tmp_path: Path) -> None:
    red, broken = tmp_path / "red.png", tmp_path / "broken.png"
    Image.new("RGB", (8, 4), "red").save(red)
    broken.write_bytes(b"no picture")

    def tile(file: Path | None) -> Tile:
        return Tile(title="Title", caption="caption", file=file)

    one = Image.open(BytesIO(draw_sheet([[tile(red)]])))
    many = Image.open(BytesIO(draw_sheet([[tile(red), tile(broken)], [tile(None), tile(tmp_path / "gone.png")]])))
    assert many.width > 1.8 * one.width
    assert many.height > 1.8 * one.height
    reds = [
        sum(r > 200 and g < 60 for r, g, _ in sheet.convert("RGB").get_flattened_data()) for sheet in (one, many)
    ]
    assert reds[0] == pytest.approx(224 * 112, rel=0.02)
    assert reds[1] == pytest.approx(reds[0], rel=0.02)


@pytest.mark.parametrize("length", [10, 40, 400])
def test_a_title_stays_above_its_own_picture_and_an_empty_square_has_its_note(length: int) -> None:
    def sheet(title: str, note: str) -> Image.Image:
        tiles = [Tile(title=title, caption=title, file=None, note=note), Tile(title="", caption="", file=None)]
        return Image.open(BytesIO(draw_sheet([tiles]))).convert("RGB")

    named, plain = sheet("W" * length, "failed"), sheet("", "")
    middle = named.width // 2
    right = (middle, 0, *named.size)
    beyond = ImageChops.difference(named.crop(right), plain.crop(right))
    assert max(high for _, high in beyond.getextrema()) < 40  # what a JPEG blurs over the edge
    square = (60, 100, middle - 60, named.height - 40)
    assert ImageChops.difference(named.crop(square), plain.crop(square)).getbbox() is not None


async def test_a_flagged_picture_is_on_no_sheet(tmp_path: Path) -> None:
    red = tmp_path / "red.png"
    Image.new("RGB", (8, 8), "red").save(red)
    for flagged in (False, True):
        picture = Picture(number=1, file=red, name="x.png", seed=7, width=8, height=8, flagged=flagged)
        itself = a_generation(pictures=(picture,))
        family = Family(itself=itself, parent=None, grandparent=None, children=(), more=False)
        sheet = Image.open(BytesIO(await family_sheet(family))).convert("RGB")
        assert any(r > 230 and g < 40 for r, g, _ in sheet.get_flattened_data()) is not flagged
