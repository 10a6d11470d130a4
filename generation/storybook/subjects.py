"""What a storybook picture is about: each subject is one function that draws itself into a square.

A function gets a `Brush` over the square, whose coordinates run from 0 to 1 (x to the right, y down), and
the paint that its caption names. To add a subject, write its function and enter it in `SUBJECTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

from PIL import ImageDraw

from generation.storybook.palette import RGB, darker, lighter

INK: RGB = (30, 30, 40)
PAPER: RGB = (250, 250, 250)
GLASS: RGB = (190, 228, 248)
WOOD: RGB = (112, 70, 38)
LEAF: RGB = (70, 150, 60)
FLAME: RGB = (255, 170, 40)


@dataclass(frozen=True, kw_only=True)
class Brush:
    """Draws in a square of a canvas by coordinates from 0 to 1; `side` and the corner are in canvas pixels."""

    canvas: ImageDraw.ImageDraw
    left: float
    top: float
    side: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The canvas point of a point of the square."""
        return self.left + x * self.side, self.top + y * self.side

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, paint: RGB) -> None:
        """Fills the ellipse inside two corners."""
        self.canvas.ellipse([*self.at(x0, y0), *self.at(x1, y1)], fill=paint)

    def box(self, x0: float, y0: float, x1: float, y1: float, paint: RGB, *, round_by: float = 0.0) -> None:
        """Fills the rectangle between two corners, its corners rounded by a share of the square's side."""
        corners = [*self.at(x0, y0), *self.at(x1, y1)]
        self.canvas.rounded_rectangle(corners, radius=round_by * self.side, fill=paint)

    def shape(self, *points: tuple[float, float], paint: RGB) -> None:
        """Fills the polygon of the points."""
        self.canvas.polygon([self.at(x, y) for x, y in points], fill=paint)

    def stroke(self, *points: tuple[float, float], paint: RGB, width: float) -> None:
        """Draws a line through the points; the width is a share of the square's side."""
        pixels = max(1, round(width * self.side))
        self.canvas.line([self.at(x, y) for x, y in points], fill=paint, width=pixels, joint="curve")

    def eye(self, x: float, y: float, size: float) -> None:
        """Draws a white eye with a dark pupil about a centre."""
        self.ellipse(x - size, y - size, x + size, y + size, PAPER)
        pupil = size * 0.55
        self.ellipse(x - pupil, y - pupil, x + pupil, y + pupil, INK)


def draw_cat(brush: Brush, paint: RGB) -> None:
    """A sitting cat, seen from the front, its tail on the right."""
    shade = darker(paint)
    brush.stroke((0.68, 0.92), (0.90, 0.86), (0.95, 0.66), (0.88, 0.52), paint=shade, width=0.09)
    brush.ellipse(0.24, 0.46, 0.76, 1.0, paint)
    brush.ellipse(0.37, 0.60, 0.63, 0.98, lighter(paint))
    brush.shape((0.18, 0.34), (0.20, 0.00), (0.46, 0.16), paint=shade)
    brush.shape((0.82, 0.34), (0.80, 0.00), (0.54, 0.16), paint=shade)
    brush.ellipse(0.16, 0.10, 0.84, 0.60, paint)
    brush.eye(0.36, 0.32, 0.085)
    brush.eye(0.64, 0.32, 0.085)
    brush.shape((0.45, 0.42), (0.55, 0.42), (0.50, 0.48), paint=(240, 120, 140))


def draw_bird(brush: Brush, paint: RGB) -> None:
    """A round bird in profile that looks to the right."""
    brush.stroke((0.44, 0.80), (0.44, 0.98), paint=FLAME, width=0.045)
    brush.stroke((0.58, 0.80), (0.58, 0.98), paint=FLAME, width=0.045)
    brush.shape((0.24, 0.58), (0.00, 0.36), (0.04, 0.72), paint=darker(paint))
    brush.ellipse(0.12, 0.34, 0.80, 0.88, paint)
    brush.ellipse(0.50, 0.08, 0.90, 0.50, paint)
    brush.shape((0.86, 0.20), (1.00, 0.30), (0.86, 0.38), paint=FLAME)
    brush.shape((0.20, 0.48), (0.62, 0.50), (0.36, 0.78), paint=darker(paint))
    brush.eye(0.73, 0.26, 0.07)


def draw_fish(brush: Brush, paint: RGB) -> None:
    """A fish in profile that swims to the right."""
    shade = darker(paint)
    brush.shape((0.30, 0.50), (0.00, 0.20), (0.08, 0.50), (0.00, 0.80), paint=shade)
    brush.shape((0.38, 0.32), (0.52, 0.08), (0.74, 0.30), paint=shade)
    brush.shape((0.46, 0.70), (0.54, 0.90), (0.68, 0.70), paint=shade)
    brush.ellipse(0.18, 0.22, 1.00, 0.80, paint)
    brush.stroke((0.68, 0.32), (0.62, 0.50), (0.68, 0.70), paint=shade, width=0.04)
    brush.eye(0.82, 0.43, 0.08)


