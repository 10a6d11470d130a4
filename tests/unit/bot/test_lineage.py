"""The laws of lineage: every change from parent to child is found, and nothing that did not change."""

from dataclasses import fields
from typing import Any

import pytest

from bot.lineage import Changed, Field, Reworded, changes, draws_again
from generation import Environment, Mode, Recipe, Scheduler, Style
from tests.recipes import a_recipe

STYLE = Style(name="ink", title="Ink", prompt="{prompt}, ink")


def test_the_same_recipe_has_not_changed_wherever_it_was_drawn() -> None:
    environment = Environment(
        device="cpu", dtype="float32", threads=1, batch_size=1, model_revision="1", versions={}
    )
    assert changes(a_recipe(), a_recipe().drawn_in(environment)) == ()


CHANGES: list[tuple[Field, dict[str, Any], object, object]] = [
    (Field.MODEL, {"model": "sd-1.5"}, "storybook", "sd-1.5"),
    (Field.STYLE, {"style": STYLE}, None, "ink"),
    (Field.MODE, {"mode": Mode.DEPTH}, Mode.TEXT_TO_IMAGE, Mode.DEPTH),
    (Field.SOURCE, {"source": "f" * 64}, None, "f" * 64),
    (Field.MASK, {"mask": "e" * 64}, None, "e" * 64),
    (Field.CONTROL, {"control": "edges-sd1"}, None, "edges-sd1"),
    (Field.BLEND, {"blend": 0.0}, None, 0.0),
    (Field.STRENGTH, {"strength": 0.0}, None, 0.0),
    (Field.SCALE, {"scale": 2.0}, None, 2.0),
    (Field.SEED, {"seeds": (0,)}, 7, 0),
    (Field.VARIATION, {"variation": 0.3, "variation_seeds": (4,)}, None, 0.3),
    (Field.COUNT, {"seeds": (7, 8)}, 1, 2),
    (Field.SIZE, {"width": 128}, "256x256", "128x256"),
    (Field.SIZE, {"height": 128}, "256x256", "256x128"),
    (Field.STEPS, {"num_inference_steps": 5}, 20, 5),
    (Field.GUIDANCE, {"guidance_scale": 0.0}, 4.0, 0.0),
    (Field.SCHEDULER, {"scheduler": Scheduler.EULER}, Scheduler.DDIM, Scheduler.EULER),
    (Field.CLIP_SKIP, {"clip_skip": 2}, 1, 2),
]
WORDS = ("prompt", "negative_prompt")


@pytest.mark.parametrize(("field", "values", "before", "after"), CHANGES)
def test_each_change_is_told_both_ways(
    field: Field, values: dict[str, Any], before: object, after: object
) -> None:
    parent, child = a_recipe(), a_recipe(**values)
    assert changes(parent, child) == (Changed(field=field, before=before, after=after),)  # type: ignore[arg-type]
    assert changes(child, parent) == (Changed(field=field, before=after, after=before),)  # type: ignore[arg-type]


def test_several_changes_come_in_the_order_of_the_fields() -> None:
    child = a_recipe(seeds=(9,), guidance_scale=5.0, prompt="a red cat at night")
    assert [change.field for change in changes(a_recipe(), child)] == [Field.PROMPT, Field.SEED, Field.GUIDANCE]


@pytest.mark.parametrize("field", WORDS)
@pytest.mark.parametrize(
    ("before", "after", "added", "removed"),
    [
        ("a red cat", "a red cat at night", ("at night",), ()),
        ("a red cat at night", "a red cat", (), ("at night",)),
        ("a red cat in the snow", "a blue cat in the snow", ("blue",), ("red",)),
        ("a cat, a dog", "one cat, one dog", ("one", "one"), ("a", "a")),
    ],
)
def test_an_edited_prompt_is_told_by_its_words(
    field: str, before: str, after: str, added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    [change] = changes(a_recipe(**{field: before}), a_recipe(**{field: after}))
    assert change == Reworded(field=Field(field), added=added, removed=removed)


def test_another_prompt_is_no_edit_and_spaces_are_no_change() -> None:
    [change] = changes(a_recipe(prompt="a red cat"), a_recipe(prompt="two ships on the sea"))
    assert isinstance(change, Changed)
    assert changes(a_recipe(prompt="a  red\ncat"), a_recipe(prompt=" a red cat ")) == ()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"seeds": (7,)},
        {"seeds": (9, 8)},
    ],
)
def test_some_or_all_pictures_of_a_recipe_are_it_drawn_again(values: dict[str, Any]) -> None:
    assert draws_again(a_recipe(**{"seeds": (7, 8, 9)} | values), a_recipe(seeds=(7, 8, 9)))


@pytest.mark.parametrize("values", [{"seeds": (7, 10)}, {"prompt": "a red  cat"}, {"guidance_scale": 4.5}])
def test_anything_else_is_another_recipe(values: dict[str, Any]) -> None:
    assert not draws_again(a_recipe(**{"seeds": (7,)} | values), a_recipe(seeds=(7, 8, 9)))


def test_neighbours_are_told_apart_by_their_variation_seeds() -> None:
    neighbours = a_recipe(seeds=(7, 7), variation=0.3, variation_seeds=(1, 2))
    assert draws_again(a_recipe(seeds=(7,), variation=0.3, variation_seeds=(2,)), neighbours)
    assert not draws_again(a_recipe(seeds=(7,), variation=0.3, variation_seeds=(3,)), neighbours)


def test_every_field_of_a_recipe_is_told_or_follows_from_one_that_is() -> None:
    told = {*WORDS, *(name for _, values, _, _ in CHANGES for name in values)}
    follows = {"margins", "first_size", "turned", "words", "environment"}
    assert {each.name for each in fields(Recipe)} == told | follows
