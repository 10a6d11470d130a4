"""Styles stand around a member's words, the operator's come first, and a recipe keeps the one it was drawn in."""

import random
from pathlib import Path

import pytest
from PIL import Image

from generation import NO_STYLE, Recipe, Request, Style, Styles, StylesUnreadable, TooLong, UnknownChoice, complete
from generation.infotext import write
from generation.metadata import pnginfo
from generation.metadata import read as read_own
from generation.prompt import read
from generation.styles import PLACE, spell
from tests.recipes import a_model

INK = Style(name="ink", title="Ink", prompt="ink drawing of {prompt}, black", negative_prompt="colour")
STYLES = Styles({"ink": INK})
CHANCE = random.Random(1)  # noqa: S311 (a test that can be repeated)


def drawn(**values: object) -> Recipe:
    request = Request(**{"prompt": "a cat", "seed": 7} | values)
    return complete(request, model=a_model(), source_size=None, chance=CHANCE, styles=STYLES)


def test_every_style_that_comes_with_easel_can_be_drawn() -> None:
    styles = Styles.read()
    assert len(styles) >= 20
    for style in styles.values():
        words = spell("a (red:1.2) cat", "fog", style, 0)
        assert "a (red:1.2) cat" in words.prompt
        assert read(words.prompt).ingredients
        assert read(words.negative_prompt).ingredients


def test_what_is_drawn_is_the_words_in_the_style_and_both_are_recorded() -> None:
    recipe = drawn(style="ink", negative_prompt="fog")
    assert recipe.prompt == "a cat"
    assert recipe.negative_prompt == "fog"
    assert recipe.style == INK
    [plain] = recipe.spelled_out()
    assert (plain.prompt, plain.negative_prompt) == ("ink drawing of a cat, black", "fog, colour")
    assert (plain.style, plain.words, plain.seeds) == (None, (), (7,))
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_without_style_and_choices_nothing_is_spelled_out() -> None:
    recipe = drawn()
    assert recipe.words == ()
    assert recipe.spelled_out() == (recipe,)
    assert recipe.texts == ("a cat",)


def test_a_recipe_is_drawn_again_in_its_style_though_that_has_changed_since() -> None:
    recipe = drawn(style="ink", prompt="a {red|blue} cat", count=3)
    changed = Styles({"ink": Style(name="ink", title="Ink", prompt="{prompt} in sepia")})
    again = complete(recipe.to_request(), model=a_model(), source_size=None, chance=CHANCE, styles=changed)
    assert again == recipe


def test_no_style_stays_none_when_drawn_again() -> None:
    assert drawn().to_request().style == NO_STYLE
    assert drawn(style=NO_STYLE).style is None


def test_each_picture_chooses_by_its_own_seed() -> None:
    recipe = drawn(prompt="a {red|blue|green|black} cat", count=4, seed=5)
    alone = [drawn(prompt="a {red|blue|green|black} cat", seed=seed).texts[0] for seed in recipe.seeds]
    assert recipe.texts == tuple(alone)
    assert len(set(alone)) > 1
    plain = recipe.spelled_out()
    assert [seed for each in plain for seed in each.seeds] == list(recipe.seeds)
    assert [each.prompt for each in plain for _ in each.seeds] == alone


def test_other_programs_read_what_was_drawn() -> None:
    text = write(drawn(style="ink", prompt="a {red} cat"))
    assert text.startswith("ink drawing of a red cat, black\nNegative prompt: colour\n")


def test_a_picture_of_several_tells_its_own_words(tmp_path: Path) -> None:
    recipe = drawn(style="ink", prompt="a {red|blue|green|black} cat", count=4, seed=5)
    for number, text in enumerate(recipe.texts):
        file = tmp_path / f"{number}.png"
        Image.new("RGB", (8, 8)).save(file, pnginfo=pnginfo(recipe, number))
        own = read_own(file)
        assert own is not None
        assert own.texts == (text,)
        assert own.style == INK


def test_in_a_blend_each_text_is_drawn_in_the_style() -> None:
    quoting = Style(name="quoting", title="", prompt='a "fine" picture of {prompt}')
    for style in (INK, quoting):
        blend = read(spell('("a cat", "a dog").blend(0.7, 0.3) <lora:wool>', "", style, 0).prompt)
        texts = [ingredient.pieces[0][0].text for ingredient in blend.ingredients]
        assert texts == [style.prompt.replace(PLACE, words) for words in ("a cat", "a dog")]
        assert blend.loras[0].name == "wool"


@pytest.mark.parametrize(
    "style",
    [
        Style(name="x", title="", prompt="()" * 100_000 + PLACE),
        Style(name="x", title="y" * 1_000_000, prompt=PLACE),
        Style(name="x", title="", prompt=PLACE * 20),
    ],
)
def test_a_style_out_of_a_strangers_picture_is_no_longer_than_one_of_ours(style: Style) -> None:
    with pytest.raises(TooLong):
        drawn(prompt="a cat" * 100, style=style)


@pytest.mark.parametrize("typed", ["ink", "Ink", " INK "])
def test_a_style_is_found_in_any_case(typed: str) -> None:
    assert STYLES.find(typed) == INK


def test_an_unknown_style_names_the_closest() -> None:
    with pytest.raises(UnknownChoice) as caught:
        Styles.read().find("pixel arts")
    assert caught.value.closest == "pixel-art"


def test_the_operators_own_styles_come_first_and_win(tmp_path: Path) -> None:
    own = tmp_path / "styles.toml"
    own.write_text('["House Style"]\nprompt = "{prompt}, ours"\n[ink]\nprompt = "{prompt}, our ink"\n')
    styles = Styles.read(own=own)
    assert list(styles)[:2] == ["house-style", "ink"]
    assert styles["ink"].prompt == "{prompt}, our ink"
    assert styles["house-style"].title == "House Style"
    assert len(styles) == len(Styles.read()) + 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[ink", "cannot be read"),
        ("ink = 3", "has to be a table of texts"),
        ('[ink]\nprompt = "black"', "needs a prompt with {prompt}"),
        ('[ink]\ntitle = "Ink"', "needs a prompt with {prompt}"),
        ('[ink]\nprompt = "{prompt}"\nseed = "7"', "has seed, which means nothing"),
        ('[ink]\nprompt = "{prompt} {red|blue"', "cannot be drawn"),
        ('[none]\nprompt = "{prompt}"', "needs another name"),
        (f'[{"x" * 41}]\nprompt = "{{prompt}}"', "needs another name"),
        (f'[ink]\nprompt = "{{prompt}}{"x" * 2000}"', "characters, and 2000 fit"),
    ],
)
def test_what_is_wrong_with_the_operators_styles_is_said(tmp_path: Path, text: str, reason: str) -> None:
    own = tmp_path / "styles.toml"
    own.write_text(text)
    with pytest.raises(StylesUnreadable) as caught:
        Styles.read(own=own)
    assert reason in str(caught.value)
