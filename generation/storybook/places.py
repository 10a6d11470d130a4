"""Where a storybook picture plays: each place is one function that paints a whole canvas in its light.

To add a place, write the function that paints it and enter it in `PLACES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import ImageDraw

from generation.storybook.light import (
    AIRS,
    CASTS,
    CELLS,
    DAY_SKY,
    SKIES,
    STARS,
    Sky,
    Time,
    View,
    Weather,
    heavens,
    mist,
    puffs,
    through,
)
from generation.storybook.palette import mix

VARIANTS = 3


def paint_meadow(view: View) -> None:
    """Green grass with flowers before round hills."""
    heavens(view, 6)
    view.oval(view.side(3), view.rows - 5, 8, 3, view.lit((150, 214, 110), 0.7))
    view.oval(view.side(2, other=True), view.rows - 5, 7, 2, view.lit((132, 204, 98), 0.6))
    mist(view, 7)
    view.ground(6, view.lit((104, 190, 74)))
    for index, x in enumerate(view.along(3)):
        y = view.rows - (1.0, 4.0, 2.5)[index % 3]
        view.disc(x, y, 0.5, view.lit(((255, 250, 240), (255, 130, 150), (255, 222, 70))[index % 3]))
        view.disc(x, y, 0.2, view.lit((250, 176, 40)))


def paint_beach(view: View) -> None:
    """Sand before a strip of sea, with a palm."""
    heavens(view, 9)
    mist(view, 8.5)
    view.box(0, view.rows - 9, view.columns, view.rows - 6, view.lit((30, 150, 214), 0.2))
    for x in view.along(4):
        view.box(x, view.rows - 8, x + 1.5, view.rows - 7.75, view.lit((150, 212, 240)))
    view.ground(6, view.lit((248, 250, 252)))
    view.ground(5.5, view.lit((250, 222, 154)))
    x, top, lean = view.side(1.5, other=True), view.rows - 12.0, 1 if view.variant == 1 else -1
    bark = view.lit((150, 98, 56))
    view.shape(
        (x, top), (x + 0.5, top), (x + 0.75 - lean, view.rows - 4), (x - 0.5 - lean, view.rows - 4), paint=bark
    )
    for dx, dy, tip in ((-2.5, 1.5, 2.5), (2.5, 1.5, 2.5), (-2.5, -0.5, 0.5), (2.5, -0.5, 0.5), (0, -2, -2)):
        leaf = view.lit((44, 150, 66) if dy > 0 else (70, 176, 80))
        view.shape((x, top + 0.5), (x + dx * 0.5 - 0.3, top + dy - 1), (x + dx * 1.2, top + tip), paint=leaf)


def paint_sea(view: View) -> None:
    """Open water: rows of round waves, deeper blue the nearer they are."""
    heavens(view, 8)
    mist(view, 9)
    for line, height in enumerate((8, 6, 4, 2)):
        paint = view.lit(mix((70, 166, 226), (14, 76, 160), line / 3), 0.6 - line * 0.2)
        view.ground(height, paint)
        if line:
            for x in map(float, range(view.variant + line % 2 * 2 - 4, view.columns + 4, 4)):
                view.oval(x, view.rows - height + 0.25, 2.0, 0.9, view.lit((176, 220, 244), 0.2))
                view.oval(x, view.rows - height + 0.65, 2.0, 0.9, paint)


def paint_underwater(view: View) -> None:
    """Blue-green water with rays of light, bubbles, weed and a bed of sand."""
    view.fade((84, 214, 220), (6, 78, 140), view.rows)
    for x in map(float, range(view.variant * 2 - 2, view.columns + 4, 6)):
        view.shape((x, 0), (x + 2, 0), (x - 3, view.rows * 0.6), paint=(116, 224, 226))
    view.oval(view.side(3), view.rows, 6, 3, (214, 190, 130))
    view.ground(2, (232, 210, 150))
    for index, (inset, height) in enumerate(((1, 7), (2.5, 4), (4, 2.5))):
        for other in (False, True):
            x, top = view.side(inset, other=other), view.rows - 1 - height + other
            weed = ((20, 130, 90), (240, 96, 110), (60, 170, 90))[index]
            view.canvas.rounded_rectangle(
                [v * view.cell for v in (x - 0.4, top, x + 0.4, view.rows - 1)], view.cell * 0.4, fill=weed
            )
            for step in range(int(height) - 1):
                view.oval(x + (0.7 if step % 2 else -0.7), top + 1 + step, 0.75, 0.4, weed)
    for index, x in enumerate(view.along(4)):
        y = (3, 7, 5)[index % 3]
        view.disc(x + 1.5, y, 0.75, (220, 248, 252))
        view.disc(x + 1.5, y, 0.45, (120, 214, 226))


def paint_desert(view: View) -> None:
    """Dunes of orange sand, with pyramids far away or a cactus."""
    heavens(view, 6)
    if view.variant < 2:
        x, base = view.side(4, other=True), view.rows - 5
        for left, height in ((x - 3, 5), (x + 1, 3)):
            view.shape(
                (left - height, base),
                (left, base - height),
                (left + height, base),
                paint=view.lit((226, 176, 96), 0.5),
            )
            view.shape(
                (left + 1, base), (left, base - height), (left + height, base), paint=view.lit((186, 130, 66), 0.5)
            )
    view.oval(view.side(2), view.rows - 4, 8, 3, view.lit((240, 186, 104), 0.5))
    mist(view, 6)
    view.oval(view.side(1, other=True), view.rows - 3, 9, 2.5, view.lit((222, 152, 76), 0.2))
    view.ground(4, view.lit((244, 186, 98)))
    view.oval(view.columns / 2 + view.variant, view.rows, view.columns / 2, 2, view.lit((230, 162, 80)))
    if view.variant == 2:
        x, base, green = view.side(2, other=True), view.rows - 3, view.lit((46, 136, 76))
        for x0, y0, x1, y1 in ((-0.5, 6, 0.5, 0), (-2, 4.5, -1.25, 2.25), (-2, 3, 0, 2.25), (0, 3.5, 2, 2.75)):
            view.box(x + x0, base - y0, x + x1, base - y1, green)
        view.box(x + 1.25, base - 5, x + 2, base - 2.75, green)


def _fir(view: View, x: float, base: float, height: float, *, snowy: bool) -> None:
    view.box(x - 0.4, base - 1, x + 0.4, base, view.lit((96, 66, 48)))
    for line in (0, 1, 2):
        top, width = base - height + line * height / 4, height / 5 + line * height / 14
        bottom = top + height / 2.6
        view.shape((x - width, bottom), (x, top), (x + width, bottom), paint=view.lit((40, 104, 92)))
        if snowy:
            cap = view.lit((244, 248, 255))
            view.shape(
                (x - width / 2, (top + bottom) / 2), (x, top), (x + width / 2, (top + bottom) / 2), paint=cap
            )


def paint_snow(view: View) -> None:
    """White hills with snowy firs."""
    heavens(view, 6)
    view.oval(view.side(3), view.rows - 5, 9, 3, view.lit((206, 222, 242), 0.4))
    mist(view, 7)
    for inset, other, height in ((1.5, True, 8), (4.5, True, 5), (1.5, False, 6)):
        _fir(view, view.side(inset, other=other), view.rows - 5, height, snowy=True)
    if view.columns > CELLS:
        _fir(view, view.side(5, other=False), view.rows - 5, 8, snowy=True)
    view.ground(5.5, view.lit((238, 244, 254)))
    view.oval(view.side(3), view.rows, 8, 2, view.lit((214, 228, 246)))


def paint_mountains(view: View) -> None:
    """Grey peaks with snow on top, grass before them."""
    heavens(view, 4, rise=8)
    rise = 2 if view.rows > CELLS else 0
    peaks = [(view.columns - 3, 8, 0.5), (3, 9, 0.4), (view.columns // 2 + 1, 11, 0.2)]
    if view.columns > CELLS:
        peaks += [(6, 11, 0.2), (view.columns - 5, 10, 0.1)]
    base = view.rows - 4
    for index, (column, tall, far) in enumerate(peaks):
        x, height = column + (-1, 1, 0)[view.variant], tall + rise - (view.variant + index) % 2
        top, wide = base - height, height * 0.75
        left, right = (x - wide, base), (x + wide, base)
        view.shape(left, (x, top), right, paint=view.lit((136, 144, 168), far * 2))
        view.shape((x + wide / 4, base), (x, top), right, paint=view.lit((104, 112, 138), far * 2))
        cap = [
            (x - 2.25, top + 3),
            (x, top),
            (x + 2.25, top + 3),
            (x + 1, top + 2.5),
            (x, top + 3.5),
            (x - 1, top + 2.5),
        ]
        view.shape(*cap, paint=view.lit((250, 252, 255), far))
    mist(view, 6)
    view.oval(view.side(4), base + 1, 8, 2, view.lit((92, 158, 84), 0.2))
    view.ground(4, view.lit((108, 174, 88)))


def paint_space(view: View) -> None:
    """Black sky with stars, a ringed planet and a small moon."""
    view.fade((10, 8, 28), (46, 22, 84), view.rows)
    for column, row in STARS:
        for line in range(row, view.rows, 6):
            radius = 0.4 if (column + line) % 3 == 0 else 0.22
            view.disc((column + line + view.variant * 2) % view.columns + 0.5, line + 0.5, radius, (244, 240, 255))
    x, y = view.side(3), 3.0
    view.disc(x, y, 2, (232, 140, 92))
    view.oval(x, y - 0.5, 1.75, 0.4, (250, 180, 120))
    view.oval(x, y + 0.5, 3, 0.6, (250, 218, 150))
    moon = view.side(2.5, other=True)
    view.disc(moon, view.rows - 3, 1.5, (110, 160, 220))
    view.disc(moon + 0.5, view.rows - 3.5, 0.5, (150, 196, 240))


def paint_forest(view: View) -> None:
    """Tall trees with brown trunks and dark round crowns, before a green thicket."""
    heavens(view, 8, inset=view.columns / 2 - 1.5, rise=3)
    for x in view.along(3):
        view.oval(x, view.rows - 7, 2, 3 + x % 2, view.lit((118, 172, 104), 0.5))
    mist(view, 7)
    view.ground(7, view.lit((88, 146, 82), 0.3))
    for index, (inset, other) in enumerate(((1, False), (1, True), (4, False), (4, True), (9, False), (9, True))):
        if inset > view.columns / 2 - 3:
            continue
        x, back = view.side(inset, other=other), inset != 1
        top = view.rows - (10 if back else 12) - (index + view.variant) % 2
        wide, leaf = (0.5, (50, 126, 62)) if back else (0.75, (30, 98, 50))
        view.box(x - wide, top, x + wide, view.rows - 3, view.lit((106, 72, 46) if back else (88, 58, 38)))
        for dx, dy, radius in ((-1, 0.5, 2), (1, 0.5, 2), (0, -1, 2)):
            view.disc(x + dx, top + dy, radius, view.lit(leaf))
        view.disc(x - 0.75, top - 1, 0.75, view.lit(mix(leaf, (160, 210, 100), 0.35)))
    view.ground(4, view.lit((62, 118, 56)))
    for x in view.along(4):
        view.oval(x, view.rows - 4, 1.5, 0.75, view.lit((62, 118, 56)))


HEIGHTS = (8, 9, 6, 9, 6, 8)


def _towers(view: View, base: float, *, far: float, extra: int, step: int = 3) -> None:
    """Towers in a row, `step` columns each, that stand `base` rows above the bottom."""
    glow = (255, 226, 120) if view.time is not Time.DAY else (255, 240, 176)
    for index, x in enumerate(range(0, view.columns, step)):
        height = HEIGHTS[(index + 2 * view.variant) % len(HEIGHTS)] + extra
        top = view.rows - base - height
        wall = ((132, 142, 166), (158, 166, 186), (112, 122, 150))[(index + view.variant) % 3]
        view.box(x, top, x + step - 0.25, view.rows - base, view.lit(wall, far))
        for y in range(int(top) + 1, int(view.rows - base), 2):
            for column in range(step - 1):
                if (index + y + column) % 4:
                    lamp = mix(glow, view.sky[1], 0.5 * AIRS[view.weather].haze * (1 + far))
                    view.box(x + 0.375 + column, y, x + 1.125 + column, y + 1, lamp)


def paint_city(view: View) -> None:
    """Grey towers with lit windows behind a road."""
    heavens(view, 4, inset=7.5, rise=8)
    mist(view, 10)
    _towers(view, 4, far=0.1, extra=4 if view.rows > CELLS else 0)
    view.ground(4, view.lit((180, 182, 190)))
    view.ground(3.5, view.lit((78, 80, 92)))
    for x in view.along(4):
        view.box(x, view.rows - 1.25, x + 2, view.rows - 0.75, view.lit((244, 236, 200)))


def _fields(view: View) -> None:
    """Rolling fields in stripes, and a path through them."""
    view.oval(view.side(3), view.rows - 4, 10, 3, view.lit((168, 204, 96), 0.4))
    view.oval(view.side(2, other=True), view.rows - 4, 8, 2, view.lit((238, 210, 96), 0.3))
    mist(view, 7)
    view.ground(5, view.lit((128, 190, 82)))
    for x in map(float, range(-view.columns, 2 * view.columns, 4)):
        middle = view.columns / 2
        near = middle + (x + view.variant - middle) * 1.75
        far = middle + (x + view.variant - middle) * 0.75
        view.shape(
            (far, view.rows - 5),
            (far + 1.5, view.rows - 5),
            (near + 3.5, view.rows),
            (near, view.rows),
            paint=view.lit((228, 202, 92)),
        )
    x = view.side(4)
    turn = 2 if view.variant == 1 else -2
    path = ((x, 5), (x + 1, 5), (x - turn + 1.5, 3), (x + 3, 0), (x - 2, 0), (x - turn - 0.5, 3))
    view.shape(*((px, view.rows - up) for px, up in path), paint=view.lit((240, 222, 180)))


def paint_countryside(view: View) -> None:
    """Rolling striped fields with a red barn far away and a path to it."""
    heavens(view, 6, inset=view.columns / 2 - 1.5, rise=2)
    _fields(view)
    x, base = view.side(3), view.rows - 5
    view.box(x - 1.5, base - 2.5, x + 2.5, base, view.lit((200, 62, 50)))
    view.shape(
        (x - 2, base - 2.5),
        (x - 0.5, base - 4.5),
        (x + 1.5, base - 4.5),
        (x + 3, base - 2.5),
        paint=view.lit((112, 76, 80)),
    )
    view.box(x, base - 1.5, x + 1, base, view.lit((250, 240, 224)))
    for inset in (1.5, 4) if view.columns == CELLS else (1.5, 4, 7):
        tree = view.side(inset, other=True)
        view.box(tree - 0.25, base - 1.5, tree + 0.25, base + 0.5, view.lit((112, 78, 50)))
        view.disc(tree, base - 2.25, 1.5, view.lit((64, 146, 70)))


def paint_skyline(view: View) -> None:
    """The striped fields of the countryside with a city's towers behind them."""
    heavens(view, 6, inset=view.columns / 2 - 2.5, rise=6)
    _towers(view, 5, far=0.6, extra=-2, step=2)
    _fields(view)


