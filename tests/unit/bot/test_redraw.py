"""A picture's recipe is asked again as it is, as far as the model goes, and what differs is told."""

from typing import Any

import pytest

from bot import wording
from bot.redraw import Redrawn, redrawn
from generation import (
    Catalogue,
    Family,
    FoundRecipe,
    Mode,
    NeedsPicture,
    NotFetched,
    Scheduler,
    UnknownChoice,
    Use,
)
from tests.recipes import a_model

CATALOGUE = Catalogue(
    {
        "storybook": a_model(name="storybook", harmless=True),
        "sd-1.5": a_model(name="sd-1.5", title="Stable Diffusion 1.5"),
        "sdxl": a_model(name="sdxl", family=Family.SDXL),
        "anime": a_model(name="anime"),
        "lanczos": a_model(name="lanczos", family=Family.LANCZOS, can=(Use.UPSCALE,)),
    },
    default="storybook",
)


def again(
    changes: dict[str, Any] | None = None,
    *,
    here: tuple[str, ...] = tuple(CATALOGUE),
    has_image: bool = False,
    **options: Any,
) -> Redrawn:
    found = FoundRecipe(program="AUTOMATIC1111", options={"prompt": "a cat"} | options)
    models = [CATALOGUE[name] for name in here]
    first = CATALOGUE.find(None)
    return redrawn(found, changes or {}, CATALOGUE, first=first, here=models, has_image=has_image)


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


@pytest.mark.parametrize(
    ("name", "here", "model"),
    [
        ("v1-5-pruned-emaonly", ("storybook", "sdxl", "anime"), "anime"),  # of its family
        ("sd-1.5", ("storybook", "sdxl"), "storybook"),  # whose family it only seems to be of
        ("sdxl", ("lanczos", "storybook", "anime"), "storybook"),
        ("sdxl", ("lanczos", "anime"), "anime"),
        ("dreamshaper_8", ("anime", "storybook"), "storybook"),
    ],
)
def test_for_a_model_that_is_not_here_one_that_is_here_draws_and_is_named(
    name: str, here: tuple[str, ...], model: str
) -> None:
    asked = again(model=name, here=here)
    assert asked.options["model"] == model
    lines = wording.redrawn(FoundRecipe(program="ComfyUI", options={}), asked)
    assert lines[1] == f"The model {name} is not here; {model} draws instead."


def test_where_no_model_is_here_to_draw_it_is_said_how_to_get_one() -> None:
    for name, fetched in (("v1-5-pruned-emaonly", "sd-1.5"), ("dreamshaper_8", "storybook")):
        with pytest.raises(NotFetched) as refused:
            again(model=name, here=("lanczos",))
        assert f"easel models add {fetched}" in wording.sentence(refused.value)
    assert again(here=()).options["model"] == "storybook"  # as without a recipe


def test_a_model_that_is_asked_for_is_never_replaced() -> None:
    assert again({"model": "sd-1.5"}, model="dreamlike-anime", here=()).options["model"] == "sd-1.5"
    with pytest.raises(UnknownChoice):
        again({"model": "dreamlike-anime"})


def test_a_larger_picture_is_made_of_the_one_that_is_given() -> None:
    larger = {"prompt": "", "mode": Mode.UPSCALE, "scale": 2.0, "model": "lanczos"}
    assert again(has_image=True, **larger).options == larger
    with pytest.raises(NeedsPicture, match="image"):
        again(**larger)
    with pytest.raises(NeedsPicture, match="image"):
        again({"prompt": "a dog"}, **larger)
    for changes in ({"model": "sd-1.5"}, {"mode": None}):  # another way of drawing has no scale
        assert again(changes, **larger).options == {"prompt": "", "model": "lanczos"} | changes


def test_a_model_that_makes_nothing_larger_leaves_that_to_one_that_does() -> None:
    asked = again({"mode": Mode.UPSCALE}, has_image=True, model="sd-1.5")
    assert asked.options["model"] == "lanczos"
    assert asked.instead == ""  # it is here


def test_what_the_model_cannot_do_is_left_to_it_and_told() -> None:
    asked = again(size="500x501", num_inference_steps=9999, guidance_scale=7.0)
    assert asked.options == {"prompt": "a cat", "guidance_scale": 7.0, "model": "storybook"}
    lines = wording.redrawn(FoundRecipe(program="ComfyUI", options={}, not_taken=("VAE x",)), asked)
    assert lines[1] == "Its steps and size would not fit storybook, which takes its own."
    assert "VAE x" in lines[2]


def test_a_model_that_knows_one_layer_of_its_text_encoder_takes_that() -> None:
    assert again(clip_skip=2, model="SDXL").left == ("clip_skip",)
    assert again(clip_skip=2, model="v1-5-pruned").options["clip_skip"] == 2


def test_a_strength_needs_the_picture_that_it_left() -> None:
    assert again(strength=0.5).source_wanted
    assert "strength" not in again(strength=0.5).options
    assert again(strength=0.5, mode=Mode.EDGES, control="x").options == again().options
    assert again(strength=0.5, mode=Mode.EDGES, has_image=True).options["mode"] is Mode.EDGES
    assert again(strength=0.5, has_image=True).options["strength"] == 0.5
