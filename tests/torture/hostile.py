"""Hostile uploads, made from seeds: broken pictures, bombs, polyglots, and what is no picture at all."""

import functools
import io
import json
import random
import struct
import zlib

from PIL import Image, PngImagePlugin

from bot.playground import Upload

_NAMES = ("cat.png", "cat.jpg", "cat.webp", "cat.gif", "../../etc/passwd.png", "cat\u202egnp.exe", "CON")
_MODES = {
    "PNG": ("RGB", "RGBA", "P", "L", "1", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WebP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "BMP": ("RGB",),
    "TIFF": ("RGB", "I;16", "F", "1"),
}
_SIDES = (0, 1, 15, 16_385, 65_535, 2**31 - 1, 2**32 - 1)
_OTHER = (b"PK\x03\x04", b"<script>alert(1)</script>", b"%PDF-1.7\n", b"\x7fELF", b"\x80\x04.", b"#!/bin/sh\n")
_NO_PICTURES = (
    b"", b"\0", b"GIF89a", b"BM", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"II*\0" * 9, b"\xff\xd8\xff",
    b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', b"\0\0\0\x18ftypheic",
    "text ☃".encode(), b"%!PS-Adobe\n(/etc/passwd) run", bytes(range(256)) * 9,
)  # fmt: skip


def hostile(seed: str) -> Upload:
    """One hostile file."""
    chance = random.Random(seed)  # noqa: S311 (a file that can be made again)
    makers = (_mutated, _truncated, _resized, _polyglot, _wrong_type, _told_too_much, _bomb)
    data = chance.choices(makers, (8, 4, 3, 3, 2, 2, 1))[0](chance)
    return Upload(filename=chance.choice(_NAMES), data=data)


@functools.cache
def huge_png(side: int = 13_000) -> bytes:
    """A black PNG with so many pixels a side and a bit for each of them, packed into half a megabyte or less."""
    rows = zlib.compress(bytes(side * (1 + (side + 7) // 8)), 1)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


@functools.cache
def _film(format_: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("P", (400, 400), number) for number in range(200)]
    frames[0].save(file, format_, save_all=True, append_images=frames[1:])
    return file.getvalue()


def _picture(chance: random.Random, *formats: str) -> bytes:
    """A good picture of one of the formats or of any, now and then with several frames."""
    format_ = chance.choice(formats or tuple(_MODES))
    mode = chance.choice(_MODES[format_])
    size = width, height = chance.randint(16, 160), chance.randint(16, 160)
    deep = mode in {"I;16", "F"}
    image = Image.frombytes("RGB", size, chance.randbytes(3 * width * height)).convert("L" if deep else "RGB")
    image = image.convert(mode)
    moves = format_ in {"PNG", "GIF", "WebP", "TIFF"} and not deep and chance.random() < 0.3
    exif = Image.Exif()
    exif[0x0112] = chance.randint(0, 9)  # how it lies, of which there are eight ways
    file = io.BytesIO()
    if moves:
        image.save(file, format_, save_all=True, append_images=[image.rotate(90), image.rotate(180)])
    else:
        image.save(file, format_, exif=exif)
    return file.getvalue()


def _mutated(chance: random.Random) -> bytes:
    data = bytearray(_picture(chance))
    reach = chance.choice((64, 256, len(data)))  # mostly in the header, where the damage is greatest
    for _ in range(chance.randint(1, 20)):
        data[chance.randrange(min(reach, len(data)))] = chance.randrange(256)
    return bytes(data)


def _truncated(chance: random.Random) -> bytes:
    data = _picture(chance)
    return data[: chance.randrange(len(data))]


def _resized(chance: random.Random) -> bytes:
    """A PNG, GIF or BMP that claims another size, its checksum made right."""
    width, height = chance.choice(_SIDES), chance.choice((*_SIDES, chance.randrange(2**16)))
    data = _picture(chance, "PNG", "GIF", "BMP")
    match data[:1]:
        case b"\x89":
            return data[:8] + _chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]
        case b"G":
            return data[:6] + struct.pack("<HH", width & 0xFFFF, height & 0xFFFF) + data[10:]
    return data[:18] + struct.pack("<II", width, height) + data[26:]


def _polyglot(chance: random.Random) -> bytes:
    """A picture that is something else as well."""
    data, other = _picture(chance), chance.choice(_OTHER)
    return chance.choice((data + other * 50, other + data, data[:10] + other + data[10:]))


def _wrong_type(chance: random.Random) -> bytes:
    return chance.choice(_NO_PICTURES)


def _told_too_much(chance: random.Random) -> bytes:
    """A PNG with notes that unpack to much, nest deeply, or say nonsense where a recipe is read."""
    deep = "[" * 5000 + "]" * 5000
    ring = {str(n): {"class_type": "KSampler", "inputs": {"model": [str((n + 1) % 300), 0]}} for n in range(300)}
    notes = {
        "parameters": ("Steps: 1e999, Size: 0x99999999999", "a\nSteps: " + "9" * 5000, "x" * 100_000),
        "prompt": (json.dumps(ring), deep, '{"1": null}', "NaN"),
        "easel": (deep, '{"seeds": [], "width": -1}', "null", '{"size": "' + "9" * 9000 + '"}'),
        "comment": ("", "", "\0" * 30_000_000),
    }
    told = PngImagePlugin.PngInfo()
    for name, texts in notes.items():
        told.add_text(name, chance.choice(texts), zip=True)
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG", pnginfo=told)
    return file.getvalue()


def _bomb(chance: random.Random) -> bytes:
    """A few kilobytes that would be hundreds of megabytes."""
    match chance.randrange(4):
        case 0:
            return huge_png(chance.choice((7_000, 9_000, 13_000, 16_384, 20_000)))
        case 1:
            return _film(chance.choice(("GIF", "PNG")))
        case 2:
            canvas = b"WEBPVP8X\n\0\0\0\x02\0\0\0" + b"\xff\x3f\0" * 2  # 16,384 x 16,384
            return b"RIFF\xff\xff\xff\x7f" + canvas + _picture(chance, "WebP")[12:]
    data = _picture(chance, "PNG")
    return data[:33] + _chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000), 1)) + data[33:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
