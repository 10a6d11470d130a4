"""Where a storybook picture plays: each place is one function that paints the whole canvas.

A function gets a `Backdrop` (canvas with its width and height in pixels) and one of `VARIANTS` variants,
which moves its details about. To add a place, write its function and enter it in `PLACES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageDraw

from generation.storybook.palette import RGB, mix

VARIANTS = 3


@dataclass(frozen=True, kw_only=True)
class Backdrop:
    """Paints over a whole canvas by shares of its width and height."""

    canvas: ImageDraw.ImageDraw
    width: int
    height: int

    def band(self, top: float, bottom: float, paint: RGB) -> None:
        """Fills the whole width between two heights."""
        self.canvas.rectangle([0, top * self.height, self.width, bottom * self.height], fill=paint)

    def fade(self, top: float, bottom: float, upper: RGB, lower: RGB) -> None:
        """Fills the whole width between two heights with a vertical gradient."""
        first, last = round(top * self.height), round(bottom * self.height)
        for y in range(first, last):
            paint = mix(upper, lower, (y - first) / max(1, last - first - 1))
            self.canvas.line([0, y, self.width, y], fill=paint)

    def disc(self, x: float, y: float, radius: float, paint: RGB) -> None:
        """Fills a circle; the radius is a share of the height."""
        cx, cy, r = x * self.width, y * self.height, radius * self.height
        self.canvas.ellipse([cx - r, cy - r, cx + r, cy + r], fill=paint)

    def oval(self, x: float, y: float, across: float, down: float, paint: RGB) -> None:
        """Fills an ellipse about a centre; its half axes are shares of width and height."""
        self.canvas.ellipse(
            [
                (x - across) * self.width,
                (y - down) * self.height,
                (x + across) * self.width,
                (y + down) * self.height,
            ],
            fill=paint,
        )

    def shape(self, *points: tuple[float, float], paint: RGB) -> None:
        """Fills the polygon of the points."""
        self.canvas.polygon([(x * self.width, y * self.height) for x, y in points], fill=paint)

    def box(self, x0: float, y0: float, x1: float, y1: float, paint: RGB) -> None:
        """Fills the rectangle between two corners."""
        self.canvas.rectangle([x0 * self.width, y0 * self.height, x1 * self.width, y1 * self.height], fill=paint)

    def cloud(self, x: float, y: float, paint: RGB = (255, 255, 255)) -> None:
        """Paints a small cloud about a centre."""
        self.oval(x, y, 0.11, 0.035, paint)
        self.oval(x - 0.02, y - 0.03, 0.055, 0.045, paint)


SUN: RGB = (255, 226, 80)
SKY: RGB = (150, 208, 250)


def _shift(variant: int) -> float:
    return (0.0, 0.25, 0.5)[variant]


def paint_meadow(view: Backdrop, variant: int) -> None:
    """Green grass under a blue sky with sun and cloud."""
    view.band(0.0, 0.63, SKY)
    view.disc(0.15 + _shift(variant) * 1.4, 0.15, 0.08, SUN)
    view.cloud(0.80 - _shift(variant) * 1.2, 0.18)
    view.band(0.625, 1.0, (112, 196, 80))


def paint_beach(view: Backdrop, variant: int) -> None:
    """Sand in front of a strip of sea."""
    view.band(0.0, 0.44, (164, 220, 252))
    view.disc(0.15 + _shift(variant) * 1.4, 0.14, 0.08, SUN)
    view.band(0.4375, 0.63, (40, 150, 214))
    view.band(0.625, 1.0, (244, 220, 160))


def paint_sea(view: Backdrop, variant: int) -> None:
    """Open water with waves."""
    view.band(0.0, 0.5, (190, 228, 250))
    view.cloud(0.25 + _shift(variant), 0.16)
    view.band(0.5, 1.0, (28, 112, 190))
    for row, y in enumerate((0.59, 0.72, 0.85, 0.97)):
        for column in range(5):
            x = column * 0.25 + (0.125 if row % 2 else 0.0)
            view.oval(x, y, 0.06, 0.012, (96, 172, 230))


def paint_desert(view: Backdrop, variant: int) -> None:
    """Dunes under a pale yellow sky."""
    view.band(0.0, 0.7, (252, 232, 176))
    view.disc(0.15 + _shift(variant) * 1.4, 0.14, 0.09, (255, 250, 220))
    view.oval(0.2, 0.78, 0.45, 0.22, (226, 168, 92))
    view.oval(0.85, 0.80, 0.45, 0.20, (214, 152, 80))
    view.band(0.75, 1.0, (236, 182, 104))


def paint_snow(view: Backdrop, variant: int) -> None:
    """A white field with firs under a grey sky."""
    view.band(0.0, 0.63, (178, 196, 214))
    for x in (0.10, 0.90):
        moved = x + (_shift(variant) - 0.25) * 0.25
        view.shape((moved - 0.10, 0.64), (moved, 0.30), (moved + 0.10, 0.64), paint=(70, 110, 100))
        view.shape((moved - 0.05, 0.44), (moved, 0.30), (moved + 0.05, 0.44), paint=(236, 242, 250))
    view.band(0.625, 1.0, (236, 242, 250))


def paint_mountains(view: Backdrop, variant: int) -> None:
    """Grey peaks with snow on top, grass in front."""
    view.band(0.0, 0.76, (172, 214, 244))
    move = (_shift(variant) - 0.25) * 0.5
    for x, top, paint in ((0.28, 0.14, (120, 128, 148)), (0.76, 0.24, (100, 108, 130))):
        peak = x + move
        view.shape((peak - 0.42, 0.76), (peak, top), (peak + 0.42, 0.76), paint=paint)
        view.shape((peak - 0.10, top + 0.148), (peak, top), (peak + 0.10, top + 0.148), paint=(248, 250, 255))
    view.band(0.75, 1.0, (104, 160, 84))


def paint_night(view: Backdrop, variant: int) -> None:
    """A dark field under moon and stars."""
    view.band(0.0, 0.7, (16, 22, 62))
    moon = 0.16 + _shift(variant) * 1.36
    view.disc(moon, 0.16, 0.09, (250, 244, 206))
    view.disc(moon + 0.05, 0.13, 0.075, (16, 22, 62))
    for x, y in ((0.06, 0.42), (0.30, 0.08), (0.38, 0.32), (0.66, 0.07), (0.68, 0.36), (0.95, 0.45)):
        view.disc(x, y, 0.011, (255, 250, 210))
    view.band(0.6875, 1.0, (24, 56, 48))


def paint_sunset(view: Backdrop, variant: int) -> None:
    """A low sun between an orange sky and dark land."""
    view.fade(0.0, 0.70, (104, 56, 132), (255, 158, 70))
    view.disc(0.18 + _shift(variant) * 1.28, 0.64, 0.13, (255, 232, 130))
    view.band(0.6875, 1.0, (78, 42, 74))


def paint_space(view: Backdrop, variant: int) -> None:
    """Black sky with stars and a ringed planet."""
    view.band(0.0, 1.0, (10, 8, 26))
    for x, y in (
        (0.08, 0.62),
        (0.10, 0.10),
        (0.34, 0.05),
        (0.55, 0.95),
        (0.62, 0.10),
        (0.92, 0.46),
        (0.94, 0.88),
        (0.20, 0.92),
        (0.05, 0.36),
    ):
        view.disc(x, y, 0.012, (240, 240, 255))
    planet = 0.17 + _shift(variant) * 1.32
    view.disc(planet, 0.20, 0.09, (206, 132, 96))
    view.oval(planet, 0.21, 0.16, 0.018, (240, 206, 150))


def paint_forest(view: Backdrop, variant: int) -> None:
    """Dark trunks under a canopy of leaves."""
    view.band(0.0, 0.8, (130, 178, 120))
    for x in (0.02, 0.24, 0.46, 0.68, 0.90):
        trunk = x + _shift(variant) * 0.16
        view.box(trunk, 0.0, trunk + 0.07, 0.8, (84, 62, 44))
    view.band(0.0, 0.15, (32, 92, 46))
    for x in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        view.oval(x, 0.15, 0.12, 0.08, (32, 92, 46))
    view.band(0.75, 1.0, (56, 108, 50))


def paint_city(view: Backdrop, variant: int) -> None:
    """Grey towers with lit windows behind a road."""
    view.band(0.0, 0.76, (200, 214, 228))
    tops = ((0.34, 0.16, 0.42, 0.22, 0.30), (0.20, 0.40, 0.26, 0.14, 0.38), (0.40, 0.24, 0.16, 0.36, 0.20))
    for column, top in enumerate(tops[variant]):
        left = column * 0.2
        view.box(left + 0.01, top, left + 0.185, 0.76, (124, 132, 152) if column % 2 else (148, 156, 176))
        for x in (0.045, 0.115):
            y = top + 0.05
            while y < 0.68:
                view.box(left + x, y, left + x + 0.035, y + 0.04, (250, 236, 160))
                y += 0.095
    view.band(0.75, 1.0, (92, 92, 100))


@dataclass(frozen=True, kw_only=True)
class Place:
    """A backdrop, and the phrases that say that one is there."""

    paint: Callable[[Backdrop, int], None]
    phrases: tuple[str, ...]
    names: tuple[str, ...]


PLACES: dict[str, Place] = {
    "meadow": Place(
        paint=paint_meadow, phrases=("on the meadow", "in a meadow", "on green grass"), names=("meadow", "grass")
    ),
    "beach": Place(
        paint=paint_beach, phrases=("on the beach", "at the beach", "on a sandy beach"), names=("beach",)
    ),
    "sea": Place(paint=paint_sea, phrases=("on the sea", "in the ocean", "at sea"), names=("sea", "ocean")),
    "desert": Place(paint=paint_desert, phrases=("in the desert", "in a desert"), names=("desert",)),
    "snow": Place(
        paint=paint_snow, phrases=("in the snow", "in winter", "on white snow"), names=("snow", "winter")
    ),
    "mountains": Place(
        paint=paint_mountains, phrases=("in the mountains", "by the mountains"), names=("mountains", "mountain")
    ),
    "night": Place(paint=paint_night, phrases=("at night", "in the night", "under the moon"), names=("night",)),
    "sunset": Place(paint=paint_sunset, phrases=("at sunset", "in the evening"), names=("sunset", "evening")),
    "space": Place(paint=paint_space, phrases=("in space", "in outer space"), names=("space",)),
    "forest": Place(
        paint=paint_forest, phrases=("in the forest", "in a forest", "in the woods"), names=("forest",)
    ),
    "city": Place(paint=paint_city, phrases=("in the city", "in a city", "on the street"), names=("city",)),
}