def draw_robot(brush: Brush, paint: RGB) -> None:
    """A square robot with an antenna, its arms at its sides."""
    shade = darker(paint)
    brush.stroke((0.50, 0.02), (0.50, 0.14), paint=shade, width=0.05)
    brush.ellipse(0.44, 0.00, 0.56, 0.10, FLAME)
    brush.box(0.28, 0.84, 0.44, 1.00, shade)
    brush.box(0.56, 0.84, 0.72, 1.00, shade)
    brush.box(0.06, 0.50, 0.20, 0.80, shade)
    brush.box(0.80, 0.50, 0.94, 0.80, shade)
    brush.box(0.20, 0.46, 0.80, 0.86, paint)
    brush.box(0.36, 0.56, 0.64, 0.74, lighter(paint, 0.6))
    brush.box(0.24, 0.12, 0.76, 0.44, paint)
    brush.box(0.30, 0.18, 0.70, 0.38, INK if sum(paint) > 160 else GLASS)
    brush.ellipse(0.35, 0.22, 0.46, 0.33, FLAME)
    brush.ellipse(0.54, 0.22, 0.65, 0.33, FLAME)


def draw_house(brush: Brush, paint: RGB) -> None:
    """A house with a pointed roof, a door, two windows and a chimney."""
    brush.box(0.70, 0.06, 0.82, 0.36, darker(paint, 0.5))
    brush.box(0.12, 0.42, 0.88, 1.00, paint)
    brush.shape((0.00, 0.46), (0.50, 0.02), (1.00, 0.46), paint=darker(paint, 0.45))
    brush.box(0.42, 0.64, 0.60, 1.00, WOOD if sum(paint) > 300 else (200, 150, 90))
    brush.box(0.19, 0.56, 0.35, 0.74, GLASS)
    brush.box(0.67, 0.56, 0.82, 0.74, GLASS)


def draw_car(brush: Brush, paint: RGB) -> None:
    """A small car in profile that drives to the right."""
    brush.shape((0.18, 0.56), (0.30, 0.26), (0.68, 0.26), (0.84, 0.56), paint=paint)
    brush.shape((0.27, 0.54), (0.35, 0.33), (0.49, 0.33), (0.49, 0.54), paint=GLASS)
    brush.shape((0.54, 0.54), (0.54, 0.33), (0.65, 0.33), (0.75, 0.54), paint=GLASS)
    brush.box(0.00, 0.52, 1.00, 0.84, paint, round_by=0.08)
    brush.box(0.00, 0.74, 1.00, 0.84, darker(paint), round_by=0.04)
    brush.ellipse(0.90, 0.58, 1.00, 0.68, (255, 240, 160))
    for x in (0.24, 0.76):
        brush.ellipse(x - 0.15, 0.70, x + 0.15, 1.00, INK)
        brush.ellipse(x - 0.07, 0.78, x + 0.07, 0.92, (180, 180, 190))


def draw_boat(brush: Brush, paint: RGB) -> None:
    """A sailing boat: the hull wears the paint, and the small sail a tint of it."""
    brush.stroke((0.48, 0.02), (0.48, 0.74), paint=WOOD, width=0.045)
    brush.shape((0.53, 0.04), (0.53, 0.66), (0.96, 0.66), paint=PAPER)
    brush.shape((0.43, 0.12), (0.43, 0.66), (0.10, 0.66), paint=lighter(paint))
    brush.shape((0.00, 0.71), (1.00, 0.71), (0.82, 1.00), (0.18, 1.00), paint=paint)
    brush.box(0.03, 0.71, 0.97, 0.78, darker(paint))


def draw_tree(brush: Brush, paint: RGB) -> None:
    """A tree with a round crown that wears the paint."""
    brush.shape((0.42, 0.55), (0.58, 0.55), (0.64, 1.00), (0.36, 1.00), paint=WOOD)
    shade = darker(paint, 0.2)
    brush.ellipse(0.02, 0.28, 0.54, 0.74, shade)
    brush.ellipse(0.46, 0.28, 0.98, 0.74, shade)
    brush.ellipse(0.16, 0.00, 0.84, 0.64, paint)


def draw_flower(brush: Brush, paint: RGB) -> None:
    """A flower with six petals on a stem with two leaves."""
    brush.stroke((0.50, 0.40), (0.50, 1.00), paint=LEAF, width=0.06)
    brush.ellipse(0.18, 0.72, 0.50, 0.88, LEAF)
    brush.ellipse(0.50, 0.64, 0.82, 0.80, LEAF)
    for turn in range(6):
        x, y = 0.50 + 0.21 * cos(turn * pi / 3), 0.34 + 0.21 * sin(turn * pi / 3)
        brush.ellipse(x - 0.135, y - 0.135, x + 0.135, y + 0.135, paint)
    centre = (255, 214, 60) if paint[2] > 100 or paint[1] < 130 else WOOD
    brush.ellipse(0.37, 0.21, 0.63, 0.47, centre)


