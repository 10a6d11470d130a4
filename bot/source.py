"""An upload's bytes -> a source image as a person expects it: upright, in colour, its first frame, on white.

Everything here blocks, and none of it can be interrupted: what bounds its time and its memory (four bytes a pixel
of the upload) are the checks of the header, all made before a pixel is decoded.
"""

import logging
import math
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageChops,
    ImageCms,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from generation import BadPicture, PictureFault, Size

FORMATS = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF")
BYTES_LIMIT = 25 * 1024 * 1024
PIXELS_LIMIT = 50_000_000  # the photos of today's phones; 200 MB when decoded
SIDE_LIMIT = 16_384
SHORTEST_SIDE = 16
KEPT_SIDE = 2048  # the longer side of what is stored: more than any model draws
NARROWEST = KEPT_SIDE // SHORTEST_SIDE  # longer side to shorter
_SCANS_LIMIT = 100  # of a JPEG; cameras and programs write about ten, and each one costs a pass over the picture
_STRIP = 256  # rows of a shrunk picture that are made at a time
_WHITE = 128  # of 255: from here on a mask is white
_VISIBLE = 3  # of 255: smaller differences between colours are not told

_log = logging.getLogger(__name__)


class Correction(StrEnum):
    """What was done to an unusual but valid picture."""

    FIRST_FRAME = "first_frame"  # of an animation or of several pages, the first is used
    ROTATED = "rotated"  # turned upright, as the camera noted
    SHRUNK = "shrunk"  # to KEPT_SIDE on the longer side
    REDUCED_DEPTH = "reduced_depth"  # 16 or 32 bits a channel became 8
    RECOLOURED = "recoloured"  # CMYK, Lab or another colour space became sRGB
    FLATTENED = "flattened"  # what was transparent became white
    OPENED = "opened"  # what was transparent became the mask


@dataclass(frozen=True, kw_only=True)
class SourceImage:
    """A checked upload as `png`: 8-bit sRGB without metadata, sides from SHORTEST_SIDE to KEPT_SIDE.

    `holes` is a mask of the same size, as a PNG: white where the upload is transparent. None where it is nowhere.
    """

    png: bytes
    size: Size
    corrections: tuple[Correction, ...]
    holes: bytes | None = None


def read_source_image(data: bytes, *, name: str) -> SourceImage:
    """Check and normalise the upload called `name`. Raises BadPicture."""
    picture, alpha, corrections = _read(data, name)
    holes = None
    if alpha is not None and alpha.getextrema() != (255, 255):
        corrections.add(Correction.FLATTENED)
        picture = Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)
        holes = _png(ImageChops.invert(alpha))
    return _kept(picture, corrections, holes)


def read_mask_image(data: bytes, *, name: str) -> SourceImage:
    """Check the upload called `name` as a mask: white is drawn anew, black and what is transparent is kept.

    Raises BadPicture, also for one that has nothing white in it.
    """
    picture, alpha, corrections = _read(data, name)
    mask = picture.convert("L")
    if alpha is not None:
        mask = ImageChops.darker(mask, alpha)
    if mask.point(lambda value: 255 if value >= _WHITE else 0).getbbox() is None:
        raise BadPicture(PictureFault.NOTHING_WHITE, name=name)
    return _kept(mask, corrections - {Correction.RECOLOURED})


def side_by_side(first: bytes, second: bytes) -> bytes:
    """Two source images as one PNG, which a blend starts from; the second is cut to the shape of the first."""
    with Image.open(BytesIO(first)) as left, Image.open(BytesIO(second)) as right:
        pair = Image.new("RGB", (2 * left.width, left.height))
        pair.paste(left, (0, 0))
        pair.paste(ImageOps.fit(right, left.size, Image.Resampling.LANCZOS), (left.width, 0))
    return _png(pair)


def _kept(picture: Image.Image, corrections: set[Correction], holes: bytes | None = None) -> SourceImage:
    return SourceImage(
        png=_png(picture),
        size=Size(width=picture.width, height=picture.height),
        corrections=tuple(correction for correction in Correction if correction in corrections),
        holes=holes,
    )


