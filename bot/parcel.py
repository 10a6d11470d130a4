"""A result as it is handed over: its words and its files."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePath

import discord
from PIL import Image

from bot import wording
from bot.content import Display, Showing
from bot.history import Family, Generation, Picture
from bot.sheet import Tile, draw_sheet
from bot.wording import labels

FILE_LIMIT = 10 * 1024 * 1024  # bytes: what Discord takes everywhere, also from members without a subscription
JPEG_QUALITY = 92  # of a JPEG that stands in for too large a PNG: no difference that one would see
_THUMBNAIL_SIDE = 160
_SHEET_WIDTH = 4  # pictures in a row


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Text and files of one message; `contents` are (file name, bytes), those of `covered` names are spoilers.

    What is `confined` is for the place that it was made for, and for no other.
    """

    text: str
    contents: tuple[tuple[str, bytes], ...]
    description: str = ""
    covered: frozenset[str] = frozenset()
    confined: bool = False

    def files(self) -> Sequence[discord.File]:
        """The files, to be sent once."""
        return [
            discord.File(
                BytesIO(data), filename=name, description=self.description or None, spoiler=name in self.covered
            )
            for name, data in self.contents
        ]


async def pack(generation: Generation, text: str, display: Display, *, age_restricted: bool) -> Parcel:
    """Read a generation's pictures from the disk; one that is too large goes as `fitting` has it, and says so.

    `display` says which are spoilers, and how those go that the content filter has flagged, in a place that is
    `age_restricted` or not. Raises FileNotFoundError for a picture that is gone.
    """
    flagged = display.of_flagged(age_restricted=age_restricted)
    pictures = [each for each in generation.pictures if not each.flagged or flagged is not Showing.WITHHELD]
    contents = await asyncio.gather(*(asyncio.to_thread(_content, picture) for picture in pictures))
    shown = list(zip(contents, pictures, strict=True))
    suffixes = {PurePath(name).suffix for (name, _), picture in shown if name != picture.name}
    text = wording.with_notes(text, tuple(wording.sent_as(suffix) for suffix in sorted(suffixes)))
    if len(pictures) < len(generation.pictures):
        text = wording.with_notes(text, (wording.NOT_HERE,))
    return Parcel(
        text=text,
        contents=tuple(contents),
        description=wording.alternative_text(generation.recipe),
        covered=frozenset(
            name
            for (name, _), picture in shown
            if display.covered or (picture.flagged and flagged is Showing.COVERED)
        ),
        confined=display.confines and any(picture.flagged for picture in pictures),
    )


async def thumbnails(generations: Sequence[Generation]) -> tuple[tuple[str, bytes], ...]:
    """Small first pictures as (file name, bytes); those that are gone or flagged are left out.

    An embed cannot cover a picture.
    """
    return await asyncio.to_thread(_thumbnails, generations)


async def family_sheet(family: Family) -> bytes:
    """A family as one picture, a JPEG: in the first row how it came to be, its children below."""
    ancestors = ((labels.GRANDPARENT, family.grandparent), (labels.PARENT, family.parent))
    row = [_tile(title, ancestor) for title, ancestor in ancestors if ancestor is not None]
    row.append(replace(_tile(labels.ITSELF, family.itself), marked=True))
    children = [_tile(labels.child(number), child) for number, child in enumerate(family.children, start=1)]
    rows = [children[start : start + _SHEET_WIDTH] for start in range(0, len(children), _SHEET_WIDTH)]
    return await asyncio.to_thread(draw_sheet, [row, *rows])


def _tile(title: str, generation: Generation) -> Tile:
    """The first picture that nothing is held against."""
    picture = next((each for each in generation.pictures if not each.flagged), None)
    return Tile(title=title, caption=generation.id, file=None if picture is None else picture.file)


def fitting(name: str, data: bytes) -> tuple[str, bytes]:
    """A picture's file name and bytes as Discord takes them.

    Where there are too many of the latter it is a WebP with the same pixels, or else a JPEG.
    """
    if len(data) <= FILE_LIMIT:
        return name, data
    lossless = _webp(data)
    if len(lossless) <= FILE_LIMIT:
        return PurePath(name).stem + ".webp", lossless
    return PurePath(name).stem + ".jpg", _jpeg(data, quality=JPEG_QUALITY)


def _content(picture: Picture) -> tuple[str, bytes]:
    return fitting(picture.name, picture.file.read_bytes())


def _webp(data: bytes) -> bytes:
    file = BytesIO()
    with Image.open(BytesIO(data)) as picture:
        picture.save(file, "WEBP", lossless=True, method=0)  # the quickest: seconds for large pictures as it is
    return file.getvalue()


def _jpeg(data: bytes, *, quality: int, side: int | None = None) -> bytes:
    file = BytesIO()
    with Image.open(BytesIO(data)) as image:
        picture = image.convert("RGB")
        if side is not None:
            picture.thumbnail((side, side))
        picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _thumbnails(generations: Sequence[Generation]) -> tuple[tuple[str, bytes], ...]:
    made = []
    for generation in generations:
        for picture in [each for each in generation.pictures if not each.flagged][:1]:
            try:
                data = _jpeg(picture.file.read_bytes(), quality=85, side=_THUMBNAIL_SIDE)
            except FileNotFoundError:
                continue
            made.append((wording.thumbnail_name(generation), data))
    return tuple(made)
