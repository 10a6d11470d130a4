"""A picture's request forgets what another picture, mask or way of drawing makes meaningless, and nothing else."""

from typing import Any

import pytest

from bot.reuse import used_otherwise
from generation import Direction, Margins, Mode, Recipe
from tests.recipes import a_recipe

SOURCE, MASK, OTHER = "a" * 64, "b" * 64, "c" * 64
REDRAWN = a_recipe(mode=Mode.IMAGE_TO_IMAGE, source=SOURCE, strength=0.4)
INPAINTED = a_recipe(mode=Mode.INPAINT, source=SOURCE, mask=MASK, strength=0.9)
WIDENED = a_recipe(
    mode=Mode.OUTPAINT, source=SOURCE, strength=1.0, margins=Margins(left=0, top=0, right=64, bottom=0)
)
ENLARGED = a_recipe(mode=Mode.UPSCALE, source=SOURCE, scale=2.0)

BETWEEN = a_recipe(mode=Mode.BLEND, source=SOURCE, strength=0.5, blend=0.3)


@pytest.mark.parametrize("recipe", [a_recipe(), REDRAWN, INPAINTED, WIDENED, ENLARGED, BETWEEN])
def test_without_a_change_it_is_the_same_request(recipe: Recipe) -> None:
    assert used_otherwise(recipe, {"prompt": "a blue cat", "seed": 3}) == recipe.to_request()


@pytest.mark.parametrize(
    ("recipe", "changes", "expected"),
    [
        (a_recipe(), {"source": OTHER}, {"mode": None, "strength": None}),
        (REDRAWN, {"source": OTHER}, {"mode": Mode.IMAGE_TO_IMAGE, "strength": 0.4}),
        (INPAINTED, {"source": OTHER}, {"mode": None, "mask": None, "strength": None}),
        (REDRAWN, {"mask": MASK}, {"mode": None, "strength": None}),
        (REDRAWN, {"mode": Mode.DEPTH}, {"strength": None, "source": SOURCE}),
        (INPAINTED, {"mode": Mode.IMAGE_TO_IMAGE}, {"mask": None, "strength": None}),
        (WIDENED, {"direction": Direction.UP}, {"mode": Mode.OUTPAINT, "margins": None, "size": None}),
        (WIDENED, {"size": "512x512"}, {"margins": None, "direction": Direction.RIGHT}),
        (WIDENED, {"mode": Mode.IMAGE_TO_IMAGE}, {"margins": None, "size": None, "strength": None}),
        (BETWEEN, {"source": OTHER}, {"mode": None, "blend": None}),
        (ENLARGED, {"source": OTHER}, {"mode": Mode.UPSCALE, "scale": 2.0}),
        (ENLARGED, {"mode": Mode.IMAGE_TO_IMAGE}, {"scale": None, "size": None}),
    ],
)
def test_a_change_takes_along_what_hangs_on_it(
    recipe: Recipe, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    request = used_otherwise(recipe, changes)
    assert {name: getattr(request, name) for name in expected} == expected
