"""How a finished storybook scene is shown: a flat drawing turned into pixel art, pencil, watercolour or neon.

Nothing here is left to chance and no line is thinner than two pixels: patterns are fixed to the corner of the
canvas and repeat with the squares of the model's latents, so that a small network can learn them.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageEnhance, ImageFilter

Field = npt.NDArray[np.floating]

PIXELS_ACROSS = 64
LATENTS_ACROSS = 32
REFERENCE = 256
TONE = 255 / 9


class Style(StrEnum):
    """How a picture is made."""

    FLAT = "flat"
    PIXEL = "pixel art"
    PENCIL = "pencil sketch"
    WATERCOLOUR = "watercolour"
    GLOW = "night glow"


STYLE_PHRASES: dict[Style, tuple[str, ...]] = {
    Style.FLAT: ("flat", "flat illustration", "picture book", "flat picture book illustration"),
    Style.PIXEL: (
        "pixel art",
        "pixel art",
        "in pixel art style",
        "as pixel art",
        "pixelated",
        "8 bit style",
        "8 bit",
        "retro video game style",
    ),
    Style.PENCIL: (
        "pencil sketch",
        "pencil drawing",
        "as a pencil sketch",
        "as a pencil drawing",
        "sketched in pencil",
        "drawn in pencil",
        "sketch",
        "hand drawn sketch",
    ),
    Style.WATERCOLOUR: (
        "watercolour",
        "watercolor",
        "watercolour painting",
        "watercolor painting",
        "in watercolour",
        "in watercolor style",
        "as a watercolour painting",
        "painted in watercolor",
    ),
    Style.GLOW: (
        "neon",
        "neon glow",
        "night glow",
        "glowing",
        "glowing in the night",
        "glowing neon",
        "in neon style",
        "neon lights",
    ),
}


def _colour(red: int, green: int, blue: int) -> Field:
    return np.asarray((red, green, blue), dtype=np.float32)


DRAWING_PAPER = _colour(250, 245, 232)
GRAPHITE = _colour(52, 48, 56)
PAINTING_PAPER = _colour(254, 252, 247)
DARKNESS = _colour(8, 9, 26)
MOONSHINE = np.asarray((0.23, 0.25, 0.33), dtype=np.float32)
VIOLET = _colour(176, 128, 255)


def render(picture: Image.Image, figures: Image.Image, style: Style) -> Image.Image:
    """Shows a flat RGB picture in a style, as a new RGB picture of the same size.

    `figures` is an "L" mask of that size, 255 where a figure is. Widths of lines follow the shorter side; the
    patterns meet the latents' squares where it is a multiple of 64 pixels. Raises ValueError when the mask has
    another size or either image another mode.
    """
    if picture.mode != "RGB" or figures.mode != "L":
        raise ValueError(f"The picture must be RGB and its mask L, not {picture.mode} and {figures.mode}.")
    if picture.size != figures.size:
        raise ValueError(f"The mask must be as large as the picture, {picture.size}, not {figures.size}.")
    match style:
        case Style.FLAT:
            return picture.copy()
        case Style.PIXEL:
            return _pixels(picture, figures)
        case Style.PENCIL:
            return _pencil(picture, figures)
        case Style.WATERCOLOUR:
            return _watercolour(picture, figures)
        case Style.GLOW:
            return _glow(picture, figures)


def _pixels(picture: Image.Image, figures: Image.Image) -> Image.Image:
    """Square blocks in few tones, every figure with a dark outline of one block like a sprite."""
    block = max(2, min(picture.size) // PIXELS_ACROSS)
    colours = _field(picture.reduce(block).filter(ImageFilter.UnsharpMask(radius=1, percent=60, threshold=0)))
    # Only brightness is cut into tones: channels cut one by one would turn greys violet.
    bright = np.maximum(colours.max(axis=2, keepdims=True), 1)
    colours *= np.maximum(np.round(bright / TONE), 0.5) * TONE / bright
    # A cross, not a square: outlines keep single steps at corners.
    inside = np.pad(_field(figures.reduce(block)) >= 112, 1)
    beside = inside[:-2, 1:-1] | inside[2:, 1:-1] | inside[1:-1, :-2] | inside[1:-1, 2:]
    colours[beside & ~inside[1:-1, 1:-1]] *= 0.3
    small = _image(colours)
    grown = small.resize((small.width * block, small.height * block), Image.Resampling.NEAREST)
    return grown.crop((0, 0, *picture.size))


def _pencil(picture: Image.Image, figures: Image.Image) -> Image.Image:
    """Graphite outlines and hatched darks over a light tint, on cream paper."""
    scale = _scale(picture)
    blur = ImageFilter.GaussianBlur(0.7 * scale)
    soft = picture.filter(blur)
    tint = 1 - (0.40 + 0.22 / 255 * _field(figures)[..., None]) * (1 - _field(soft) / 255)
    lines = _blurred(np.clip((_edges(*soft.split(), figures.filter(blur)) - 26) / 80, 0, 1), 0.5 * scale)
    dark = np.clip((100 - _brightest(soft)) / 50, 0, 1) * (0.42 + 0.40 * _hatching(*picture.size))
    graphite = np.maximum(0.9 * np.minimum(1.2 * lines, 1), dark)[..., None]
    paper = DRAWING_PAPER * tint
    return _image(paper + (GRAPHITE - paper) * graphite)


def _watercolour(picture: Image.Image, figures: Image.Image) -> Image.Image:
    """Pale washes that end before the border of the paper; pigment gathers along the figures' edges."""
    scale = _scale(picture)
    cover = _field(figures) / 255
    bled = picture.filter(ImageFilter.BoxBlur(2.5 * scale))
    bled.paste(picture.filter(ImageFilter.BoxBlur(0.8 * scale)), mask=figures)
    rim = np.maximum(cover - _blurred(cover, 2.5 * scale), 0)
    washes, sheet = _washes(*picture.size)
    # Figures are washed more evenly than the backdrop: a thin wash of black would pass for grey.
    strength = (0.66 + 0.14 * cover + (0.24 - 0.16 * cover) * washes + 0.9 * rim) * sheet
    return _image(PAINTING_PAPER * (1 - strength[..., None] * (1.03 - _field(bled) / 255)))