def paint_sky(view: View) -> None:
    """Among the clouds, without any ground."""
    heavens(view, 0, rise=8)
    cloud = view.lit((255, 255, 255))
    shade = mix(cloud, view.sky[1], 0.5)
    puffs(view, view.side(2.5, other=True), view.rows / 2 - 1, 1.0, shade)
    for paint, height, scale, move in ((shade, 2.0, 1.75, 2), (cloud, 0.25, 1.5, 0)):
        for x in view.along(4):
            puffs(view, x + move, view.rows - height + 0.5, scale, paint)


def paint_room(view: View) -> None:
    """Indoors: a warm wall with a window and a picture, a wooden floor and a rug."""
    floor = 4
    view.box(0, 0, view.columns, view.rows, (250, 222, 180))
    for x in view.along(4):
        view.box(x, 0, x + 1, view.rows - floor, (244, 208, 160))
    view.ground(floor, (178, 116, 72))
    view.ground(floor + 0.5, (255, 248, 236))
    view.ground(floor, (178, 116, 72))
    for line in (1, 2, 3):
        view.box(0, view.rows - line - 0.125, view.columns, view.rows - line + 0.125, (148, 92, 56))
    view.oval(view.columns / 2, view.rows - 1.75, 6, 1.25, (196, 72, 84))
    view.oval(view.columns / 2, view.rows - 1.75, 5, 0.8, (236, 140, 130))
    top = 2 + (view.rows - CELLS) // 2
    x = view.side(3)
    view.box(x - 2.5, top, x + 2.5, top + 6, (255, 250, 240))
    view.box(x - 2, top + 0.5, x + 2, top + 5.5, (136, 206, 250))
    view.oval(x, top + 4.5, 1.9, 1, (120, 196, 96))
    view.box(x - 2, top + 4.5, x + 2, top + 5.5, (120, 196, 96))
    view.box(x - 0.25, top, x + 0.25, top + 6, (255, 250, 240))
    view.box(x - 2, top + 2.75, x + 2, top + 3.25, (255, 250, 240))
    view.box(x - 3, top + 6, x + 3, top + 6.5, (214, 150, 96))
    x = view.side(3, other=True)
    view.box(x - 2, top + 1, x + 2, top + 4.5, (140, 84, 50))
    view.box(x - 1.5, top + 1.5, x + 1.5, top + 4, (252, 240, 214))
    view.shape((x - 1.5, top + 4), (x - 0.25, top + 2), (x + 1.5, top + 4), paint=(96, 140, 190))
    view.disc(x + 0.75, top + 2.25, 0.5, (250, 170, 70))


