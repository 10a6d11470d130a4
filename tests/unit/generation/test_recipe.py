"""Holes are filled from the model, and nothing valid is taken for a hole."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import (
    SEED_LIMIT,
    BadPrompt,
    BadSize,
    Direction,
    EmptyText,
    Environment,
    Family,
    InvalidRequest,
    Mode,
    NotForThisModel,
    NotThisScheduler,
    OutOfRange,
    Recipe,
    Request,
    Scheduler,
    Size,
    SizeBounds,
    TooLong,
    UnknownChoice,
    Use,
    complete,
)
from generation.mode import canvas
from tests.recipes import a_model, a_recipe


def completed(source_size: Size | None = None, **values: object) -> Recipe:
    request = Request(**{"prompt": "a red cat"} | values)  # type: ignore[arg-type]
    return complete(request, model=a_model(), source_size=source_size, chance=random.Random(1))  # noqa: S311


def test_zero_is_a_value_and_not_a_hole() -> None:
    recipe = completed(seed=0, guidance_scale=0.0, strength=0.0, source="ab", source_size=Size(width=8, height=8))
    assert recipe.seeds == (0,)
    assert recipe.guidance_scale == 0.0
    assert recipe.strength == 0.0
    assert recipe.steps_run == 0


def test_holes_take_the_models_defaults() -> None:
    recipe = completed()
    assert recipe.size == Size(width=512, height=512)
    assert (recipe.num_inference_steps, recipe.guidance_scale) == (25, 7.5)
    assert recipe.mode is Mode.TEXT_TO_IMAGE
    assert recipe.strength is None


def test_clip_skip_is_kept_where_the_model_can_do_it() -> None:
    assert completed().clip_skip == completed(clip_skip=1).clip_skip == 1
    recipe = completed(clip_skip=2)
    assert recipe.clip_skip == recipe.to_request().clip_skip == 2
    for layer in (0, 13):
        with pytest.raises(OutOfRange):
            completed(clip_skip=layer)
    sdxl, chance = a_model(family=Family.SDXL), random.Random(1)  # noqa: S311
    with pytest.raises(NotForThisModel):
        complete(Request(prompt="a", clip_skip=2), model=sdxl, source_size=None, chance=chance)
    drawn = complete(Request(prompt="a", clip_skip=1), model=sdxl, source_size=None, chance=chance)
    assert complete(drawn.to_request(), model=sdxl, source_size=None, chance=chance) == drawn


@pytest.mark.parametrize("family", [Family.SD3, Family.FLUX])
def test_what_a_model_of_rectified_flow_cannot_do_is_refused(family: Family) -> None:
    model, chance = a_model(family=family, scheduler=Scheduler.EULER), random.Random(1)  # noqa: S311
    with pytest.raises(NotForThisModel):
        complete(Request(prompt="a", clip_skip=2), model=model, source_size=None, chance=chance)
    for scheduler in Scheduler:
        request = Request(prompt="a", scheduler=scheduler)
        if scheduler in model.schedulers:
            assert complete(request, model=model, source_size=None, chance=chance).scheduler is scheduler
        else:
            with pytest.raises(NotThisScheduler) as refused:
                complete(request, model=model, source_size=None, chance=chance)
            assert refused.value.choices == ("Euler", "Heun", "DPM++ 2M", "UniPC")


@pytest.mark.parametrize("argument", ["prompt", "negative_prompt"])
def test_a_prompt_that_cannot_be_drawn_is_refused_before_anything_is_recorded(argument: str) -> None:
    with pytest.raises(BadPrompt) as caught:
        completed(**{argument: "a [cat|dog]"})
    assert caught.value.argument == argument


def test_every_picture_has_a_seed_of_its_own_and_the_last_seed_wraps() -> None:
    assert completed(seed=SEED_LIMIT - 1, count=3).seeds == (SEED_LIMIT - 1, 0, 1)


def test_what_was_enlarged_is_enlarged_as_much_again() -> None:
    model, chance = a_model(can=(Use.UPSCALE,)), random.Random(1)  # noqa: S311
    source_size = Size(width=300, height=200)
    for scale, width in ((None, 1024), (2.0, 600)):
        request = Request(prompt="", mode=Mode.UPSCALE, source="ab", scale=scale)
        drawn = complete(request, model=model, source_size=source_size, chance=chance)
        assert drawn.width == width
        again = complete(drawn.to_request(), model=model, source_size=source_size, chance=chance)
        assert again == drawn


def test_margins_tell_the_direction_that_they_came_of() -> None:
    bounds, source = a_model().size, Size(width=256, height=256)
    for direction in Direction:
        _, margins = canvas(bounds, source, direction, None)
        assert margins.direction is direction


def test_a_source_keeps_its_aspect_unless_a_size_is_asked_for() -> None:
    wide = Size(width=1600, height=900)
    assert completed(source="ab", source_size=wide).size == Size(width=680, height=384)
    assert completed(source="ab", source_size=wide, size="512x512").size == Size(width=512, height=512)


@pytest.mark.parametrize(
    ("values", "error", "argument"),
    [
        ({"prompt": "   \n"}, EmptyText, "prompt"),
        ({"prompt": "x" * 5000}, TooLong, "prompt"),
        ({"negative_prompt": "x" * 5000}, TooLong, "negative_prompt"),
        ({"count": 9}, OutOfRange, "count"),
        ({"count": 0}, OutOfRange, "count"),
        ({"strength": 2.0, "source": "ab"}, OutOfRange, "strength"),
        ({"strength": float("nan"), "source": "ab"}, OutOfRange, "strength"),
        ({"seed": -1}, OutOfRange, "seed"),
        ({"seed": SEED_LIMIT}, OutOfRange, "seed"),
        ({"num_inference_steps": 0}, OutOfRange, "num_inference_steps"),
        ({"num_inference_steps": 151}, OutOfRange, "num_inference_steps"),
        ({"guidance_scale": float("inf")}, OutOfRange, "guidance_scale"),
        ({"scheduler": "Oiler"}, UnknownChoice, "scheduler"),
        ({"strength": 0.5}, NotForThisModel, "strength"),
        ({"size": "500x500"}, BadSize, "size"),
        ({"size": "64x64"}, BadSize, "size"),
        ({"size": "1:9999"}, BadSize, "size"),
        ({"size": "huge"}, BadSize, "size"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(
    values: dict[str, object], error: type[InvalidRequest], argument: str
) -> None:
    with pytest.raises(error) as refused:
        completed(source_size=Size(width=512, height=512), **values)
    assert refused.value.argument == argument


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownChoice) as refused:
        completed(scheduler="eulr a")
    assert refused.value.closest == "Euler a"


@given(st.text(max_size=30))
def test_any_text_is_a_size_or_a_refusal_that_names_a_possible_one(text: str) -> None:
    bounds = a_model().size
    try:
        size = bounds.read(text)
    except BadSize as refused:
        size = bounds.read(refused.closest)
    assert size.width % bounds.grid == size.height % bounds.grid == 0
    assert bounds.minimum <= min(size.width, size.height)
    assert max(size.width, size.height) <= bounds.maximum


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("landscape", "384x256"),
        ("portrait", "256x384"),
        ("square", "256x256"),
        ("1:1", "256x256"),
        ("3:2", "384x256"),
    ],
)
def test_a_size_that_the_model_has_learnt_stands_for_its_aspect(text: str, size: str) -> None:
    learnt = (Size(width=384, height=256), Size(width=256, height=384))
    bounds = SizeBounds(native=Size(width=256, height=256), grid=16, minimum=128, maximum=768, trained=learnt)
    assert str(bounds.read(text)) == size
    assert str(bounds.read("2:1")) == "368x176"


@given(
    st.text(min_size=1).filter(str.strip),
    st.integers(0, SEED_LIMIT - 1),
    st.sampled_from(Scheduler),
    st.booleans(),
)
def test_a_recipe_survives_its_json(prompt: str, seed: int, scheduler: Scheduler, drawn: bool) -> None:
    environment = Environment(
        device="cpu", dtype="float32", threads=2, batch_size=1, model_revision="ab", versions={"torch": "2"}
    )
    recipe = a_recipe(
        prompt=prompt, seeds=(seed,), scheduler=scheduler, environment=environment if drawn else None
    )
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    assert again.environment == recipe.environment


def test_a_recipe_asked_again_is_the_same_recipe() -> None:
    source_size = Size(width=1600, height=900)
    recipe = completed(source="ab", source_size=source_size, strength=0.3, count=2, seed=5)
    again = complete(
        recipe.to_request(),
        model=a_model(),
        source_size=source_size,
        chance=random.Random(2),  # noqa: S311
    )
    assert again == recipe
