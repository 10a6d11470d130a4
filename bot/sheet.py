"""A contact sheet: pictures in rows, each with its name above it."""

import functools
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
_TITLE_FONT, _CAPTION_FONT, _SMALLEST_FONT = 23, 18, 13  # pixels

_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One picture of a sheet; where its `file` cannot be read there is a `note`. One is `marked`."""

    title: str
    caption: str
    file: Path | None
    marked: bool = False
    note: str = ""


def draw_sheet(rows: Sequence[Sequence[Tile]], *, side: int = _SIDE) -> bytes:
    """The sheet as a JPEG; it takes some milliseconds a picture, so call it from a thread."""
    widest = max(map(len, rows))
    width = widest * (side + _GAP) + _GAP
    height = len(rows) * (_LABEL + side + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        top = _GAP + number * (_LABEL + side + _GAP)
        for place, tile in enumerate(row):
            _draw_tile(sheet, draw, tile, (_GAP + place * (side + _GAP), top), side)
    data = BytesIO()
    sheet.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()


def _draw_tile(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, corner: tuple[int, int], side: int
) -> None:
    left, top = corner
    title, font = _fitting(tile.title, _TITLE_FONT, side)
    draw.text((left, top), title, _MARK if tile.marked else _TEXT, font)
    caption, font = _fitting(tile.caption, _CAPTION_FONT, side)
    draw.text((left, top + _LINE), caption, _FINE, font)
    top += _LABEL
    draw.rectangle((left, top, left + side - 1, top + side - 1), _BLANK)
    picture = _small(tile.file, side)
    if picture is not None:
        sheet.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
    elif tile.note:
        middle = left + side // 2, top + side // 2
        draw.text(middle, tile.note, _FINE, _font(_CAPTION_FONT), anchor="mm")
    if tile.marked:
        draw.rectangle((left - 3, top - 3, left + side + 2, top + side + 2), outline=_MARK, width=3)


@functools.cache
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


def _fitting(text: str, size: int, width: int) -> tuple[str, _Font]:
    """`text` and a font of at most `size` in which it fits into `width`; cut where it would be too small."""
    while _font(size).getlength(text) > width and size > _SMALLEST_FONT:
        size -= 1
    if _font(size).getlength(text) > width:
        while text and _font(size).getlength(f"{text}…") > width:
            text = text[:-1]
        text += "…"
    return text, _font(size)


def _small(file: Path | None, side: int) -> Image.Image | None:
    if file is None:
        return None
    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
    except OSError:
        return None
    return ImageOps.contain(picture, (side, side), Image.Resampling.LANCZOS)
