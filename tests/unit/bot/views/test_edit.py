"""What the Edit button's modal was answered with is what was changed, and nothing else."""

from typing import Any

import pytest

from bot.pick import Pick
from bot.views import Edited
from bot.views.edit import settings
from generation import NO_STYLE, Recipe, Style
from tests.recipes import a_recipe

INK = Style(name="ink", title="Ink", prompt="{prompt}, ink")


def changes(recipe: Recipe, typed: str) -> dict[str, Any]:
    return Edited(pick=Pick(generation_id="abc"), fields={"settings": typed}).changes(recipe)


@pytest.mark.parametrize("model", ["storybook", "My Model", 'My "good" model', "it's a model"])
def test_what_was_left_alone_is_no_change(model: str) -> None:
    recipe = a_recipe(model=model, style=INK)
    assert changes(recipe, settings(recipe)) == {}
    assert changes(recipe, f"{settings(recipe)} --size 16:9".replace("--size 256x256 ", "")) == {"size": "16:9"}


def test_what_was_taken_out_is_no_longer_asked_for() -> None:
    recipe = a_recipe(style=INK)
    assert changes(recipe, settings(recipe).replace(' --style "ink"', "")) == {"style": NO_STYLE}
    assert changes(recipe, settings(recipe).replace(" --steps 20", "")) == {"num_inference_steps": None}
