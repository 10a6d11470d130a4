"""How a way of drawing is chosen, and what of a canvas is new."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import (
    BadPicture,
    Mode,
    Model,
    NotForThisModel,
    OutOfRange,
    Recipe,
    Request,
    Size,
    SizeBounds,
    Use,
    complete,
)
from generation.errors import NeedsPicture, NotThisMode
from generation.mode import Direction, Margins, canvas
from tests.recipes import a_model

A, B = "a" * 64, "b" * 64
BOUNDS = SizeBounds(native=Size(width=512, height=512), grid=8, minimum=256, maximum=1024)
SQUARE = Size(width=512, height=512)


def done(request: Request, *, model: Model | None = None, source: Size | None = SQUARE) -> Recipe:
    size = source if request.source is not None else None
    return complete(request, model=model or a_model(), source_size=size, chance=random.Random(1))  # noqa: S311


def asked(**values: Any) -> Request:
    return Request(**{"prompt": "a red cat"} | values)


@pytest.mark.parametrize(
    ("given_", "mode"),
    [
        ({}, Mode.TEXT_TO_IMAGE),
        ({"source": A}, Mode.IMAGE_TO_IMAGE),
        ({"source": A, "mask": B}, Mode.INPAINT),
        ({"source": A, "direction": Direction.LEFT}, Mode.OUTPAINT),
        ({"source": A, "mode": Mode.OUTPAINT}, Mode.OUTPAINT),
        ({"source": A, "mode": Mode.IMAGE_TO_IMAGE}, Mode.IMAGE_TO_IMAGE),
    ],
)
def test_what_was_given_decides_where_nobody_said(given_: dict[str, Any], mode: Mode) -> None:
    assert done(asked(**given_)).mode is mode


@pytest.mark.parametrize(
    ("can", "given_", "mode"),
    [
        ((Use.DEPTH,), {"source": A}, Mode.DEPTH),
        ((Use.UPSCALE,), {"source": A}, Mode.UPSCALE),
        ((Use.INPAINT,), {"source": A, "mask": B}, Mode.INPAINT),
    ],
)
def test_a_model_made_for_one_thing_does_that(can: tuple[Use, ...], given_: dict[str, Any], mode: Mode) -> None:
    assert done(asked(**given_), model=a_model(can=can)).mode is mode


@pytest.mark.parametrize(
    ("can", "given_", "argument"),
    [
        ((Use.TEXT, Use.IMAGE), {"mode": Mode.IMAGE_TO_IMAGE}, "image"),
        ((Use.TEXT, Use.INPAINT), {"mode": Mode.INPAINT, "source": A}, "mask"),
        ((Use.TEXT, Use.INPAINT), {"direction": Direction.UP}, "image"),
        ((Use.DEPTH,), {}, "image"),
        ((Use.INPAINT,), {"source": A}, "mask"),
        ((Use.UPSCALE,), {}, "image"),
    ],
)
def test_what_is_missing_is_named(can: tuple[Use, ...], given_: dict[str, Any], argument: str) -> None:
    with pytest.raises(NeedsPicture) as missing:
        done(asked(**given_), model=a_model(can=can))
    assert missing.value.argument == argument


@pytest.mark.parametrize(
    ("can", "given_"),
    [
        ((Use.TEXT,), {"source": A}),
        ((Use.TEXT, Use.IMAGE), {"source": A, "mask": B}),
        ((Use.TEXT, Use.IMAGE, Use.INPAINT), {"source": A, "mode": Mode.DEPTH}),
        ((Use.DEPTH,), {"source": A, "mode": Mode.IMAGE_TO_IMAGE}),
    ],
)
def test_a_model_is_not_asked_for_what_it_is_not_made_for(can: tuple[Use, ...], given_: dict[str, Any]) -> None:
    with pytest.raises(NotThisMode):
        done(asked(**given_), model=a_model(can=can))


@pytest.mark.parametrize(
    "given_",
    [
        {"strength": 0.5},
        {"source": A, "scale": 2.0},
        {"source": A, "mask": B, "mode": Mode.IMAGE_TO_IMAGE},
        {"source": A, "mask": B, "direction": Direction.UP},
    ],
)
def test_an_option_that_would_do_nothing_is_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(NotForThisModel):
        done(asked(**given_))


def test_a_variation_keeps_one_seed_and_counts_the_other() -> None:
    recipe = done(asked(seed=7, count=3, variation=0.3, variation_seed=2**32 - 1))
    assert recipe.seeds == (7, 7, 7)
    assert recipe.variation_seeds == (2**32 - 1, 0, 1)


def test_a_recipe_asked_again_is_the_same_recipe() -> None:
    for values in (
        {"seed": 7, "count": 3, "variation": 0.3},
        {"seed": 0, "source": A, "mask": B, "strength": 0.0},
        {"seed": 0, "source": A, "direction": Direction.LEFT},
        {"seed": 5, "size": "1024x768"},
    ):
        recipe = done(asked(**values))
        assert done(recipe.to_request()) == recipe
        assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("size", "first"),
    [("512x512", None), ("624x416", None), ("768x512", "624x416"), ("1024x1024", "512x512")],
)
def test_what_is_larger_than_the_model_has_learnt_is_drawn_small_first(size: str, first: str | None) -> None:
    recipe = done(asked(size=size))
    assert (recipe.first_size and str(recipe.first_size)) == first
    assert [each.size for each in recipe.passes][-1] == recipe.size


def test_upscaling_goes_as_far_as_the_model_can_and_no_further() -> None:
    model = a_model(can=(Use.UPSCALE,), size=SizeBounds(native=SQUARE, grid=32, minimum=256, maximum=4096))
    small, large = Size(width=300, height=200), Size(width=2048, height=1024)
    assert done(asked(source=A), model=model, source=small).size == Size(width=1200, height=800)
    assert done(asked(source=A), model=model, source=large).size == Size(width=4096, height=2048)
    assert done(asked(source=A, scale=1.5), model=model, source=small).size == Size(width=450, height=300)
    with pytest.raises(OutOfRange):
        done(asked(source=A, scale=4.0), model=model, source=large)
    with pytest.raises(BadPicture):
        done(asked(source=A), model=model, source=Size(width=5000, height=1000))


def test_a_picture_grows_by_half_of_its_side_and_keeps_its_pixels() -> None:
    size, margins = canvas(BOUNDS, SQUARE, Direction.RIGHT, None)
    assert size == Size(width=768, height=512)
    assert margins == Margins(left=0, top=0, right=256, bottom=0)
    size, margins = canvas(BOUNDS, SQUARE, Direction.ALL, None)
    assert size == Size(width=768, height=768)
    assert margins == Margins(left=128, top=128, right=128, bottom=128)


def test_a_picture_that_fills_the_model_is_made_smaller_to_grow() -> None:
    size, margins = canvas(BOUNDS, Size(width=1024, height=1024), Direction.UP, None)
    assert max(size.width, size.height) == 1024
    assert margins.top > 0
    assert margins.left + margins.right + margins.bottom == 0


@pytest.mark.parametrize("direction", list(Direction))
def test_a_picture_too_narrow_for_the_model_grows_where_it_is_to_and_keeps_its_shape(direction: Direction) -> None:
    size, margins = canvas(BOUNDS, Size(width=2048, height=512), direction, None)
    kept = (size.width - margins.left - margins.right, size.height - margins.top - margins.bottom)
    assert kept[0] / kept[1] == pytest.approx(4, rel=0.05)
    assert margins.direction is direction


@given(
    st.integers(16, 2048),
    st.integers(16, 2048),
    st.sampled_from(Direction),
    st.none() | st.tuples(st.integers(32, 128), st.integers(32, 128)),
)
def test_every_canvas_can_be_drawn(
    width: int, height: int, direction: Direction, asked_: tuple[int, int] | None
) -> None:
    wanted = None if asked_ is None else Size(width=asked_[0] * 8, height=asked_[1] * 8)
    size, margins = canvas(BOUNDS, Size(width=width, height=height), direction, wanted)
    assert wanted in {None, size}
    for side, margin in (
        (size.width, margins.left + margins.right),
        (size.height, margins.top + margins.bottom),
    ):
        assert side % 8 == 0
        assert BOUNDS.minimum <= side <= BOUNDS.maximum
        assert 0 <= margin < side
    assert all(margin % 8 == 0 and margin >= 0 for margin in vars(margins).values())
    asked_for = {
        Direction.LEFT: (margins.left,),
        Direction.RIGHT: (margins.right,),
        Direction.UP: (margins.top,),
        Direction.DOWN: (margins.bottom,),
        Direction.ALL: tuple(vars(margins).values()),
    }
    assert min(asked_for[direction]) > 0
