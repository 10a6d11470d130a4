"""What a recipe costs grows with its work, and is learned from what ran."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import CostModel, Family, Mode, Size
from generation.cost import units
from tests.recipes import a_model, a_recipe


def test_twice_the_pictures_cost_twice() -> None:
    costs = CostModel({})
    one = costs.predict(a_recipe(seeds=(1,)), a_model(), "cpu")
    assert costs.predict(a_recipe(seeds=(1, 2)), a_model(), "cpu") == pytest.approx(2 * one)


def test_without_guidance_it_costs_less() -> None:
    costs = CostModel({})
    guided = costs.predict(a_recipe(guidance_scale=7.5), a_model(), "cpu")
    assert costs.predict(a_recipe(guidance_scale=1.0), a_model(), "cpu") < 0.65 * guided


def test_a_weak_strength_costs_only_the_steps_that_run() -> None:
    costs = CostModel({})
    whole = costs.predict(a_recipe(), a_model(), "cpu")
    weak = a_recipe(mode=Mode.IMAGE_TO_IMAGE, strength=0.25, source="ab")
    assert costs.predict(weak, a_model(), "cpu") < 0.5 * whole


def test_a_first_pass_is_counted_too() -> None:
    large = {"width": 1024, "height": 1024}
    costs = CostModel({})
    one = costs.predict(a_recipe(**large), a_model(), "cpu")
    two = costs.predict(a_recipe(**large, first_size=Size(width=512, height=512)), a_model(), "cpu")
    # A quarter of the pixels in all steps, then all of them in not quite half of the steps.
    assert 0.6 * one < two < one


@pytest.mark.parametrize(("scale", "side"), [(1.0, 1024), (2.0, 2048), (4.0, 4096)])
def test_upscaling_costs_what_its_tiles_cost_however_large_the_picture_becomes(scale: float, side: int) -> None:
    plain = {"num_inference_steps": 75, "guidance_scale": 9.0}
    tile = units(a_recipe(**plain, width=512, height=512), a_model())
    recipe = a_recipe(**plain, mode=Mode.UPSCALE, width=side, height=side, scale=scale, source="ab")
    assert units(recipe, a_model()) == pytest.approx(100 * tile)
    assert units(recipe, a_model(family=Family.LANCZOS)) < units(recipe, a_model())


@given(st.floats(0.05, 500))
def test_after_one_run_the_same_recipe_is_predicted_as_it_was(seconds: float) -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    key, rate = costs.learn(a_recipe(), a_model(), seconds, "cpu")
    assert CostModel({key: rate}).predict(a_recipe(), model, "cpu") == pytest.approx(max(seconds, 0.1))


def test_one_odd_run_moves_the_prediction_by_less_than_a_third() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    costs.learn(a_recipe(), a_model(), 10, "cpu")
    costs.learn(a_recipe(), a_model(), 20, "cpu")
    assert 10 < costs.predict(a_recipe(), model, "cpu") <= 13.4


def test_another_device_is_learned_apart() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    costs.learn(a_recipe(), a_model(), 100, "cpu")
    assert costs.predict(a_recipe(), model, "cuda:0") < 10