def _png(picture: Image.Image) -> bytes:
    """A clean file: no place, no camera, no thumbnail of what was cut away."""
    picture.info.clear()
    file = BytesIO()
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _read(data: bytes, name: str) -> tuple[Image.Image, Image.Image | None, set[Correction]]:
    """The picture in RGB, how opaque it is (None: all of it is), and what was corrected. Raises BadPicture."""
    if len(data) > BYTES_LIMIT:
        raise BadPicture(PictureFault.TOO_MANY_BYTES, name=name, value=len(data), limit=BYTES_LIMIT)
    reader = _recognise(data)
    if reader is None:
        raise BadPicture(PictureFault.NOT_A_PICTURE, name=name, limit=FORMATS)

    # 1. The header, then the pixels: nothing is decoded before the header was found good.
    try:
        image = _opened(data, reader, name)
        corrections = _noted(image)
        profile = image.info.get("icc_profile")
        if max(image.size) > KEPT_SIDE:
            corrections.add(Correction.SHRUNK)
            image.draft(None, _fitted(image.size))  # a large JPEG is decoded at a half, a quarter or an eighth
        image.load()
    except _DAMAGE as error:
        _log.info("upload %r is damaged: %r", name, error)
        raise BadPicture(PictureFault.BROKEN, name=name) from error

    # 2. Small and of 8 bits, then upright, then in colour.
    picture = _shrunk(image, name)
    turned = _UPRIGHT.get(_orientation(image))  # a TIFF turned itself while it was loaded
    del image
    if turned is not None:
        picture = picture.transpose(turned)
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    picture, recoloured = _in_colour(picture, profile)
    if recoloured:
        corrections.add(Correction.RECOLOURED)
    return picture, alpha, corrections


_DAMAGE = (  # what Pillow's readers raise for damaged files
    Image.DecompressionBombError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_Reader = Callable[[BytesIO], ImageFile.ImageFile]


def _recognise(data: bytes) -> _Reader | None:
    """The reader for these bytes: by their signature alone, since a name and a declared type may say anything."""
    match data[:4]:
        case b"\x89PNG":
            return PngImagePlugin.PngImageFile
        case b"RIFF" if data[8:12] == b"WEBP":
            return WebPImagePlugin.WebPImageFile
        case b"GIF8":
            return GifImagePlugin.GifImageFile
        case b"II*\0" | b"MM\0*":
            return TiffImagePlugin.TiffImageFile
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile
    return BmpImagePlugin.BmpImageFile if data.startswith(b"BM") else None


def _opened(data: bytes, reader: _Reader, name: str) -> ImageFile.ImageFile:
    """The picture with its header read and checked, its pixels not yet decoded."""
    if reader is WebPImagePlugin.WebPImageFile:
        _check_size(*_webp_size(data), name)  # its reader takes memory for the whole canvas at once
    if reader is JpegImagePlugin.JpegImageFile and _scans(data) > _SCANS_LIMIT:
        raise BadPicture(PictureFault.BROKEN, name=name)
    image = reader(BytesIO(data))
    _check_size(*image.size, name)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiles(image, name)
    return image


def _noted(image: ImageFile.ImageFile) -> set[Correction]:
    """The corrections that the header asks for already."""
    noted = set()
    if getattr(image, "is_animated", False):
        noted.add(Correction.FIRST_FRAME)
        image.seek(0)
    if image.mode in _DEEP or any(";16" in str(tile.args) for tile in image.tile):
        noted.add(Correction.REDUCED_DEPTH)
    if _orientation(image) in _UPRIGHT:
        noted.add(Correction.ROTATED)
    return noted


def _check_size(width: int, height: int, name: str) -> None:
    size = Size(width=width, height=height)
    shorter, longer = sorted((width, height))
    if shorter < SHORTEST_SIDE:
        raise BadPicture(PictureFault.TOO_SMALL, name=name, value=size, limit=SHORTEST_SIDE)
    if longer > SIDE_LIMIT:
        raise BadPicture(PictureFault.TOO_LONG, name=name, value=size, limit=SIDE_LIMIT)
    if size.pixels > PIXELS_LIMIT:
        raise BadPicture(PictureFault.TOO_MANY_PIXELS, name=name, value=size, limit=PIXELS_LIMIT)
    if longer > NARROWEST * shorter:
        raise BadPicture(PictureFault.TOO_NARROW, name=name, value=size, limit=NARROWEST)


def _check_tiles(image: TiffImagePlugin.TiffImageFile, name: str) -> None:
    """A small TIFF may claim huge tiles, each of which is decoded whole."""
    width, height = (image.tag_v2.get(tag, 0) for tag in (322, 323))
    if width * height > PIXELS_LIMIT:
        raise BadPicture(PictureFault.BROKEN, name=name)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP file's canvas, by RFC 9649. Raises ValueError."""
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP image data")


_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # no stuffed byte and no restart within a scan
_STRETCH = 1 << 18  # bytes that are searched at once: a longer search would hold up every other thread


def _scans(data: bytes) -> int:
    """How many scans a JPEG has up to its end; whatever stands behind that end does not count."""
    scans, position = 0, 2
    while position < len(data):
        marker = _MARKER.search(data, position, position + _STRETCH)
        if marker is None:
            position += _STRETCH - 1  # a marker may lie across the border
            continue
        kind, position = data[marker.start() + 1], marker.end()
        if kind == 0xD9:  # end of image
            break
        scans += kind == 0xDA  # start of scan
        if kind not in {0x01, 0xD8}:  # all others have a length
            position += int.from_bytes(data[position : position + 2], "big")
    return scans


def _orientation(image: Image.Image) -> int:
    """How the picture lies, 1 to 8 by EXIF; 1 is upright."""
    try:
        noted = image.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGE:
        return 1  # the picture is good without its notes
    return noted if isinstance(noted, int) else 1


_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _fitted(size: tuple[int, int]) -> tuple[int, int]:
    longer = max(size)
    return (
        max(1, round(size[0] * KEPT_SIDE / longer)),
        max(1, round(size[1] * KEPT_SIDE / longer)),
    )


def _shrunk(image: Image.Image, name: str) -> Image.Image:
    """The picture with 8 bits a channel and no side over KEPT_SIDE.

    Done strip by strip, so that a large picture is never in memory twice.
    """
    longer = max(image.size)
    values = _range(image, name) if image.mode in _DEEP else None
    factor = longer // KEPT_SIDE
    rows = factor * _STRIP
    if factor < 2:
        plain = _plain(image, values)
    else:
        strips = [
            _plain(image.crop((0, top, image.width, min(top + rows, image.height))), values).reduce(factor)
            for top in range(0, image.height, rows)
        ]
        plain = Image.new(strips[0].mode, (strips[0].width, math.ceil(image.height / factor)))
        for number, strip in enumerate(strips):
            plain.paste(strip, (0, number * _STRIP))
    if max(plain.size) > KEPT_SIDE:
        plain = plain.resize(_fitted(image.size), Image.Resampling.LANCZOS)
    return plain


_DEEP = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})


