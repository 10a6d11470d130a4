"""Sides four times as long by a diffusion upscaler, tile by tile, so that a picture of any size fits in memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from generation.tiles import FACTOR, GRID, LONGEST, OVERLAP, Tile, tiles
from generation.worker import noise
from generation.worker.noise import Source


def runs(source: Image.Image) -> int:
    """How often a pipeline runs to upscale `source`."""
    whole = padded(reduced(source))
    return len(tiles(whole.width, whole.height))


def reduced(source: Image.Image) -> Image.Image:
    """`source` no longer than what is upscaled at all."""
    small = source.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return small


def padded(source: Image.Image) -> Image.Image:
    """`source` with sides in multiples of 8, its edge pixels repeated."""
    pixels = np.asarray(source)
    rest = [(0, -side % GRID) for side in pixels.shape[:2]]
    return Image.fromarray(np.pad(pixels, (*rest, (0, 0)), mode="edge"))


def upscale(
    pipeline: Any,
    source: Image.Image,
    sources: Sequence[Source],
    draw: Callable[[dict[str, Any]], Sequence[Image.Image]],
    told: torch.Tensor,
) -> list[Image.Image]:
    """`source`, `reduced` if it has to be, with four times its sides, once for each of `sources`.

    `draw` runs `pipeline` with the arguments of one tile and gives a picture for each of `sources`. All tiles are
    cut from one noise (like `told` in device and dtype), so that where they overlap they begin with the same.
    """
    source = reduced(source)
    whole = padded(source)
    channels = pipeline.vae.config.latent_channels
    latents = noise.draw((channels, whole.height, whole.width), sources, told)
    sums = np.zeros((len(sources), whole.height * FACTOR, whole.width * FACTOR, 3), np.float32)
    weights = np.zeros((*sums.shape[1:3], 1), np.float32)
    for tile in tiles(whole.width, whole.height):
        left, top, right, bottom = tile.box
        part = {"image": whole.crop(tile.box), "latents": latents[:, :, top:bottom, left:right].contiguous()}
        window = np.s_[top * FACTOR : bottom * FACTOR, left * FACTOR : right * FACTOR]
        weight = _weight(tile)
        for number, drawn in enumerate(draw(part)):
            sums[number][window] += np.asarray(drawn, np.float32) * weight
        weights[window] += weight
    size = (source.width * FACTOR, source.height * FACTOR)
    return [Image.fromarray((each / weights + 0.5).astype(np.uint8)).crop((0, 0, *size)) for each in sums]


def _weight(tile: Tile) -> np.ndarray[Any, np.dtype[np.float32]]:
    """How much a tile's pixels count: evenly less towards its edges. Shape (height * 4, width * 4, 1)."""
    rise = OVERLAP * FACTOR

    def ramp(length: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        from_start = np.arange(1, length * FACTOR + 1, dtype=np.float32)
        return np.minimum(np.minimum(from_start, from_start[::-1]) / rise, 1)

    return np.outer(ramp(tile.height), ramp(tile.width))[:, :, None]
