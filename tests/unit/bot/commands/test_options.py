"""Options keep their zeros, get their names, and an id may be pasted as people find it."""

import logging

import pytest

from bot.commands.options import given, never_failing, read_id, read_picture, seed_of
from bot.errors import NotFound
from tests.recipes import a_generation, a_recipe


def test_zero_was_given_and_none_was_not() -> None:
    options = given(steps=0, guidance=0.0, strength=0.0, seed=0, negative_prompt="", size=None)
    assert options == {
        "num_inference_steps": 0,
        "guidance_scale": 0.0,
        "strength": 0.0,
        "seed": 0,
        "negative_prompt": "",
    }


@pytest.mark.parametrize("typed", ["abc", " abc ", "`abc`", "abc.png", "abc-2.png", "abc-3", "abc.jpg"])
def test_an_id_is_read_from_what_stands_below_a_picture_or_names_its_file(typed: str) -> None:
    assert read_id(typed) == "abc"


@pytest.mark.parametrize(
    ("typed", "number"), [("abc", 1), ("abc.png", 1), ("abc-2.png", 2), ("`abc-3`", 3), ("abc-x", 1), ("abc-0", 0)]
)
def test_a_files_name_says_which_picture_is_meant(typed: str, number: int) -> None:
    assert read_picture(typed) == ("abc", number)


@pytest.mark.parametrize(("number", "seed"), [(1, 7), (2, 8), (0, None), (3, None)])
def test_each_picture_has_its_own_seed(number: int, seed: int | None) -> None:
    generation = a_generation(recipe=a_recipe(seeds=(7, 8)))
    if seed is None:
        with pytest.raises(NotFound, match=f"abcdefghjk-{number}"):
            seed_of(generation, number)
    else:
        assert seed_of(generation, number) == seed


async def test_a_suggestion_that_fails_is_none(caplog: pytest.LogCaptureFixture) -> None:
    @never_failing
    async def broken(interaction: object, current: str) -> list[object]:
        raise KeyError(current)

    with caplog.at_level(logging.ERROR):
        assert await broken(None, "x") == []
    assert "no suggestions" in caplog.text