def draw_mushroom(brush: Brush, paint: RGB) -> None:
    """A mushroom with a spotted cap."""
    brush.box(0.36, 0.48, 0.64, 1.00, (244, 232, 206), round_by=0.08)
    brush.canvas.pieslice([*brush.at(0.02, 0.04), *brush.at(0.98, 1.08)], 180, 360, fill=paint)
    spot = PAPER if sum(paint) < 700 else (220, 60, 60)
    brush.ellipse(0.41, 0.12, 0.59, 0.30, spot)
    brush.ellipse(0.16, 0.30, 0.33, 0.47, spot)
    brush.ellipse(0.67, 0.30, 0.84, 0.47, spot)


def draw_balloon(brush: Brush, paint: RGB) -> None:
    """A hot-air balloon with a stripe and a basket."""
    brush.stroke((0.24, 0.56), (0.42, 0.84), paint=WOOD, width=0.03)
    brush.stroke((0.76, 0.56), (0.58, 0.84), paint=WOOD, width=0.03)
    brush.shape((0.18, 0.52), (0.82, 0.52), (0.60, 0.74), (0.40, 0.74), paint=paint)
    brush.ellipse(0.12, 0.00, 0.88, 0.68, paint)
    brush.ellipse(0.37, 0.00, 0.63, 0.70, lighter(paint))
    brush.box(0.38, 0.82, 0.62, 1.00, WOOD)


def draw_rocket(brush: Brush, paint: RGB) -> None:
    """A rocket that points up, with a window, two fins and a flame."""
    shade = darker(paint)
    brush.shape((0.38, 0.78), (0.62, 0.78), (0.50, 1.00), paint=FLAME)
    brush.shape((0.32, 0.50), (0.12, 0.82), (0.34, 0.76), paint=shade)
    brush.shape((0.68, 0.50), (0.88, 0.82), (0.66, 0.76), paint=shade)
    brush.shape(
        (0.50, 0.00),
        (0.68, 0.26),
        (0.70, 0.56),
        (0.62, 0.80),
        (0.38, 0.80),
        (0.30, 0.56),
        (0.32, 0.26),
        paint=paint,
    )
    brush.shape((0.50, 0.00), (0.66, 0.22), (0.34, 0.22), paint=shade)
    brush.ellipse(0.39, 0.32, 0.61, 0.54, PAPER)
    brush.ellipse(0.43, 0.36, 0.57, 0.50, (90, 170, 230))


def draw_star(brush: Brush, paint: RGB) -> None:
    """A five-pointed star."""
    for size, tone in ((0.54, darker(paint, 0.25)), (0.44, paint)):
        points = []
        for turn in range(10):
            radius = size if turn % 2 == 0 else size * 0.45
            angle = -pi / 2 + turn * pi / 5
            points.append((0.5 + radius * cos(angle), 0.53 + radius * sin(angle)))
        brush.shape(*points, paint=tone)


def draw_heart(brush: Brush, paint: RGB) -> None:
    """A heart with an edge and a light spot."""
    for inset, tone in ((0.0, darker(paint, 0.25)), (0.05, paint)):
        brush.ellipse(0.02 + inset, 0.06 + inset, 0.54, 0.56, tone)
        brush.ellipse(0.46, 0.06 + inset, 0.98 - inset, 0.56, tone)
        tip = (0.50, 0.98 - 1.4 * inset)
        brush.shape((0.055 + inset, 0.42), (0.50, 0.30), (0.945 - inset, 0.42), tip, paint=tone)
    brush.ellipse(0.16, 0.18, 0.34, 0.36, lighter(paint, 0.55))


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A thing that can be drawn, the words for it, and whether it hangs in the air."""

    draw: Callable[[Brush, RGB], None]
    names: tuple[str, ...]
    flies: bool = False


SUBJECTS: dict[str, Subject] = {
    "cat": Subject(draw=draw_cat, names=("cat", "kitten")),
    "bird": Subject(draw=draw_bird, names=("bird",)),
    "fish": Subject(draw=draw_fish, names=("fish",), flies=True),
    "robot": Subject(draw=draw_robot, names=("robot",)),
    "house": Subject(draw=draw_house, names=("house", "home")),
    "car": Subject(draw=draw_car, names=("car",)),
    "boat": Subject(draw=draw_boat, names=("boat", "ship")),
    "tree": Subject(draw=draw_tree, names=("tree",)),
    "flower": Subject(draw=draw_flower, names=("flower",)),
    "mushroom": Subject(draw=draw_mushroom, names=("mushroom",)),
    "balloon": Subject(draw=draw_balloon, names=("balloon",), flies=True),
    "rocket": Subject(draw=draw_rocket, names=("rocket",), flies=True),
    "star": Subject(draw=draw_star, names=("star",), flies=True),
    "heart": Subject(draw=draw_heart, names=("heart",), flies=True),
}
