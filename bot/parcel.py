"""A result as it is handed over: its words and its files."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import discord
from PIL import Image

from bot import wording
from bot.history import Generation, Picture

FILE_LIMIT = 10 * 1024 * 1024  # bytes: what Discord takes everywhere, also from members without a subscription
_QUALITY = 92  # of a JPEG that stands in for too large a PNG: no difference that one would see
_THUMBNAIL_SIDE = 160


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Text and files of one message; `contents` are (file name, bytes)."""

    text: str
    contents: tuple[tuple[str, bytes], ...]
    description: str = ""

    def files(self) -> Sequence[discord.File]:
        """The files, to be sent once."""
        return [
            discord.File(BytesIO(data), filename=name, description=self.description or None)
            for name, data in self.contents
        ]


async def pack(generation: Generation, text: str) -> Parcel:
    """Read a generation's pictures from the disk; one that Discord would not take goes as a JPEG, and it is told.

    Raises FileNotFoundError for a picture that is gone.
    """
    contents = await asyncio.gather(*(asyncio.to_thread(_content, picture) for picture in generation.pictures))
    if any(name != picture.name for (name, _), picture in zip(contents, generation.pictures, strict=True)):
        text = wording.with_notes(text, (wording.SENT_AS_JPEG,))
    return Parcel(text=text, contents=tuple(contents), description=wording.alternative_text(generation.recipe))


async def thumbnails(generations: Sequence[Generation]) -> tuple[tuple[str, bytes], ...]:
    """Small first pictures as (file name, bytes); those whose file is gone are left out."""
    return await asyncio.to_thread(_thumbnails, generations)


def _content(picture: Picture) -> tuple[str, bytes]:
    data = picture.file.read_bytes()
    if len(data) <= FILE_LIMIT:
        return picture.name, data
    return picture.name.removesuffix(".png") + ".jpg", _jpeg(data, quality=_QUALITY)


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
        for picture in generation.pictures[:1]:
            try:
                data = _jpeg(picture.file.read_bytes(), quality=85, side=_THUMBNAIL_SIDE)
            except FileNotFoundError:
                continue
            made.append((wording.thumbnail_name(generation), data))
    return tuple(made)
