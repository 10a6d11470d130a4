"""The hidden watermark: a text by model family, in the blue of every 8 by 8 pixels of a picture.

It is the "dwtDct" form of the invisible-watermark package, as the original scripts of Stable Diffusion wrote it:
the largest of a block's 4x4 sums over 2x2 pixels of U, modulo 36, is under a half for a 0 and over it for a 1,
and the blocks repeat the text row by row. That package reads what is written here, and the other way round. Here
every block can be read in the unchanged picture, also in flat colours, where the package loses most of them.

A picture is not asked for its bits but scored against the known texts, over all blocks. So smaller ones than the
256x256 that the package takes bear it too, from 64x64 on, and a JPEG of quality 90 still shows it from 256x256 on.
Scaling, cropping or turning a picture removes it.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

from generation.model import Family

SHORTEST_SIDE = 64  # pixels: smaller pictures have too few blocks to be sure of a text
THRESHOLD = 4.5  # standard errors above chance: fewer than one unmarked picture in 10,000 has as much


class Watermark(StrEnum):
    """A text that is written into pictures; the value is what people are told."""

    SD1 = "StableDiffusionV1"  # what the script of Stable Diffusion 1 wrote
    SD2 = "SDV2"  # and that of Stable Diffusion 2
    SDXL = "SDXL"  # 48 bits that Stability's scripts and diffusers write for SDXL and what came after it


_BITS = {
    Watermark.SD1: Watermark.SD1.encode(),
    Watermark.SD2: Watermark.SD2.encode(),
    Watermark.SDXL: 0b101100111110110010010000011110111011000110011110.to_bytes(6, "big"),
}
_OF_FAMILY = {Family.SD1: Watermark.SD1, Family.SD2: Watermark.SD2}


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A watermark that was found, `score` standard errors above chance."""

    watermark: Watermark
    score: float

    @property
    def chance(self) -> float:
        """How probable such a score is in a picture without any watermark."""
        return min(1.0, 2 * len(Watermark) * 0.5 * math.erfc(self.score / math.sqrt(2)))


def watermark_of(family: Family, image: Image.Image) -> Watermark | None:
    """What pictures of `family` and of the size of `image` bear; None for one too small to bear anything."""
    return _OF_FAMILY.get(family, Watermark.SDXL) if min(image.size) >= SHORTEST_SIDE else None


def mark(image: Image.Image, watermark: Watermark) -> Image.Image:
    """A copy of `image`, in RGB, with `watermark` in every whole block of it."""
    from generation import dwtdct

    return dwtdct.write(image, _BITS[watermark])


def find_watermark(image: Image.Image) -> Trace | None:
    """The watermark in `image`, or None where none stands out. Takes about 50 bytes a pixel of memory."""
    from generation import dwtdct

    if min(image.size) < SHORTEST_SIDE:
        return None
    scores = dwtdct.scores(image, [_BITS[watermark] for watermark in Watermark])
    score, watermark = max(zip(scores, Watermark, strict=True))
    return Trace(watermark=watermark, score=score) if score >= THRESHOLD else None
