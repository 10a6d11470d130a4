"""The brush that draws a storybook figure in its own square, and the paints that it always has."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import ImageDraw

from generation.storybook.palette import RGB

INK: RGB = (30, 30, 40)
PAPER: RGB = (250, 250, 250)
GLASS: RGB = (190, 228, 248)
WOOD: RGB = (112, 70, 38)
LEAF: RGB = (70, 150, 60)
FLAME: RGB = (255, 170, 40)
SKIN: RGB = (240, 190, 150)
HAIR: RGB = (92, 56, 34)


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
