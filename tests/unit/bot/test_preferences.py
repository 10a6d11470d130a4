"""A member's own defaults fill what is left open, and nothing else."""

import pytest

from bot.preferences import Defaults
from generation import (
    BadSize,
    Catalogue,
    Mode,
    OutOfRange,
    Range,
    Request,
    Scheduler,
    Size,
    SizeBounds,
    Styles,
    UnknownChoice,
)
from tests.recipes import a_model

SMALL = a_model(
    name="small",
    size=SizeBounds(native=Size(width=64, height=64), grid=16, minimum=32, maximum=128),
    steps=Range.of(1, 4, 8),
    guidance=Range.of(0.0, 1.0, 2.0),
)
CATALOGUE = Catalogue({"big": a_model(name="big"), "small": SMALL}, default="big")
STYLES = Styles.read()
ALL = Defaults(
    model="big",
    style="ink",
    size="512x768",
    num_inference_steps=30,
    guidance_scale=0.0,
    scheduler=Scheduler.HEUN,
    negative_prompt="fog",
    count=3,
    private=True,
)


def filled(defaults: Defaults, **asked: object) -> Request:
    return defaults.filled(Request(**{"prompt": "a cat"} | asked), catalogue=CATALOGUE, styles=STYLES)


def test_every_hole_is_filled_and_zero_is_a_value() -> None:
    assert filled(ALL) == Request(
        prompt="a cat",
        model="big",
        style="ink",
        size="512x768",
        num_inference_steps=30,
        guidance_scale=0.0,
        scheduler=Scheduler.HEUN,
        negative_prompt="fog",
        count=3,
    )


def test_what_is_asked_for_stays_as_asked() -> None:
    asked = {
        "model": "big",
        "style": "none",
        "size": "square",
        "num_inference_steps": 5,
        "guidance_scale": 1.0,
        "scheduler": "DDIM",
        "negative_prompt": "",
        "count": 1,
    }
    assert filled(ALL, **asked) == Request(prompt="a cat", **asked)


def test_what_another_model_cannot_take_is_passed_over() -> None:
    request = filled(ALL, model="small")
    assert (request.num_inference_steps, request.size) == (None, None)
    assert (request.guidance_scale, request.style, request.count) == (0.0, "ink", 3)


def test_a_source_keeps_its_own_shape() -> None:
    assert filled(ALL, source="0" * 64).size is None


def test_a_model_and_a_style_that_are_gone_are_passed_over() -> None:
    request = filled(Defaults(model="gone", style="gone"))
    assert (request.model, request.style) == (None, None)


def test_a_model_that_cannot_do_what_is_asked_is_passed_over() -> None:
    request = filled(ALL, source="0" * 64, mode=Mode.DEPTH)
    assert (request.model, request.style) == (None, "ink")


def test_enlarging_takes_nothing_from_the_settings() -> None:
    asked = {"source": "0" * 64, "mode": Mode.UPSCALE}
    assert filled(ALL, **asked) == Request(prompt="a cat", **asked)


def test_nothing_set_fills_nothing() -> None:
    assert filled(Defaults()) == Request(prompt="a cat")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"num_inference_steps": 9}, OutOfRange),
        ({"guidance_scale": 9.0}, OutOfRange),
        ({"size": "17x17"}, BadSize),
        ({"style": "nonsense"}, UnknownChoice),
        ({"model": "nonsense"}, UnknownChoice),
        ({"scheduler": "nonsense"}, UnknownChoice),
        ({"count": 5}, OutOfRange),
    ],
)
def test_a_change_that_its_model_cannot_take_is_refused(
    changes: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Defaults(model="small").changed(changes, catalogue=CATALOGUE, styles=STYLES)


def test_only_what_changes_is_held_against_the_model() -> None:
    changed = ALL.changed({"model": "small", "style": "Pixel art"}, catalogue=CATALOGUE, styles=STYLES)
    assert changed.model == "small"
    assert changed.style == "pixel-art"
    assert changed.num_inference_steps == 30
    assert ALL.changed({"style": None}, catalogue=CATALOGUE, styles=STYLES).style is None


def test_what_is_gone_does_not_stand_in_the_way_of_a_change() -> None:
    kept = Defaults(model="gone", style="gone").changed({"count": 2}, catalogue=CATALOGUE, styles=STYLES)
    assert kept == Defaults(count=2)
