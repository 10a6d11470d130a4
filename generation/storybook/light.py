"""The light of a storybook picture: times of day and weathers, the sky that they make, and a canvas seen in them.

Everything is measured in cells, two latents wide: the shorter side of a canvas has `CELLS` of them. Heights count
from the bottom, so that a taller canvas has more sky.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from PIL import Image, ImageDraw

from generation.storybook.palette import RGB, mix

CELLS = 16


class Time(StrEnum):
    """When a picture plays."""

    DAY = "day"
    SUNSET = "sunset"
    NIGHT = "night"


class Weather(StrEnum):
    """What comes from the sky, or hangs there."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    RAIN = "rain"
    SNOWFALL = "snowfall"
    FOG = "fog"


TIME_PHRASES: dict[Time, tuple[str, ...]] = {
    Time.DAY: ("by day", "in the daytime", "in daylight"),
    Time.SUNSET: ("at sunset", "in the evening", "at dusk", "in the evening sun"),
    Time.NIGHT: ("at night", "in the night", "under the moon", "by moonlight", "under the stars"),
}
WEATHER_PHRASES: dict[Weather, tuple[str, ...]] = {
    Weather.CLEAR: ("on a sunny day", "in the sunshine", "under a clear sky"),
    Weather.CLOUDY: ("under a cloudy sky", "on a cloudy day", "under grey clouds"),
    Weather.RAIN: ("in the rain", "on a rainy day", "in pouring rain"),
    Weather.SNOWFALL: ("in falling snow", "while it snows", "in a snowstorm"),
    Weather.FOG: ("in the fog", "in the mist", "on a foggy day"),
}

Sky = tuple[RGB, RGB]
DAY_SKY: Sky = ((96, 176, 246), (198, 232, 252))
SKIES: dict[Time, Sky] = {
    Time.SUNSET: ((196, 92, 150), (255, 186, 96)),
    Time.NIGHT: ((12, 18, 56), (38, 54, 112)),
}
CASTS: dict[Time, RGB] = {Time.DAY: (255, 255, 255), Time.SUNSET: (250, 190, 160), Time.NIGHT: (112, 124, 178)}


@dataclass(frozen=True, kw_only=True)
class Air:
    """A weather's veil before the sky, how much of it covers the sky, and what it does to the land."""

    veil: RGB = (255, 255, 255)
    cover: float = 0.0
    dim: float = 1.0
    haze: float = 0.05


AIRS: dict[Weather, Air] = {
    Weather.CLEAR: Air(),
    Weather.CLOUDY: Air(veil=(176, 192, 210), cover=0.6, dim=0.94, haze=0.08),
    Weather.RAIN: Air(veil=(136, 150, 170), cover=0.8, dim=0.82, haze=0.18),
    Weather.SNOWFALL: Air(veil=(196, 208, 226), cover=0.8, dim=0.97, haze=0.25),
    Weather.FOG: Air(veil=(226, 229, 230), cover=0.85, dim=1.0, haze=0.55),
}


