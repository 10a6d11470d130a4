"""A contact sheet: pictures in rows, each with its name above it."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

_SIDE = 224  # pixels of the square that a picture fits into
_GAP = 24
_LABEL = 54  # the height of the two lines above a picture
_LINE = 27
_BACKGROUND = "#2b2d31"
_BLANK = "#1e1f22"
_TEXT = "#f2f3f5"
_FINE = "#b5bac1"
_MARK = "#e07a5f"
_QUALITY = 90


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One picture of a sheet; without a `file` that can be read its square stays empty. One is `marked`."""

    title: str
    caption: str
    file: Path | None
    marked: bool = False


def draw_sheet(rows: Sequence[Sequence[Tile]]) -> bytes:
    """The sheet as a JPEG; it takes some milliseconds a picture, so call it from a thread."""
    widest = max(map(len, rows))
    width = widest * (_SIDE + _GAP) + _GAP
    height = len(rows) * (_LABEL + _SIDE + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    fonts = ImageFont.load_default(23), ImageFont.load_default(18)
    for number, row in enumerate(rows):
        top = _GAP + number * (_LABEL + _SIDE + _GAP)
        for place, tile in enumerate(row):
            _draw_tile(sheet, draw, tile, (_GAP + place * (_SIDE + _GAP), top), fonts)
    data = BytesIO()
    sheet.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    tile: Tile,
    corner: tuple[int, int],
    fonts: tuple[ImageFont.ImageFont | ImageFont.FreeTypeFont, ImageFont.ImageFont | ImageFont.FreeTypeFont],
) -> None:
    left, top = corner
    draw.text((left, top), tile.title, _MARK if tile.marked else _TEXT, fonts[0])
    draw.text((left, top + _LINE), tile.caption, _FINE, fonts[1])
    top += _LABEL
    draw.rectangle((left, top, left + _SIDE - 1, top + _SIDE - 1), _BLANK)
    if (picture := _small(tile.file)) is not None:
        sheet.paste(picture, (left + (_SIDE - picture.width) // 2, top + (_SIDE - picture.height) // 2))
    if tile.marked:
        draw.rectangle((left - 3, top - 3, left + _SIDE + 2, top + _SIDE + 2), outline=_MARK, width=3)


def _small(file: Path | None) -> Image.Image | None:
    if file is None:
        return None
    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    except OSError:
        return None
    return ImageOps.contain(picture, (_SIDE, _SIDE), Image.Resampling.LANCZOS)
