"""An upload -> a stored source image: fetched, checked and normalised off the event loop, kept by its hash."""

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

import aiohttp
import discord

from bot.pictures import Pictures
from bot.source import (
    BYTES_LIMIT,
    FORMATS,
    Correction,
    SourceImage,
    read_mask_image,
    read_source_image,
    side_by_side,
)
from generation import BadPicture, PictureFault, Size

__all__ = [
    "BYTES_LIMIT",
    "FORMATS",
    "PREVIEW_NAME",
    "Correction",
    "Source",
    "fetch",
    "look",
    "picture_of",
    "read_bytes",
    "read_mask",
    "read_mask_bytes",
    "read_pair",
    "read_source",
]

PREVIEW_NAME = "easel-preview.jpg"  # of a picture that is still being drawn, and from which nothing is drawn
FETCH_DEADLINE = 30.0  # seconds for one try
READ_DEADLINE = 30.0  # seconds, with the wait for other uploads
_PAUSES = (0.5, 2.0)  # seconds before the second and the third try
_SUFFIXES = frozenset({".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A stored source image or mask, and what was done to the upload to make it one.

    `holes` is a stored mask of what is transparent in it, where that was asked for and there is something.
    """

    sha256: str
    size: Size
    corrections: tuple[Correction, ...]
    holes: str | None = None

    @property
    def stored(self) -> tuple[str, ...]:
        """The hashes of all that was stored for it."""
        return (self.sha256,) if self.holes is None else (self.sha256, self.holes)


def picture_of(message: discord.Message) -> discord.Attachment | None:
    """The first attachment of the message, or of what it forwards, that looks like a picture.

    That it is one is only known when it is read.
    """
    forwarded = [attachment for snapshot in message.message_snapshots for attachment in snapshot.attachments]
    return next((one for one in (*message.attachments, *forwarded) if _looks_like_a_picture(one)), None)


def _looks_like_a_picture(attachment: discord.Attachment) -> bool:
    if attachment.filename.removeprefix("SPOILER_") == PREVIEW_NAME:
        return False
    if attachment.content_type is not None:
        return attachment.content_type.startswith("image/")
    return PurePosixPath(attachment.filename).suffix.casefold() in _SUFFIXES


async def read_source(
    attachment: discord.Attachment,
    pictures: Pictures,
    *,
    with_holes: bool = False,
    pauses: Sequence[float] = _PAUSES,
) -> Source:
    """Fetch, check and store an upload; a failing fetch is repeated after each of `pauses` (seconds).

    Raises BadPicture, or OSError where the disk does not take the picture.
    """
    data = await fetch(attachment, pauses=pauses)
    return await read_bytes(data, name=attachment.filename, pictures=pictures, with_holes=with_holes)


async def read_mask(attachment: discord.Attachment, pictures: Pictures) -> Source:
    """Fetch, check and store a mask. Raises as `read_source` does."""
    return await read_mask_bytes(await fetch(attachment), name=attachment.filename, pictures=pictures)


async def fetch(attachment: discord.Attachment, *, pauses: Sequence[float] = _PAUSES) -> bytes:
    """The bytes of an upload, if there are not too many. Raises BadPicture."""
    if attachment.size > BYTES_LIMIT:
        raise BadPicture(
            PictureFault.TOO_MANY_BYTES, name=attachment.filename, value=attachment.size, limit=BYTES_LIMIT
        )
    return await _fetch(attachment, pauses)


async def read_bytes(
    data: bytes, *, name: str, pictures: Pictures, with_holes: bool = False, deadline: float = READ_DEADLINE
) -> Source:
    """Check and store the picture called `name`, within `deadline` seconds. Raises as `read_source` does.

    `with_holes`: what is transparent is stored too, as a mask.
    """
    image = await _checked(functools.partial(read_source_image, data, name=name), name, deadline)
    sha256 = await pictures.keep_source(image.png)
    if not with_holes or image.holes is None:
        return Source(sha256=sha256, size=image.size, corrections=image.corrections)
    return Source(
        sha256=sha256,
        size=image.size,
        corrections=(*(each for each in image.corrections if each is not Correction.FLATTENED), Correction.OPENED),
        holes=await pictures.keep_source(image.holes),
    )


async def read_mask_bytes(data: bytes, *, name: str, pictures: Pictures) -> Source:
    """Check and store the mask called `name`. Raises as `read_source` does."""
    image = await _checked(functools.partial(read_mask_image, data, name=name), name, READ_DEADLINE)
    return Source(sha256=await pictures.keep_source(image.png), size=image.size, corrections=image.corrections)


async def read_pair(first: tuple[bytes, str], second: tuple[bytes, str], *, pictures: Pictures) -> Source:
    """Check two pictures, bytes and name, and store them as one that holds both. Raises as `read_source` does."""
    checked = [await look(data, name=name) for data, name in (first, second)]
    pair = await asyncio.to_thread(side_by_side, checked[0].png, checked[1].png)
    corrections = {each for image in checked for each in image.corrections}
    return Source(
        sha256=await pictures.keep_source(pair),
        size=checked[0].size,
        corrections=tuple(each for each in Correction if each in corrections),
    )


async def look(data: bytes, *, name: str) -> SourceImage:
    """Check the picture called `name` without keeping it. Raises BadPicture."""
    return await _checked(functools.partial(read_source_image, data, name=name), name, READ_DEADLINE)


async def _checked(read: Callable[[], SourceImage], name: str, deadline: float) -> SourceImage:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline):
            return await loop.run_in_executor(_reading(), read)
    except TimeoutError:
        raise BadPicture(PictureFault.TOO_SLOW, name=name, limit=deadline) from None


@functools.cache
def _reading() -> ThreadPoolExecutor:
    """The one thread that reads pictures: a second upload waits, so that memory is taken for one at a time."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")


async def _fetch(attachment: discord.Attachment, pauses: Sequence[float]) -> bytes:
    """The bytes at the attachment's own address, and nowhere else. discord.py repeats no read of the CDN."""
    for pause in (*pauses, None):
        try:
            async with asyncio.timeout(FETCH_DEADLINE):
                return await attachment.read()
        except (
            discord.HTTPException,
            aiohttp.ClientError,
            OSError,
        ) as error:  # OSError: a timeout is one, too
            _log.warning("upload %r was not fetched: %r", attachment.filename, error)
            if pause is None or (isinstance(error, discord.HTTPException) and not _passes(error.status)):
                raise BadPicture(PictureFault.UNREACHABLE, name=attachment.filename) from error
        await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _passes(status: int) -> bool:
    """Whether an answer of this HTTP status may be another one next time."""
    return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
