"""What a recipe costs grows with its work, and is learned from what ran."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import CostModel
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
    assert costs.predict(a_recipe(strength=0.25, source="ab"), a_model(), "cpu") < 0.5 * whole


@given(st.floats(0.05, 500))
def test_after_one_run_the_same_recipe_is_predicted_as_it_was(seconds: float) -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    key, rate = costs.learn(a_recipe(), seconds, "cpu")
    assert CostModel({key: rate}).predict(a_recipe(), model, "cpu") == pytest.approx(max(seconds, 0.1))


def test_one_odd_run_moves_the_prediction_by_less_than_a_third() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    costs.learn(a_recipe(), 10, "cpu")
    costs.learn(a_recipe(), 20, "cpu")
    assert 10 < costs.predict(a_recipe(), model, "cpu") <= 13.4


def test_another_device_is_learned_apart() -> None:
    costs, model = CostModel({}), a_model(name="storybook")
    costs.learn(a_recipe(), 100, "cpu")
    assert costs.predict(a_recipe(), model, "cuda:0") < 10
