"""Recipes inside picture files: a text that other programs read, and a JSON object that Easel reads.

Pillow writes a tEXt chunk where Latin-1 is enough, and an iTXt chunk otherwise. It refuses to unpack more than a
megabyte of text, and only what stands before the pixels is looked at.
"""

from pathlib import Path
from typing import BinaryIO

from PIL import Image, PngImagePlugin

from generation import comfyui, infotext
from generation.errors import InvalidRequest
from generation.found import FoundRecipe
from generation.mode import Mode
from generation.recipe import Recipe
from generation.request import Request

_TEXT, _JSON, _GRAPH = "parameters", "easel", "prompt"
_LIMIT = 2**20  # characters
# What means something only beside the pictures that it was drawn from, and how many were drawn at once.
_NOT_IN_IT = frozenset({"count", "source", "mask", "mode", "margins", "blend"})
_EXIF, _COMMENT = 0x8769, 0x9286  # where AUTOMATIC1111 puts its text in JPEG and WebP
_FAULTS = (OSError, SyntaxError, ValueError, TypeError, LookupError, Image.DecompressionBombError)


def pnginfo(recipe: Recipe, index: int) -> PngImagePlugin.PngInfo:
    """The chunks of picture number `index` (from 0) of `recipe`; they name this picture's seed alone."""
    own = recipe.part(index, index + 1)
    info = PngImagePlugin.PngInfo()
    info.add_text(_TEXT, infotext.write(own))
    info.add_text(_JSON, own.to_json())
    return info


def read(file: Path | BinaryIO) -> Recipe | None:
    """The recipe in a PNG file that Easel wrote; None for any other file."""
    return _easel(_texts(file))


def read_recipe(file: Path | BinaryIO) -> FoundRecipe | None:
    """What a picture of Easel, AUTOMATIC1111 or ComfyUI tells of how it was made; None where it tells nothing."""
    texts = _texts(file)
    if (recipe := _easel(texts)) is not None and (request := _request(recipe)) is not None:
        options = vars(request).items()
        used = {name: value for name, value in options if value is not None and name not in _NOT_IN_IT}
        if recipe.mode is Mode.TEXT_TO_IMAGE:
            used.pop("strength", None)
        if recipe.control is not None or recipe.mode is Mode.UPSCALE:
            used["mode"] = recipe.mode
        return FoundRecipe(program="Easel", options=used, recipe=recipe)
    if _TEXT in texts:
        return infotext.read(texts[_TEXT])
    return comfyui.read(texts[_GRAPH]) if _GRAPH in texts else None


def _easel(texts: dict[str, str]) -> Recipe | None:
    try:
        return Recipe.from_json(texts[_JSON])
    except (KeyError, ValueError):
        return None


def _request(recipe: Recipe) -> Request | None:
    """What `recipe` was drawn from; None where nobody can have asked for that."""
    try:
        return recipe.to_request()
    except (InvalidRequest, IndexError):
        return None


def _texts(file: Path | BinaryIO) -> dict[str, str]:
    """The texts in a picture's header, by their names; none where it is no picture or one made to do harm."""
    try:
        with Image.open(file, formats=("PNG", "JPEG", "WEBP")) as image:
            if isinstance(image, PngImagePlugin.PngImageFile):
                found = {name: image.info[name] for name in (_TEXT, _JSON, _GRAPH) if name in image.info}
            else:
                comment = image.getexif().get_ifd(_EXIF).get(_COMMENT)
                found = {_TEXT: _comment(comment)} if isinstance(comment, bytes) else {}
    except _FAULTS:
        return {}
    return {name: str(text) for name, text in found.items() if 0 < len(text) <= _LIMIT}


def _comment(comment: bytes) -> str:
    """The text of an EXIF comment: its first eight bytes name the encoding, and not the order of its bytes."""
    encoding, text = comment[:8], comment[8 : 8 + 2 * _LIMIT]
    if encoding.startswith(b"UNICODE"):
        # Nearly every second byte of a text in a Latin script is 0: the first of two in big-endian order.
        big = text[0::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", errors="replace").strip("\0")
    return text.decode("utf-8", errors="replace").strip("\0")
