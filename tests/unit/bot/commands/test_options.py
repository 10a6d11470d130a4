"""Options keep their zeros and get their names."""

import logging

import pytest

from bot.attachments import Source
from bot.commands.options import given, mode_given, never_failing, pictures_given
from generation import Mode, Size


def test_zero_was_given_and_none_was_not() -> None:
    options = given(steps=0, guidance=0.0, strength=0.0, seed=0, negative_prompt="", size=None)
    assert options == {
        "num_inference_steps": 0,
        "guidance_scale": 0.0,
        "strength": 0.0,
        "seed": 0,
        "negative_prompt": "",
    }


def test_what_was_uploaded_is_named_and_a_mask_comes_before_transparent_parts() -> None:
    source = Source(sha256="a" * 64, size=Size(width=8, height=8), corrections=(), holes="b" * 64)
    mask = Source(sha256="c" * 64, size=Size(width=8, height=8), corrections=())
    assert pictures_given(source, None) == {"source": "a" * 64, "mask": "b" * 64}
    assert pictures_given(source, mask) == {"source": "a" * 64, "mask": "c" * 64}
    assert pictures_given(None, None) == {}


def test_auto_asks_for_no_mode_and_nothing_leaves_it_as_it_was() -> None:
    assert mode_given("auto") == {"mode": None}
    assert mode_given("depth") == {"mode": Mode.DEPTH}
    assert mode_given(None) == {}


async def test_a_suggestion_that_fails_is_none(caplog: pytest.LogCaptureFixture) -> None:
    @never_failing
    async def broken(interaction: object, current: str) -> list[object]:
        raise KeyError(current)

    with caplog.at_level(logging.ERROR):
        assert await broken(None, "x") == []
    assert "no suggestions" in caplog.text
