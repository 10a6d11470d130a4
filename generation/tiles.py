"""The tiles by which a diffusion upscaler draws: what it is given of a source at once, and how often."""

from collections.abc import Iterator
from dataclasses import dataclass

from generation.size import Size

FACTOR = 4
LONGEST = 1024  # pixels of a side that is upscaled; a longer one is shrunk first
TILE = 128  # pixels of the source: what the upscaler was trained on, and as much as memory is planned for
OVERLAP = 24  # pixels of the source that neighbours share at least, where one fades into the other
GRID = 8  # the network halves its input three times


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A part of the source, `width` by `height` pixels from (`left`, `top`)."""

    left: int
    top: int
    width: int
    height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.left + self.width, self.top + self.height


def tiles(width: int, height: int) -> list[Tile]:
    """Tiles that cover a source of these sides, which are multiples of GRID."""
    return [
        Tile(left=left, top=top, width=min(TILE, width), height=min(TILE, height))
        for top in _starts(height)
        for left in _starts(width)
    ]


def pixels_drawn(source: Size) -> int:
    """The pixels of all tiles as they are drawn for a `source` of any size, but for the rounding of its sides."""
    shrunk = min(1.0, LONGEST / max(source.width, source.height))
    width, height = (-(-round(side * shrunk) // GRID) * GRID for side in (source.width, source.height))
    return sum(tile.width * tile.height for tile in tiles(width, height)) * FACTOR**2


def _starts(length: int) -> Iterator[int]:
    """Where tiles begin, evenly and on the grid, the last one ending where the source does."""
    if length <= TILE:
        return iter((0,))
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    last = length - TILE
    return (round(last * number / (count - 1) / GRID) * GRID for number in range(count))
