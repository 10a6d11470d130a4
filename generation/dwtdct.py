"""A watermark in the numbers of pixels, which takes NumPy; `generation.watermark` says what is written and why."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[Any]

_SCALE = 36.0
_BLOCK = 8  # pixels
_MARGIN = 4.0  # that a remainder keeps from being another bit's, against what rounding and a JPEG change


def write(image: Image.Image, text: bytes) -> Image.Image:
    """A copy of `image`, in RGB, with the bits of `text` in its whole blocks, one after the other."""
    y, u, v = _yuv(np.asarray(image.convert("RGB")))
    sums = _sums(u)
    rows, columns, _ = sums.shape
    bits = np.resize(_bits(text), rows * columns).reshape(rows, columns)
    # 1. Each block's largest sum goes as far as it must to have the right remainder, down where blue has no room.
    largest = sums[..., 1:].max(axis=-1)
    off = (largest / _SCALE - 0.25 - 0.5 * bits + 0.5) % 1 * _SCALE - _SCALE / 2
    slack = _SCALE / 4 - _MARGIN
    rise = np.where(off > 0, _SCALE, 0) - off - slack
    fall = np.where(off < 0, _SCALE, 0) + off - slack
    room = 255 - _sums(_chroma(u, v)[2] + y).max(axis=-1) / 2
    costs_light = np.maximum(0, rise - room)
    change = np.where(np.abs(off) <= slack, 0, np.where(rise + 2 * costs_light <= fall, rise, -fall))
    # 2. The whole block bears the difference: evenly, since a few pixels that stood out would be seen.
    pixels = np.rint(change / 2).astype(np.int32).repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
    inner = np.s_[: rows * _BLOCK, : columns * _BLOCK]
    u[inner] = np.clip(u[inner] + pixels, 0, 255)
    # 3. Where white or black has no room for more blue, their brightness gives way.
    red, green, blue = _chroma(u[inner], v[inner])
    low = -np.minimum(np.minimum(red, green), blue)
    high = 254 - np.maximum(np.maximum(red, green), blue)
    roomy = np.where(low <= high, np.clip(y[inner], low, high), (low + high) // 2)
    y[inner] = np.where(pixels == 0, y[inner], roomy)
    marked = np.stack([y + chroma for chroma in _chroma(u, v)], axis=-1)
    return Image.fromarray(np.clip(marked, 0, 255).astype(np.uint8))


def scores(image: Image.Image, texts: list[bytes]) -> list[float]:
    """How well `image` agrees with each text, in standard errors above chance."""
    _, u, _ = _yuv(np.asarray(image.convert("RGB")))
    seen = _remainders(_sums(u)).ravel()
    return [_score(seen, _bits(text)) for text in texts]


def _bits(text: bytes) -> Plane:
    return np.unpackbits(np.frombuffer(text, np.uint8)).astype(np.int32)


def _yuv(rgb: Plane) -> tuple[Plane, Plane, Plane]:
    """Y, U and V as OpenCV computes them of 8-bit colours, in whole numbers."""
    red, green, blue = (rgb[..., channel].astype(np.int32) for channel in range(3))
    y = (red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14
    u = np.clip(((blue - y) * 8061 + (128 << 14) + 8192) >> 14, 0, 255)
    v = np.clip(((red - y) * 14369 + (128 << 14) + 8192) >> 14, 0, 255)
    return y, u, v


def _chroma(u: Plane, v: Plane) -> tuple[Plane, Plane, Plane]:
    """What U and V add to Y for red, green and blue, again as OpenCV does."""
    u, v = u - 128, v - 128
    return (v * 18678 + 8192) >> 14, (u * -6472 + v * -9519 + 8192) >> 14, (u * 33292 + 8192) >> 14


def _sums(u: Plane) -> Plane:
    """Half the sums over 2x2 pixels, which is what the Haar transform keeps: (rows, columns, 16) for blocks."""
    rows, columns = u.shape[0] // _BLOCK, u.shape[1] // _BLOCK
    inner = u[: rows * _BLOCK, : columns * _BLOCK]
    sums = (inner[0::2, 0::2] + inner[0::2, 1::2] + inner[1::2, 0::2] + inner[1::2, 1::2]) / 2.0
    return sums.reshape(rows, 4, columns, 4).transpose(0, 2, 1, 3).reshape(rows, columns, 16)


def _remainders(sums: Plane) -> Plane:
    """How far the largest sum of each block speaks for a 1 (up to 1.0) or for a 0 (down to -1.0)."""
    speaks: Plane = -np.sin(sums[..., 1:].max(axis=-1) * (2 * np.pi / _SCALE))
    return speaks


def _score(signal: Plane, bits: Plane) -> float:
    """How well the blocks of `signal` agree with `bits`, in standard errors of the correlation (Fisher's z).

    Blocks that bear the same bit count as one: neighbours in a picture look alike and are no separate witnesses.
    """
    place = np.arange(signal.size) % bits.size
    means = np.bincount(place, signal) / np.bincount(place)
    bits = bits[: means.size]
    spread = float(means.std() * bits.std())
    if spread < 1e-9:
        return 0.0
    agreement = float(((means - means.mean()) * (bits - bits.mean())).mean()) / spread
    return math.atanh(min(agreement, 1 - 1e-9)) * math.sqrt(means.size - 3)
