"""The storybook's training pictures: a `Scene` says what is where, and `draw` paints it with Pillow.

Everything stands on a grid of cells, sixteen to the shorter side of the picture and two latents wide: the same
subject then has the same latents wherever it stands, and a small network learns it in minutes instead of hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing import get_context
from random import Random
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from generation.storybook.brush import Brush
from generation.storybook.light import Time, Weather, paint_weather
from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES, VARIANTS, paint_place
from generation.storybook.styles import Style, render
from generation.storybook.subjects import ITEMS, SUBJECTS

Kind = TypeVar("Kind")
Pixels = npt.NDArray[np.uint8]

CELLS = 16
LONG = 24
FOOTROOM = 2
OVERSAMPLING = 2
AHEAD = 1024


class Size(StrEnum):
    """How large a subject is drawn."""

    SMALL = "small"
    NORMAL = "normal"
    BIG = "big"


class Layout(StrEnum):
    """How the figures of a scene stand to one another."""

    EMPTY = "empty"
    ALONE = "alone"
    BESIDE = "beside"
    ABOVE = "above"
    ALIKE = "alike"
    ROW = "row"


SIDES: dict[Size, float] = {Size.SMALL: 5, Size.NORMAL: 9, Size.BIG: 12}
PAIR_SIDE = 7
STACK_SIDE = 6.5
ROW_SIDE = 5
ITEM_SIDE = 6
SHAPES: dict[tuple[int, int], float] = {(CELLS, CELLS): 0.76, (LONG, CELLS): 0.12, (CELLS, LONG): 0.12}
LAYOUTS: dict[Layout, float] = {
    Layout.EMPTY: 0.03,
    Layout.ALONE: 0.45,
    Layout.BESIDE: 0.27,
    Layout.ABOVE: 0.11,
    Layout.ALIKE: 0.08,
    Layout.ROW: 0.06,
}
STYLES: dict[Style, float] = {style: 0.6 if style is Style.FLAT else 0.1 for style in Style}
TIMES: dict[Time, float] = {Time.DAY: 0.62, Time.SUNSET: 0.18, Time.NIGHT: 0.2}
WEATHERS: dict[Weather, float] = {weather: 0.72 if weather is Weather.CLEAR else 0.07 for weather in Weather}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One subject in a scene; its square's corner and side are in cells, in halves."""

    subject: str
    colour: str
    left: float
    top: float
    side: float
    size: Size = Size.NORMAL
    item: str | None = None

    @property
    def middle(self) -> float:
        """The column of its middle, in cells from the left."""
        return self.left + self.side / 2


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place in its light, weather and style, with its figures from left to right or from top to bottom."""

    place: str
    variant: int
    layout: Layout
    figures: tuple[Figure, ...]
    time: Time = Time.DAY
    weather: Weather = Weather.CLEAR
    style: Style = Style.FLAT
    columns: int = CELLS
    rows: int = CELLS


def seeded(seed: int) -> Random:
    """The source of chance for one seed."""
    return Random(seed)  # noqa: S311 # pictures, not secrets


def pick(random: Random, weights: dict[Kind, float]) -> Kind:
    """One of the keys, each as likely as its weight says."""
    return random.choices(tuple(weights), weights=tuple(weights.values()))[0]


def invent(random: Random, *, shape: tuple[int, int] | None = None) -> Scene:
    """Makes up a scene, of the shape (columns, rows) of cells where one is given."""
    columns, rows = shape or pick(random, SHAPES)
    place = random.choice(tuple(PLACES))
    time, weather = pick(random, TIMES), pick(random, WEATHERS)
    if not PLACES[place].outdoors:
        time, weather = (time if place == "sky" else Time.DAY), Weather.CLEAR
    layout = pick(random, LAYOUTS)
    return Scene(
        place=place,
        variant=random.randrange(VARIANTS),
        layout=layout,
        figures=_figures(random, layout, columns, rows),
        time=time,
        weather=weather,
        style=pick(random, STYLES),
        columns=columns,
        rows=rows,
    )


def scene_of(seed: int, shape: tuple[int, int]) -> Scene:
    """The scene that this seed invents in this shape."""
    return invent(seeded(seed), shape=shape)


def repaint(scene: Scene, random: Random) -> Scene:
    """The same scene with each of its figures in some other colour."""
    figures = [
        replace(figure, colour=random.choice([other for other in COLOURS if other != figure.colour]))
        for figure in scene.figures
    ]
    return replace(scene, figures=tuple(figures))


def _figures(random: Random, layout: Layout, columns: int, rows: int) -> tuple[Figure, ...]:
    match layout:
        case Layout.EMPTY:
            return ()
        case Layout.ALONE:
            return (_alone(random, columns, rows),)
        case Layout.BESIDE:
            gap = 1 if columns == CELLS else 2
            lefts = (columns / 2 - gap / 2 - PAIR_SIDE, columns / 2 + gap / 2)
            return tuple(_stand(random, left=left, side=PAIR_SIDE, rows=rows) for left in lefts)
        case Layout.ABOVE:
            left = (columns - STACK_SIDE) // 2 + random.choice((-3, 0, 0, 3))
            under = _stand(random, left=left, side=STACK_SIDE, rows=rows, on_the_ground=True)
            over = replace(_some(random, left=left, side=STACK_SIDE), top=under.top - STACK_SIDE - 0.5)
            return over, under
        case Layout.ALIKE | Layout.ROW:
            count = 3 if layout is Layout.ROW else random.choice((2, 2, 3))
            side = PAIR_SIDE if count == 2 or columns == LONG else ROW_SIDE
            first = (columns - count * side) / 2
            made = [_stand(random, left=first + index * side, side=side, rows=rows) for index in range(count)]
            if layout is Layout.ALIKE:
                made = [replace(made[0], left=figure.left) for figure in made]
            return tuple(made)


def _alone(random: Random, columns: int, rows: int) -> Figure:
    size = pick(random, {Size.SMALL: 1.0, Size.NORMAL: 4.0, Size.BIG: 1.0})
    side = SIDES[size]
    middle = (columns - side) // 2
    reach = min(middle, 3 if columns == CELLS else 6)
    figure = _stand(random, left=middle + random.choice((-reach, 0, 0, 0, reach)), side=side, rows=rows)
    figure = replace(figure, size=size)
    subject = SUBJECTS[figure.subject]
    if subject.perches and random.random() < 0.3:
        return replace(figure, item="branch", top=(rows - side) // 2)
    if subject.hand and size is not Size.SMALL and random.random() < 0.8:
        return replace(figure, item=random.choice([name for name, item in ITEMS.items() if not item.under]))
    return figure


def _some(random: Random, *, left: float, side: float) -> Figure:
    subject, colour = random.choice(tuple(SUBJECTS)), random.choice(tuple(COLOURS))
    return Figure(subject=subject, colour=colour, left=left, top=0, side=side)


def _stand(random: Random, *, left: float, side: float, rows: int, on_the_ground: bool = False) -> Figure:
    """Some figure that stands on the ground, or hangs in the middle of the air where that is its way."""
    figure = _some(random, left=left, side=side)
    flies = SUBJECTS[figure.subject].flies and not on_the_ground
    return replace(figure, top=(rows - side) // 2 if flies or side > CELLS / 2 + 1 else rows - FOOTROOM - side)


def draw(scene: Scene, *, cell: int = CELLS) -> Image.Image:
    """Paints a scene as an RGB picture of `cell` pixels a cell, drawn larger and reduced."""
    wide, high = scene.columns * cell, scene.rows * cell
    fine = (wide * OVERSAMPLING, high * OVERSAMPLING)
    picture = Image.new("RGB", fine)
    canvas = ImageDraw.Draw(picture)
    paint_place(canvas, *fine, scene.place, variant=scene.variant, time=scene.time, weather=scene.weather)
    figures = Image.new("RGBA", fine)
    for figure in scene.figures:
        _paint(ImageDraw.Draw(figures), figure, cell * OVERSAMPLING)
    mask = figures.getchannel("A")
    picture.paste(figures, mask=mask)
    paint_weather(canvas, *fine, variant=scene.variant, weather=scene.weather)
    reduced = (wide, high)
    return render(
        picture.resize(reduced, Image.Resampling.BOX), mask.resize(reduced, Image.Resampling.BOX), scene.style
    )


def _paint(canvas: ImageDraw.ImageDraw, figure: Figure, cell: int) -> None:
    """Paints one figure, what it sits on before it, and after it what it holds: in whole cells, never smaller."""
    left, top, side = figure.left * cell, figure.top * cell, figure.side * cell
    subject = SUBJECTS[figure.subject]
    item = ITEMS[figure.item] if figure.item else None
    if item is not None and item.under:
        item.draw(Brush(canvas=canvas, left=left, top=top, side=side))
    subject.draw(Brush(canvas=canvas, left=left, top=top, side=side), COLOURS[figure.colour])
    if item is not None and not item.under and subject.hand is not None:
        x, y = subject.hand
        corner_x = round(figure.left + x * figure.side - ITEM_SIDE / 2)
        corner_y = round(figure.top + y * figure.side - ITEM_SIDE * 0.7)
        item.draw(Brush(canvas=canvas, left=corner_x * cell, top=corner_y * cell, side=ITEM_SIDE * cell))


def sketch(scene: Scene) -> Pixels:
    """The picture (height, width, 3) of a scene."""
    return np.asarray(draw(scene))


def sketches(scenes: Sequence[Scene]) -> Iterator[Pixels]:
    """The pictures of many scenes in their order, drawn ahead by a process for each processor."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as drawers:
        for start in range(0, len(scenes), AHEAD):
            yield from drawers.map(sketch, scenes[start : start + AHEAD], chunksize=16)
