"""A picture's recipe is asked again as it is, as far as the model goes, and what differs is told."""

from typing import Any

import pytest

from bot import wording
from bot.redraw import Redrawn, redrawn
from generation import Catalogue, FoundRecipe, Mode, Scheduler, UnknownChoice
from tests.recipes import a_model

CATALOGUE = Catalogue(
    {"storybook": a_model(name="storybook"), "sd-1.5": a_model(name="sd-1.5", title="Stable Diffusion 1.5")},
    default="storybook",
)


def again(changes: dict[str, Any] | None = None, *, has_image: bool = False, **options: Any) -> Redrawn:
    found = FoundRecipe(program="AUTOMATIC1111", options={"prompt": "a cat"} | options)
    return redrawn(found, changes or {}, CATALOGUE, has_image=has_image)


def test_what_fits_is_asked_for_as_it_was() -> None:
    options = {
        "seed": 0,
        "guidance_scale": 0.0,
        "scheduler": Scheduler.DDIM,
        "size": "512x512",
        "model": "storybook",
    }
    assert again(**options).options == {"prompt": "a cat"} | options


def test_what_is_said_goes_before_what_is_found() -> None:
    asked = again({"prompt": "a dog", "size": "1:1", "seed": 0}, size="1x1", seed=7, model="sd-1.5")
    assert asked.options == {"prompt": "a dog", "size": "1:1", "seed": 0, "model": "sd-1.5"}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("v1-5-pruned-emaonly", "sd-1.5"),
        ("Stable Diffusion 1.5", "sd-1.5"),
        ("stable-diffusion-1.5", "sd-1.5"),
        ("storybook", "storybook"),
    ],
)
def test_the_nearest_model_draws(name: str, model: str) -> None:
    asked = again(model=name)
    assert asked.options["model"] == model
    assert asked.instead == ("" if name == model else name)


def test_a_model_unlike_any_other_is_refused_unless_one_is_named() -> None:
    for name in ("dreamlike-anime", "dreamshaper_8"):  # of which the second is no LCM Dreamshaper
        with pytest.raises(UnknownChoice):
            again(model=name)
    assert again({"model": "sd-1.5"}, model="dreamlike-anime").options["model"] == "sd-1.5"


def test_what_the_model_cannot_do_is_left_to_it_and_told() -> None:
    asked = again(size="500x501", num_inference_steps=9999, guidance_scale=7.0)
    assert asked.options == {"prompt": "a cat", "guidance_scale": 7.0, "model": "storybook"}
    lines = wording.redrawn(FoundRecipe(program="ComfyUI", options={}, not_taken=("VAE x",)), asked)
    assert lines[1] == "Its steps and size would not fit storybook, which takes its own."
    assert "VAE x" in lines[2]


def test_a_strength_needs_the_picture_that_it_left() -> None:
    assert again(strength=0.5).source_wanted
    assert "strength" not in again(strength=0.5).options
    assert again(strength=0.5, mode=Mode.EDGES, control="x").options == again().options
    assert again(strength=0.5, mode=Mode.EDGES, has_image=True).options["mode"] is Mode.EDGES
    assert again(strength=0.5, has_image=True).options["strength"] == 0.5