def _glow(picture: Image.Image, figures: Image.Image) -> Image.Image:
    """A backdrop in the dark; bright figures with light along their rims and a halo of their colour around."""
    scale = _scale(picture)
    cover = _field(figures)[..., None] / 255
    vivid = _field(ImageEnhance.Color(picture).enhance(1.35))
    # Black gives no light of its own: violet stands in for it, or a black cat would be lost in the dark.
    unlit = np.clip((80 - _brightest(picture)) / 40, 0, 1)[..., None]
    light = vivid + (VIOLET - vivid) * unlit
    rim = np.clip(2.2 * (1 - _blurred(cover[..., 0], 1.8 * scale)), 0, 1)[..., None]
    body = vivid * (1 - 0.5 * unlit)
    shining = body + (0.55 * light + 115 - body) * rim
    around = _field(picture) * MOONSHINE + DARKNESS
    around += _halo(_image(light * cover), scale) * (1 - around / 255)
    return _image(around + (shining - around) * cover)


def _scale(picture: Image.Image) -> float:
    return min(picture.size) / REFERENCE


def _field(image: Image.Image) -> Field:
    return np.asarray(image).astype(np.float32)


def _image(colours: Field) -> Image.Image:
    return Image.fromarray(np.clip(colours + 0.5, 0, 255).astype(np.uint8))


def _blurred(share: Field, radius: float) -> Field:
    """A field of shares from 0 to 1, blurred."""
    return _field(_image(share * 255).filter(ImageFilter.GaussianBlur(radius))) / 255


def _brightest(picture: Image.Image) -> Field:
    """The brightest channel of each pixel, 0 to 255."""
    red, green, blue = picture.split()
    return _field(ImageChops.lighter(ImageChops.lighter(red, green), blue))


def _edges(*channels: Image.Image) -> Field:
    """How much the channels change across each pixel, by the one that changes most, 0 to 255."""
    steepest = np.zeros(channels[0].size[::-1], dtype=np.int16)
    for channel in channels:
        levels = np.pad(np.asarray(channel).astype(np.int16), 1, mode="edge")
        np.maximum(steepest, np.abs(levels[1:-1, 2:] - levels[1:-1, :-2]), out=steepest)
        np.maximum(steepest, np.abs(levels[2:, 1:-1] - levels[:-2, 1:-1]), out=steepest)
    return steepest.astype(np.float32)


def _halo(lamps: Image.Image, scale: float) -> Field:
    """The light of the lamps far and near; made at a quarter of the size, where nothing sharp is lost."""
    small = lamps.reduce(4)
    far, near = (_field(small.filter(ImageFilter.GaussianBlur(radius * scale))) for radius in (4, 1.25))
    return _field(_image(1.15 * far + 0.35 * near).resize(lamps.size, Image.Resampling.BICUBIC))


@lru_cache(maxsize=8)
def _hatching(width: int, height: int) -> Field:
    """Soft diagonal strokes, one in the width of each latent."""
    period = min(width, height) / LATENTS_ACROSS
    rows, columns = np.ogrid[:height, :width]
    strokes: Field = (0.5 + 0.5 * np.cos((columns + rows) * (2 * np.pi / period))).astype(np.float32)
    return strokes


@lru_cache(maxsize=8)
def _washes(width: int, height: int) -> tuple[Field, Field]:
    """How the pigment pools, about -1 to 1, and where the sheet is painted, from 0 at its border to 1."""
    unit = min(width, height) / 2
    rows, columns = np.ogrid[:height, :width]
    x, y = (columns + 0.5) / unit, (rows + 0.5) / unit
    pools = np.sin(3.1 * x + 1.7 * y + 0.4) + np.sin(2.3 * x - 4.1 * y + 1.9) + 0.7 * np.sin(5.3 * x + 4.7 * y)
    to_side = np.minimum(x, width / unit - x) + 0.016 * np.sin(7 * y + 1) + 0.008 * np.sin(13 * y)
    to_end = np.minimum(y, height / unit - y) + 0.016 * np.sin(6 * x) + 0.008 * np.sin(14 * x + 2)
    sheet = np.clip((np.minimum(to_side, to_end) - 0.05) / 0.05, 0, 1)
    return (pools / 2.7).astype(np.float32), sheet.astype(np.float32)
