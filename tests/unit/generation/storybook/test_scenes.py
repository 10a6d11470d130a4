"""The drawn training pictures."""

from dataclasses import replace

import numpy as np
import pytest

from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES, VARIANTS
from generation.storybook.scenes import CELLS, Figure, Scene, Size, draw, invent, seeded
from generation.storybook.subjects import SUBJECTS

SIDE = 64


def pixels(scene: Scene) -> np.ndarray:
    return np.asarray(draw(scene, side=SIDE)).astype(int)


def scene_of(subject: str, colour: str, place: str) -> Scene:
    figure = Figure(subject=subject, colour=colour, size=Size.NORMAL, left=4, top=4, side=8)
    return Scene(place=place, variant=0, figures=(figure,))


def test_same_seed_draws_same_picture() -> None:
    assert np.array_equal(pixels(invent(seeded(5))), pixels(invent(seeded(5))))


def test_other_seeds_draw_other_pictures() -> None:
    drawn = {pixels(invent(seeded(seed))).tobytes() for seed in range(50)}
    assert len(drawn) >= 49


@pytest.mark.parametrize("place", PLACES)
def test_every_subject_in_every_colour_can_be_seen_in_every_place(place: str) -> None:
    empty = pixels(Scene(place=place, variant=0, figures=()))
    for subject in SUBJECTS:
        for colour in COLOURS:
            changed = np.abs(pixels(scene_of(subject, colour, place)) - empty).max(axis=2) > 24
            assert changed.mean() > 0.03, f"{colour} {subject}"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_stays_in_its_square(subject: str) -> None:
    scene = scene_of(subject, "red", "desert")
    outside = np.abs(pixels(scene) - pixels(replace(scene, figures=()))).max(axis=2)
    corner, far = 4 * SIDE // CELLS - 2, 12 * SIDE // CELLS + 2
    outside[corner:far, corner:far] = 0
    assert outside.max() == 0


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_wears_the_colour_it_is_given(subject: str) -> None:
    red, blue = pixels(scene_of(subject, "red", "snow")), pixels(scene_of(subject, "blue", "snow"))
    changed = (red != blue).any(axis=2)
    assert changed.mean() > 0.02
    assert red[changed][:, 0].mean() > blue[changed][:, 0].mean() + 80


@pytest.mark.parametrize("place", PLACES)
def test_variants_of_a_place_differ(place: str) -> None:
    drawn = {pixels(Scene(place=place, variant=variant, figures=())).tobytes() for variant in range(VARIANTS)}
    assert len(drawn) == VARIANTS