def _plain(image: Image.Image, values: tuple[float, float] | None) -> Image.Image:
    """The picture as L, RGB, RGBA, CMYK or LAB of 8 bits; `values` of a deep one become 0 and 255."""
    if values is not None:
        low, high = values
        scale = 255 / (high - low)
        # The rounding is added here, since the conversion cuts the fraction off.
        scaled = image.convert("F").point(lambda value: value * scale + (0.5 - low * scale))
        scaled.info.clear()
        return scaled.convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"L", "RGB", "CMYK", "LAB"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _range(image: Image.Image, name: str) -> tuple[float, float]:
    """What is black and what is white in a picture of deep values. Raises BadPicture where there is no telling.

    The first of 0 to 1 (for fractions), 0 to 255 and 0 to 65,535 that holds every value, else from the least to
    the greatest. 16-bit pictures are always 0 to 65,535.
    """
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    low, high = (float(extreme) for extreme in image.getextrema() if isinstance(extreme, int | float))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise BadPicture(PictureFault.BROKEN, name=name)
    tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    top = next((top for top in tops if low >= 0 and high <= top), None)
    if top is not None:
        return 0.0, top
    return low, (high if high > low else low + 1.0)


def _in_colour(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, bool]:
    """The picture in sRGB, and whether its colours had to be converted so that one would see it."""
    opaque = picture.convert("RGB") if picture.mode == "RGBA" else picture
    plain = opaque.convert("RGB")
    converted = None if profile is None else _through(profile, opaque)
    if picture.mode in {"CMYK", "LAB"}:
        return (plain if converted is None else converted), True
    if converted is None:
        return plain, False
    differences = ImageChops.difference(plain, converted).getextrema()
    if max(int(high) for _, high in differences) <= _VISIBLE:  # type: ignore[misc]  # RGB has a pair a channel
        return plain, False
    return converted, True


def _through(profile: bytes, picture: Image.Image) -> Image.Image | None:
    """The picture's colours as its ICC profile means them; None where that profile is not for it."""
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(picture, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _log.info("a colour profile was passed over: %r", error)
        return None
