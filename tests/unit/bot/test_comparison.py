"""Comma lists become the sides of a sheet, and each cell of it asks for what its labels say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.comparison import CELLS_LIMIT, Comparison, Side, compose, items, value
from bot.errors import BadComparison, ComparisonFault
from tests.recipes import a_recipe


def lists(**typed: str) -> dict[str, list[tuple[str, Any]]]:
    return {
        option: [(item, value(option, item)) for item in items(option, text)] for option, text in typed.items()
    }


def test_the_first_list_goes_across_and_the_second_one_down() -> None:
    sides, wishes = compose(lists(steps="10, 20, 30", guidance="3,7.5"))
    assert sides == (
        Side(option="steps", values=("10", "20", "30")),
        Side(option="guidance", values=("3", "7.5")),
    )
    assert [(wish["num_inference_steps"], wish["guidance_scale"]) for wish in wishes] == [
        (10, 3.0),
        (20, 3.0),
        (30, 3.0),
        (10, 7.5),
        (20, 7.5),
        (30, 7.5),
    ]


def test_a_single_value_holds_for_all_cells_and_is_no_side() -> None:
    sides, wishes = compose(lists(steps="5", seed="1, 2", model="storybook"))
    assert [side.option for side in sides] == ["seed"]
    assert wishes == [{"num_inference_steps": 5, "seed": seed, "model": "storybook"} for seed in ("1", "2")]


@given(
    steps=st.lists(st.integers(1, 150), min_size=1, max_size=8, unique=True),
    guidance=st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True),
)
def test_every_cell_is_called_what_it_asks_for(steps: list[int], guidance: list[int]) -> None:
    typed = lists(steps=", ".join(map(str, steps)), guidance=", ".join(map(str, guidance)))
    count = len(steps) * len(guidance)
    if count == 1 or count > CELLS_LIMIT:
        with pytest.raises(BadComparison):
            compose(typed)
        return
    sides, wishes = compose(typed)
    comparison = Comparison(prompt="a cat", sides=sides, recipes=(a_recipe(),) * count)
    assert len(comparison.names) == len(wishes) == count
    fields = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
    for names, wish in zip(comparison.names, wishes, strict=True):
        assert len(names) == len(sides)
        for name in names:
            option, _, shown = name.partition(" ")
            assert wish[fields[option]] == float(shown)
    assert Comparison.from_json(comparison.to_json()) == comparison


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, ComparisonFault.NOTHING),
        ({"steps": "10", "seed": "7"}, ComparisonFault.NOTHING),
        ({"steps": "10, 20, 10"}, ComparisonFault.TWICE),
        ({"guidance": "7, 7.0"}, ComparisonFault.TWICE),
        ({"scheduler": "ddim, DDIM"}, ComparisonFault.TWICE),
        ({"steps": "1,2", "guidance": "1,2", "seed": "1,2"}, ComparisonFault.TOO_MANY_LISTS),
        ({"steps": ",".join(map(str, range(1, 18)))}, ComparisonFault.TOO_MANY_CELLS),
        ({"steps": ",".join(map(str, range(1, 10))), "seed": "1,2"}, ComparisonFault.TOO_MANY_CELLS),
        ({"steps": "7.5"}, ComparisonFault.NO_WHOLE_NUMBER),
        ({"guidance": "nan, 3"}, ComparisonFault.NO_NUMBER),
        ({"guidance": "1e999"}, ComparisonFault.NO_NUMBER),
        ({"model": ",,"}, ComparisonFault.EMPTY),
    ],
)
def test_what_makes_no_sheet_is_refused(typed: dict[str, str], fault: ComparisonFault) -> None:
    with pytest.raises(BadComparison) as caught:
        compose(lists(**typed))
    assert caught.value.fault is fault


def test_a_scheduler_may_be_typed_in_small_letters() -> None:
    assert value("scheduler", "dpm++ 2m karras") == "DPM++ 2M Karras"
    assert value("scheduler", "nobody's") == "nobody's"  # refused with the others' names when the recipe is made


@pytest.mark.parametrize(("count", "across"), [(2, 2), (4, 4), (5, 4), (16, 4)])
def test_one_long_list_is_broken_into_rows(count: int, across: int) -> None:
    side = Side(option="seed", values=tuple(map(str, range(count))))
    assert Comparison(prompt="a cat", sides=(side,), recipes=()).across == across
