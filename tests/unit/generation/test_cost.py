"""What a recipe costs grows with its work, and is learned from what ran."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import CostModel, Estimate, Family, Mode, Size
from generation.cost import units
from tests.recipes import a_model, a_recipe


def test_twice_the_pictures_cost_twice() -> None:
    costs = CostModel({})
    one = costs.predict(a_recipe(seeds=(1,)), a_model(), "cpu").likely
    assert costs.predict(a_recipe(seeds=(1, 2)), a_model(), "cpu").likely == pytest.approx(2 * one)


def test_without_guidance_it_costs_less() -> None:
    costs = CostModel({})
    guided = costs.predict(a_recipe(guidance_scale=7.5), a_model(), "cpu").likely
    assert costs.predict(a_recipe(guidance_scale=1.0), a_model(), "cpu").likely < 0.65 * guided


def test_a_weak_strength_costs_only_the_steps_that_run() -> None:
    costs = CostModel({})
    whole = costs.predict(a_recipe(), a_model(), "cpu").likely
    weak = a_recipe(mode=Mode.IMAGE_TO_IMAGE, strength=0.25, source="ab")
    assert costs.predict(weak, a_model(), "cpu").likely < 0.5 * whole


def test_a_first_pass_is_counted_too() -> None:
    large = {"width": 1024, "height": 1024}
    costs = CostModel({})
    one = costs.predict(a_recipe(**large), a_model(), "cpu").likely
    two = costs.predict(a_recipe(**large, first_size=Size(width=512, height=512)), a_model(), "cpu").likely
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
    learned = costs.learn(a_recipe(), a_model(), seconds, "cpu")
    assert CostModel(learned).predict(a_recipe(), model, "cpu").likely == pytest.approx(max(seconds, 0.1))


def test_one_odd_run_moves_the_prediction_by_less_than_a_third() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    costs.learn(a_recipe(), a_model(), 10, "cpu")
    costs.learn(a_recipe(), a_model(), 20, "cpu")
    assert 10 < costs.predict(a_recipe(), model, "cpu").likely <= 13.4


def test_another_device_is_learned_apart() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    costs.learn(a_recipe(), a_model(), 100, "cpu")
    assert costs.predict(a_recipe(), model, "cuda:0").likely < 10


def test_before_anything_ran_it_is_a_guess_and_no_narrow_one() -> None:
    guess = CostModel({}).predict(a_recipe(), a_model(), "cpu")
    assert not guess.learned
    assert guess.most > 4 * guess.least


def test_runs_alike_make_a_prediction_sure_and_odd_ones_unsure_again() -> None:
    costs, model = CostModel({}), a_model(name="storybook")

    def width(*runs: float) -> float:
        for seconds in runs:
            costs.learn(a_recipe(), model, seconds, "cpu")
        told = costs.predict(a_recipe(), model, "cpu")
        assert told.learned
        return told.most / told.least

    first = width(10)
    sure = width(10, 10, 10, 10, 10, 10)
    assert sure < 1.3 < first
    assert width(30) > 2 > sure


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3, 0.8])
def test_most_runs_take_as_long_as_was_said(noise: float) -> None:
    chance = random.Random(7)  # noqa: S311 (runs that can be repeated)
    model, within = a_model(name="storybook"), []
    for _ in range(20):
        costs = CostModel({})
        for run in range(30):
            seconds = 10 * chance.lognormvariate(0, noise)
            told = costs.predict(a_recipe(), model, "cpu")
            within += [told.least <= seconds <= told.most] if run > 3 else []
            costs.learn(a_recipe(), model, seconds, "cpu")
    assert 0.7 < sum(within) / len(within) < 0.95


def test_each_size_is_learned_apart_and_another_size_is_less_sure() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    small, large = a_recipe(width=512, height=512), a_recipe(width=1024, height=1024)
    for _ in range(8):
        costs.learn(small, model, 10, "cpu")
    known, other = costs.predict(small, model, "cpu"), costs.predict(large, model, "cpu")
    assert other.learned
    assert other.likely == pytest.approx(4 * 10)
    assert other.most / other.least > known.most / known.least
    costs.learn(large, model, 80, "cpu")  # attention: eight times as long, not four times
    assert costs.predict(large, model, "cpu").likely == pytest.approx(80)
    assert costs.predict(small, model, "cpu").likely == pytest.approx(10)


def test_what_comes_one_after_the_other_adds_up_and_is_as_much_of_a_guess_as_its_parts() -> None:
    guess = Estimate(likely=2, least=1, most=6, learned=False)
    assert Estimate.sure(3) + guess == Estimate(likely=5, least=4, most=9, learned=False)
