"""An id may be pasted as people find it, and says which picture of several is meant."""

from pathlib import Path

import pytest

from bot.errors import NotFound
from bot.history import Picture
from bot.pick import Pick, alone, picture_of, seed_of, turns
from tests.recipes import a_generation, a_recipe


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("abc", None),
        (" abc ", None),
        ("`abc`", None),
        ("abc.png", None),
        ("abc-2.png", 2),
        ("SPOILER_abc-2.png", 2),
        ("`abc-3`", 3),
        ("abc.jpg", None),
        ("abc-x", None),
        ("abc-0", 0),
    ],
)
def test_an_id_is_read_from_what_stands_below_a_picture_or_names_its_file(typed: str, number: int | None) -> None:
    assert Pick.read(typed) == Pick(generation_id="abc", number=number)


def test_a_pick_is_read_from_what_it_is_written_as() -> None:
    for pick in (Pick(generation_id="abc"), Pick(generation_id="abc", number=3)):
        assert Pick.read(str(pick)) == pick


@pytest.mark.parametrize(("number", "seed"), [(1, 7), (2, 8), (0, None), (3, None)])
def test_each_picture_has_its_own_seed(number: int, seed: int | None) -> None:
    generation = a_generation(recipe=a_recipe(seeds=(7, 8)))
    if seed is None:
        with pytest.raises(NotFound, match=f"abcdefghjk-{number}"):
            seed_of(generation, number)
        with pytest.raises(NotFound):
            alone(generation, number)
    else:
        assert seed_of(generation, number) == seed
        assert alone(generation, number) == {"count": 1, "seed": seed}


def test_one_of_several_neighbours_keeps_the_seed_that_it_was_turned_to() -> None:
    generation = a_generation(recipe=a_recipe(seeds=(7, 7), variation=0.3, variation_seeds=(20, 21)))
    assert alone(generation, 2) == {"count": 1, "seed": 7, "variation_seed": 21}
    assert alone(generation, 2, new_seed=True) == {"count": 1}


def test_a_neighbour_of_a_neighbour_starts_where_that_one_was() -> None:
    varied = a_recipe(seeds=(7, 7), variation=0.3, variation_seeds=(20, 21), turned=((5, 0.5),))
    assert turns(a_generation(recipe=varied), 2) == ((5, 0.5), (21, 0.3))
    assert turns(a_generation(recipe=a_recipe()), 1) == ()


def test_a_picture_is_found_by_its_files_number_also_where_an_earlier_one_was_held_back(tmp_path: Path) -> None:
    file = tmp_path / "abcdefghjk-2.png"
    file.touch()
    kept = Picture(number=1, file=file, name=file.name, seed=8, width=64, height=64)
    generation = a_generation(pictures=(kept,))
    assert picture_of(generation, 2) == kept
    with pytest.raises(NotFound):
        picture_of(generation, 1)
    file.unlink()
    with pytest.raises(NotFound):
        picture_of(generation, 2)
