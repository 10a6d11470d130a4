"""Sizes of pictures: what people type, and what a model can draw."""

import math
import re
from dataclasses import dataclass
from typing import Self

from generation.errors import BadSize

SIZE_WORDS = {"square": (1, 1), "portrait": (2, 3), "landscape": (3, 2)}
SAME_ASPECT = 0.06  # as a logarithm: 6 %
_PIXELS = re.compile(r"(\d{1,5})\s*[x×*]\s*(\d{1,5})", re.IGNORECASE)  # noqa: RUF001 (people paste the sign)
_RATIO = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*:\s*(\d{1,3}(?:\.\d{1,3})?)")


@dataclass(frozen=True, kw_only=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def has_shape_of(self, other: "Size") -> bool:
        """Whether the two have the same aspect, as nearly as rounding and cameras leave it."""
        return abs(math.log(self.width * other.height / (self.height * other.width))) <= SAME_ASPECT


@dataclass(frozen=True, kw_only=True)
class SizeBounds:
    """What a model can draw: its `native` size, and sides in multiples of `grid` from `minimum` to `maximum`.

    `trained` are further sizes that it has learnt, which stand for their aspect.
    """

    native: Size
    grid: int
    minimum: int
    maximum: int
    trained: tuple[Size, ...] = ()

    def read(self, text: str) -> Size:
        """The size that `text` means for this model: "512x768", "16:9", "square", "portrait" or "landscape".

        Ratios and words keep the native number of pixels. Raises BadSize, with the closest size that is possible.
        """
        typed = text.strip().casefold()
        if typed in SIZE_WORDS:
            return self.shaped(*SIZE_WORDS[typed])
        if (ratio := _RATIO.fullmatch(typed)) and all(float(side) for side in ratio.groups()):
            width, height = map(float, ratio.groups())
            shaped = self.shaped(width, height)
            if max(width, height) / min(width, height) > self.maximum / self.minimum:
                raise self._bad(text, shaped)
            return shaped
        if pixels := _PIXELS.fullmatch(typed):
            asked = Size(width=int(pixels[1]), height=int(pixels[2]))
            possible = Size(width=self._snap(asked.width), height=self._snap(asked.height))
            if asked != possible:
                raise self._bad(text, possible)
            return asked
        raise self._bad(text, self.native)

    def shaped(self, width: float, height: float) -> Size:
        """The learnt size of this aspect, else the one of aspect `width`:`height` nearest to the native pixels.

        Where a side would be above the maximum, the other one is shorter with it.
        """
        for size in (self.native, *self.trained):
            if abs(math.log(size.width / size.height * height / width)) < SAME_ASPECT:
                return size
        scale = min(math.sqrt(self.native.pixels / (width * height)), self.maximum / max(width, height))
        return Size(width=self._snap(width * scale), height=self._snap(height * scale))

    def _snap(self, side: float) -> int:
        low, high = math.ceil(self.minimum / self.grid), self.maximum // self.grid
        return self.grid * min(max(round(side / self.grid), low), high)

    def _bad(self, text: str, closest: Size) -> BadSize:
        return BadSize(text, closest=str(closest), grid=self.grid, minimum=self.minimum, maximum=self.maximum)


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `minimum` to `maximum`, both included, and the `default` among them."""

    minimum: float
    maximum: float
    default: float

    @classmethod
    def of(cls, minimum: float, default: float, maximum: float) -> Self:
        return cls(minimum=minimum, default=default, maximum=maximum)