def paint_plain(view: View) -> None:
    """Plain off-white paper."""
    view.box(0, 0, view.columns, view.rows, (248, 246, 240))


@dataclass(frozen=True, kw_only=True)
class Place:
    """A backdrop and the words for it.

    `phrases` say where a figure is, `names` name the place without an article, `sky` is that of a clear
    day. Weathers fall only `outdoors`.
    """

    paint: Callable[[View], None]
    phrases: tuple[str, ...]
    names: tuple[str, ...]
    outdoors: bool = True
    sky: Sky = DAY_SKY


PLACES: dict[str, Place] = {
    "meadow": Place(
        paint=paint_meadow,
        phrases=("on the meadow", "in a meadow", "on green grass", "in the grass"),
        names=("meadow", "green meadow", "grass", "flower meadow"),
    ),
    "beach": Place(
        paint=paint_beach,
        phrases=("on the beach", "at the beach", "on a sandy beach", "by the sea"),
        names=("beach", "sandy beach", "seaside", "shore"),
        sky=((110, 206, 250), (214, 244, 252)),
    ),
    "sea": Place(
        paint=paint_sea,
        phrases=("on the sea", "on the ocean", "at sea", "on the water", "on the waves"),
        names=("sea", "ocean", "open sea", "waves"),
    ),
    "underwater": Place(
        paint=paint_underwater,
        phrases=("underwater", "under the sea", "under water", "at the bottom of the sea"),
        names=("underwater world", "sea floor", "coral reef"),
        outdoors=False,
    ),
    "desert": Place(
        paint=paint_desert,
        phrases=("in the desert", "in a desert", "on the dunes", "in the sand"),
        names=("desert", "dunes", "sand dunes"),
        sky=((250, 206, 130), (255, 242, 196)),
    ),
    "snow": Place(
        paint=paint_snow,
        phrases=("in the snow", "in winter", "on white snow", "in a snowy landscape"),
        names=("snow", "winter landscape", "snowy landscape", "winter"),
        sky=((158, 200, 240), (224, 238, 250)),
    ),
    "mountains": Place(
        paint=paint_mountains,
        phrases=("in the mountains", "in front of the mountains", "by the mountains", "before a mountain"),
        names=("mountains", "mountain", "mountain landscape", "peaks"),
    ),
    "space": Place(
        paint=paint_space,
        phrases=("in space", "in outer space", "among the planets", "in the universe"),
        names=("space", "outer space", "planets", "universe"),
        outdoors=False,
    ),
    "forest": Place(
        paint=paint_forest,
        phrases=("in the forest", "in a forest", "in the woods", "among the trees"),
        names=("forest", "woods", "trees"),
    ),
    "city": Place(
        paint=paint_city,
        phrases=("in the city", "in a city", "on the street", "in town"),
        names=("city", "street", "town", "towers"),
    ),
    "room": Place(
        paint=paint_room,
        phrases=("in a room", "at home", "indoors", "in the living room", "inside a house"),
        names=("room", "living room", "interior"),
        outdoors=False,
    ),
    "countryside": Place(
        paint=paint_countryside,
        phrases=("in the countryside", "in the fields", "on a farm", "in the country"),
        names=("countryside", "rural landscape", "fields", "farm", "farmland"),
    ),
    "skyline": Place(
        paint=paint_skyline,
        phrases=("in the fields before a city", "in front of a skyline", "in the country near a city"),
        names=(
            "rural landscape with a city behind it",
            "fields before a city",
            "countryside with a city in the background",
            "skyline",
            "city behind fields",
        ),
    ),
    "sky": Place(
        paint=paint_sky,
        phrases=("in the sky", "among the clouds", "in the clouds", "up in the air"),
        names=("sky", "clouds", "sky with clouds"),
        outdoors=False,
    ),
    "plain": Place(
        paint=paint_plain,
        phrases=("on a white background", "on a plain background", "on white paper", "on an empty background"),
        names=("white background", "plain background", "white paper"),
        outdoors=False,
    ),
}


def paint_place(
    canvas: ImageDraw.ImageDraw,
    width: int,
    height: int,
    place: str,
    *,
    variant: int,
    time: Time = Time.DAY,
    weather: Weather = Weather.CLEAR,
) -> None:
    """Paints a place over a whole RGB canvas of `width` x `height` pixels, behind its figures.

    `place` is a key of `PLACES`, `variant` is from 0 to `VARIANTS` - 1. Where it is not outdoors there is no
    weather, and no time either but in the sky.
    """
    spot = PLACES[place]
    air = AIRS[weather if spot.outdoors else Weather.CLEAR]
    cast = CASTS[time]
    upper, lower = spot.sky if time is Time.DAY else SKIES[time]
    veil = through(air.veil, cast)
    cell = min(width, height) / CELLS
    spot.paint(
        View(
            canvas=canvas,
            cell=cell,
            columns=round(width / cell),
            rows=round(height / cell),
            variant=variant,
            time=time,
            weather=weather if spot.outdoors else Weather.CLEAR,
            sky=(mix(upper, mix(veil, (0, 0, 0), 0.12), air.cover), mix(lower, veil, air.cover)),
            cast=mix((0, 0, 0), cast, air.dim),
        )
    )
