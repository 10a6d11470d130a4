"""The drawn training pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generation.storybook.light import Time, Weather
from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES, VARIANTS
from generation.storybook.scenes import (
    CELLS,
    SHAPES,
    Figure,
    Layout,
    Scene,
    draw,
    invent,
    repaint,
    seeded,
    sketch,
    sketches,
)
from generation.storybook.styles import Style
from generation.storybook.subjects import ITEMS, SUBJECTS

CELL = 4
SIDE = CELL * CELLS


def pixels(scene: Scene) -> np.ndarray:
    return np.asarray(draw(scene, cell=CELL)).astype(int)


def scene_of(subject: str, colour: str, place: str) -> Scene:
    figure = Figure(subject=subject, colour=colour, left=4, top=4, side=8)
    return Scene(place=place, variant=0, layout=Layout.ALONE, figures=(figure,))


def test_same_seed_draws_same_picture() -> None:
    assert np.array_equal(pixels(invent(seeded(5))), pixels(invent(seeded(5))))


def test_other_seeds_draw_other_pictures() -> None:
    drawn = {pixels(invent(seeded(seed))).tobytes() for seed in range(50)}
    assert len(drawn) >= 49


@pytest.mark.parametrize("place", PLACES)
def test_every_subject_in_every_colour_can_be_seen_in_every_place(place: str) -> None:
    empty = pixels(replace(scene_of("cat", "red", place), figures=()))
    for index, subject in enumerate(SUBJECTS):
        for colour in ("white", "black", "grey", list(COLOURS)[index % len(COLOURS)]):
            changed = np.abs(pixels(scene_of(subject, colour, place)) - empty).max(axis=2) > 20
            assert changed.mean() > 0.02, f"{colour} {subject}"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_stays_in_its_square(subject: str) -> None:
    scene = scene_of(subject, "red", "desert")
    outside = np.abs(pixels(scene) - pixels(replace(scene, figures=()))).max(axis=2)
    corner, far = 4 * SIDE // CELLS - 2, 12 * SIDE // CELLS + 2
    outside[corner:far, corner:far] = 0
    assert outside.max() == 0


def test_what_is_held_is_as_large_and_as_sharp_in_every_hand() -> None:
    seen = set()
    for subject in (name for name in SUBJECTS if SUBJECTS[name].hand):
        scene = scene_of(subject, "red", "snow")
        holding = replace(scene, figures=(replace(scene.figures[0], item="pen"),))
        seen.add(int((pixels(holding) == (250, 204, 50)).all(axis=2).sum()))
    (yellow,) = seen
    assert yellow > 2 * CELL**2


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_wears_the_colour_it_is_given(subject: str) -> None:
    red, blue = pixels(scene_of(subject, "red", "snow")), pixels(scene_of(subject, "blue", "snow"))
    changed = (red != blue).any(axis=2)
    assert changed.mean() > 0.02
    assert red[changed][:, 0].mean() > blue[changed][:, 0].mean() + 80


@pytest.mark.parametrize("place", sorted(PLACES.keys() - {"plain"}))
def test_variants_of_a_place_differ(place: str) -> None:
    drawn = {
        pixels(replace(scene_of("cat", "red", place), figures=(), variant=variant)).tobytes()
        for variant in range(VARIANTS)
    }
    assert len(drawn) == VARIANTS


def test_the_world_is_as_large_as_it_is_said_to_be() -> None:
    assert len(SUBJECTS) >= 28
    assert len(COLOURS) >= 11
    assert len(PLACES) >= 14
    assert len(Style) >= 5
    assert {"brush", "pen", "branch"} <= set(ITEMS)


@pytest.mark.parametrize("shape", SHAPES)
def test_figures_stay_inside_pictures_of_every_shape(shape: tuple[int, int]) -> None:
    for seed in range(300):
        scene = invent(seeded(seed), shape=shape)
        assert (scene.columns, scene.rows) == shape
        for figure in scene.figures:
            assert 0 <= figure.left <= shape[0] - figure.side
            assert 0 <= figure.top <= shape[1] - figure.side
    assert draw(scene).size == (shape[0] * 16, shape[1] * 16)


def test_everything_is_invented_now_and_then() -> None:
    scenes = [invent(seeded(seed)) for seed in range(3000)]
    for values, wanted in (
        ({scene.layout for scene in scenes}, Layout),
        ({scene.time for scene in scenes}, Time),
        ({scene.weather for scene in scenes}, Weather),
        ({scene.style for scene in scenes}, Style),
        ({scene.place for scene in scenes}, PLACES),
        ({figure.subject for scene in scenes for figure in scene.figures}, SUBJECTS),
        ({figure.item for scene in scenes for figure in scene.figures}, {*ITEMS, None}),
    ):
        assert values == set(wanted)


@pytest.mark.parametrize(
    "change", [{"time": Time.NIGHT}, {"weather": Weather.RAIN}, *({"style": style} for style in list(Style)[1:])]
)
def test_light_weather_and_style_are_seen(change: dict[str, Any]) -> None:
    plain = scene_of("cat", "red", "meadow")
    assert np.abs(pixels(plain) - pixels(replace(plain, **change))).mean() > 4


def test_sketches_by_many_processes_are_the_same_as_by_one() -> None:
    scenes = [invent(seeded(seed)) for seed in range(40, 43)]
    for one, other in zip(sketches(scenes), map(sketch, scenes), strict=True):
        assert np.array_equal(one, other)


def test_a_repaint_changes_every_colour_and_nothing_else() -> None:
    for seed in range(50):
        scene = invent(seeded(seed))
        again = repaint(scene, seeded(seed))
        for old, new in zip(scene.figures, again.figures, strict=True):
            assert old.colour != new.colour
            assert replace(new, colour=old.colour) == old
        assert replace(again, figures=scene.figures) == scene
