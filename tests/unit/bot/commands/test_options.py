"""Options keep their zeros, get their names, and an id may be pasted as people find it."""

import logging

import pytest

from bot.commands.options import given, never_failing, read_id


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


async def test_a_suggestion_that_fails_is_none(caplog: pytest.LogCaptureFixture) -> None:
    @never_failing
    async def broken(interaction: object, current: str) -> list[object]:
        raise KeyError(current)

    with caplog.at_level(logging.ERROR):
        assert await broken(None, "x") == []
    assert "no suggestions" in caplog.text