def through(paint: RGB, cast: RGB) -> RGB:
    """The paint in coloured light."""
    return (paint[0] * cast[0] // 255, paint[1] * cast[1] // 255, paint[2] * cast[2] // 255)


@lru_cache(maxsize=8)
def _ramp(width: int, height: int) -> Image.Image:
    return Image.linear_gradient("L").resize((1, height)).resize((width, height))


@dataclass(frozen=True, kw_only=True)
class View:
    """A canvas measured in cells, in the light of a time and a weather."""

    canvas: ImageDraw.ImageDraw
    cell: float
    columns: int
    rows: int
    variant: int
    time: Time
    weather: Weather
    sky: Sky
    cast: RGB

    def lit(self, paint: RGB, far: float = 0.0) -> RGB:
        """The paint in this light; `far` from 0 (here) to 1 (at the horizon) lets it fade in the haze."""
        haze = AIRS[self.weather].haze
        return mix(through(paint, self.cast), self.sky[1], min(0.85, haze * (0.8 + far)))

    def box(self, x0: float, y0: float, x1: float, y1: float, paint: RGB) -> None:
        """Fills the rectangle between two corners."""
        c = self.cell
        self.canvas.rectangle([x0 * c, y0 * c, x1 * c - 1, y1 * c - 1], fill=paint)

    def ground(self, height: float, paint: RGB) -> None:
        """Fills the lowest `height` rows."""
        self.box(0, self.rows - height, self.columns, self.rows, paint)

    def oval(self, x: float, y: float, across: float, down: float, paint: RGB) -> None:
        """Fills an ellipse about a centre; `across` and `down` are its half axes."""
        c = self.cell
        corners = [(x - across) * c, (y - down) * c, (x + across) * c - 1, (y + down) * c - 1]
        self.canvas.ellipse(corners, fill=paint)

    def disc(self, x: float, y: float, radius: float, paint: RGB) -> None:
        """Fills a circle."""
        self.oval(x, y, radius, radius, paint)

    def shape(self, *points: tuple[float, float], paint: RGB) -> None:
        """Fills the polygon of the points."""
        self.canvas.polygon([(x * self.cell, y * self.cell) for x, y in points], fill=paint)

    def fade(self, upper: RGB, lower: RGB, rows: float) -> None:
        """Fills the highest `rows` with a vertical gradient."""
        width, height = round(self.columns * self.cell), round(rows * self.cell)
        self.canvas.rectangle([0, 0, width - 1, height - 1], fill=upper)
        self.canvas.bitmap((0, 0), _ramp(width, height), fill=lower)

    def side(self, inset: float, *, other: bool = False) -> float:
        """A column `inset` from the left edge (from the right one in variant 1, a cell more in variant 2).

        `other` gives the column across from it.
        """
        inset += self.variant == 2
        return self.columns - inset if (self.variant == 1) != other else inset

    def along(self, step: int) -> list[float]:
        """Columns from edge to edge, `step` apart, moved by the variant."""
        return [float(x) for x in range(self.variant - step, self.columns + step, step)]


def puffs(view: View, x: float, y: float, scale: float, paint: RGB) -> None:
    """Paints a cloud of three puffs about a centre; at `scale` 1 it is five cells wide."""
    for dx, dy, across, down in ((0, 0, 2.5, 0.75), (-0.75, -0.5, 1.0, 1.0), (0.75, -0.75, 1.25, 1.25)):
        view.oval(x + dx * scale, y + dy * scale, across * scale, down * scale, paint)


def _moon(view: View, x: float, y: float, horizon: float) -> None:
    cover = AIRS[view.weather].cover * 0.6
    night = mix(*view.sky, (y - 0.5) / horizon)
    view.disc(x, y, 1.5, mix((255, 246, 200), night, cover))
    view.disc(x + 0.75, y - 0.5, 1.25, night)


STARS = ((1, 5), (4, 1), (6, 4), (9, 2), (11, 5), (13, 1), (15, 4), (18, 2), (20, 5), (22, 1))


def heavens(view: View, height: float, *, inset: float = 2.5, rise: float = 1.0) -> None:
    """Paints the sky down to `height` rows above the bottom; sun or moon hang `inset` from an edge.

    The evening sun stands `rise` rows above that horizon.
    """
    horizon = view.rows - height
    x, y = view.side(inset), 2.5
    view.canvas.rectangle([0, 0, view.columns * view.cell, view.rows * view.cell], fill=view.sky[1])
    view.fade(*view.sky, horizon)
    if view.time is Time.NIGHT:
        if view.weather is Weather.CLEAR:
            for column, row in STARS:
                for line in range(row, int(horizon), 7):
                    view.disc((column + view.variant * 2) % view.columns + 0.5, line + 0.5, 0.2, (255, 250, 214))
        _moon(view, x, y, horizon)
    elif view.weather is Weather.CLEAR:
        if view.time is Time.SUNSET:
            view.disc(x, horizon - rise, 2.75, mix(view.sky[1], (255, 240, 150), 0.4))
            view.disc(x, horizon - rise, 2.0, (255, 240, 150))
        else:
            view.disc(x, y, 1.5, (255, 222, 64))
            puffs(view, view.side(4.0, other=True), 3.25, 1.0, (255, 255, 255))
    _overcast(view, horizon)


def _overcast(view: View, horizon: float) -> None:
    if view.weather is Weather.CLOUDY:
        for line, y in enumerate(range(2, max(3, int(horizon) - 4), 3)):
            for x in map(float, range(view.variant + line % 2 * 4 - 2, view.columns + 4, 8)):
                puffs(view, x, y + 0.4, 1.3, view.lit((164, 174, 190)))
                puffs(view, x, y, 1.25, view.lit((240, 243, 248)))
    elif view.weather is Weather.RAIN:
        for x in view.along(4):
            view.oval(x, 0, 3, 2.5, view.lit((106, 118, 138)))
        for x in view.along(4):
            view.oval(x + 2, 0, 2.5, 1.5, view.lit((84, 96, 116)))


def mist(view: View, height: float) -> None:
    """Long banks of fog, the lowest of them `height` rows above the bottom."""
    if view.weather is not Weather.FOG:
        return
    paint = mix(view.sky[1], (255, 255, 255), 0.45 if view.time is not Time.NIGHT else 0.12)
    for line, x in enumerate((-3, view.columns // 2, 2)):
        y = view.rows - height - line * 2.5
        left = (x + view.variant * 3) % view.columns - 3
        for start in (left, left - view.columns - 2):
            box = [v * view.cell for v in (start, y - 0.5, start + view.columns * 0.6, y + 0.5)]
            view.canvas.rounded_rectangle(box, radius=view.cell / 2, fill=paint)


def paint_weather(canvas: ImageDraw.ImageDraw, width: int, height: int, *, variant: int, weather: Weather) -> None:
    """Paints bold streaks of rain or flakes of snow over a whole RGB canvas, before its figures."""
    cell = min(width, height) / CELLS
    columns, rows = round(width / cell), round(height / cell)
    if weather is Weather.RAIN:
        for y in range(0, rows, 2):
            for x in map(float, range((y + variant) % 4 - 4, columns + 4, 4)):
                ends = [(x + 0.75) * cell, (y + 0.25) * cell, (x + 0.25) * cell, (y + 1.75) * cell]
                canvas.line(ends, fill=(150, 190, 236), width=round(cell * 0.3))
    elif weather is Weather.SNOWFALL:
        for y in range(0, rows, 2):
            for x in map(float, range((y + variant) % 4 - 4, columns + 4, 4)):
                radius = (0.45 if (x + y) % 3 else 0.3) * cell
                cx, cy = (x + 0.5) * cell, (y + 0.5) * cell
                canvas.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=(255, 255, 255))
