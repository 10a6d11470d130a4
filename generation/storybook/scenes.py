"""The storybook's training pictures: a `Scene` says what is where, and `draw` paints it with Pillow.

Everything stands on a grid of `CELLS` rows, which is the grid of the model's latents: the same subject then
has the same latents wherever it stands, and a small network learns it in minutes instead of hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from PIL import Image, ImageDraw

from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES, VARIANTS, Backdrop
from generation.storybook.subjects import SUBJECTS, Brush

CELLS = 16
GROUND = 14
OVERSAMPLING = 3


class Size(StrEnum):
    """How large a subject is drawn."""

    SMALL = "small"
    NORMAL = "normal"
    BIG = "big"


SIDES: dict[Size, int] = {Size.SMALL: 5, Size.NORMAL: 9, Size.BIG: 12}
SIDE_BY_SIDE = 7


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One subject in a scene; its square's corner and side are in cells of the grid."""

    subject: str
    colour: str
    size: Size
    left: int
    top: int
    side: int


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place with one or two figures, from left to right."""

    place: str
    variant: int
    figures: tuple[Figure, ...]


def seeded(seed: int) -> Random:
    """The source of chance for one seed."""
    return Random(seed)  # noqa: S311 # pictures, not secrets


def _stand(random: Random, *, size: Size, side: int, left: int) -> Figure:
    subject = random.choice(tuple(SUBJECTS))
    top = (CELLS - side) // 2 if SUBJECTS[subject].flies else GROUND - side
    if size is Size.BIG:
        top = (CELLS - side) // 2
    colour = random.choice(tuple(COLOURS))
    return Figure(subject=subject, colour=colour, size=size, left=left, top=top, side=side)


def invent(random: Random, *, pair_share: float = 0.1) -> Scene:
    """Makes up a scene; `pair_share` is the share of scenes with two figures."""
    place, variant = random.choice(tuple(PLACES)), random.randrange(VARIANTS)
    if random.random() < pair_share:
        figures = tuple(
            _stand(random, size=Size.NORMAL, side=SIDE_BY_SIDE, left=left)
            for left in (1, CELLS - 1 - SIDE_BY_SIDE)
        )
        return Scene(place=place, variant=variant, figures=figures)
    size = random.choices(tuple(Size), weights=(1, 4, 1))[0]
    side = SIDES[size]
    room = (CELLS - side) // 2
    reach = min(room, 3)
    left = room + random.choice((-reach, 0, 0, 0, reach))
    return Scene(place=place, variant=variant, figures=(_stand(random, size=size, side=side, left=left),))


def draw(scene: Scene, *, side: int) -> Image.Image:
    """Paints a scene as a square RGB picture of `side` pixels, drawn larger and reduced."""
    fine = side * OVERSAMPLING
    picture = Image.new("RGB", (fine, fine))
    canvas = ImageDraw.Draw(picture)
    PLACES[scene.place].paint(Backdrop(canvas=canvas, width=fine, height=fine), scene.variant)
    cell = fine / CELLS
    for figure in scene.figures:
        brush = Brush(canvas=canvas, left=figure.left * cell, top=figure.top * cell, side=figure.side * cell)
        SUBJECTS[figure.subject].draw(brush, COLOURS[figure.colour])
    return picture.resize((side, side), Image.Resampling.BOX)
