"""A watermark in the numbers of pixels, which takes NumPy; `generation.watermark` says what is written and why."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[Any]

_SCALE = 36.0
_BLOCK = 8  # pixels
_ABOVE = 2.0  # by which a block's largest sum is kept larger than the others
_ROUNDS = 2  # of undoing a JPEG's blur: more would raise the noise as well


def write(image: Image.Image, text: bytes) -> Image.Image:
    """A copy of `image`, in RGB, with the bits of `text` in its whole blocks, one after the other."""
    y, u, v = _yuv(np.asarray(image.convert("RGB")))
    sums = _sums(u)
    rows, columns, _ = sums.shape
    bits = np.resize(_bits(text), rows * columns).reshape(rows, columns)
    # 1. Each block's largest sum goes to the nearest value with the right remainder that leaves it the largest.
    ordered = np.sort(sums[..., 1:], axis=-1)
    largest, second = ordered[..., -1], ordered[..., -2]
    remainder = 0.25 + 0.5 * bits
    wanted = (np.round(largest / _SCALE - remainder) + remainder) * _SCALE
    wanted = np.where(wanted < second + _ABOVE, wanted + _SCALE, wanted)
    # 2. Four pixels of U bear the difference.
    change = np.zeros(sums.shape, np.int32)
    place = sums[..., 1:].argmax(axis=-1, keepdims=True) + 1
    np.put_along_axis(change, place, np.rint((wanted - largest) / 2).astype(np.int32)[..., None], axis=-1)
    pixels = change.reshape(rows, columns, 4, 4).transpose(0, 2, 1, 3).reshape(rows * 4, columns * 4)
    pixels = pixels.repeat(2, axis=0).repeat(2, axis=1)
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
    """How well `image` agrees with each text, in standard errors above chance. Takes about 50 bytes a pixel."""
    _, u, _ = _yuv(np.asarray(image.convert("RGB")))
    seen = [signal.ravel() for signal in (_remainders(_sums(u)), _heights(_sums(_sharpened(u))))]
    return [max(_score(signal, _bits(text)) for signal in seen) for text in texts]


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


def _heights(sums: Plane) -> Plane:
    """The same by how far the largest sum stands out, for a picture whose peaks a JPEG has sunk.

    How high a 0 and a 1 would have been raised follows from the sums around the peak; by which share all of them
    sank follows from the picture as a whole.
    """
    ordered = np.sort(sums[..., 1:], axis=-1)
    speaks = np.zeros(sums.shape[:2])
    for ground in (ordered[..., -2], ordered[..., -3], ordered[..., -4]):
        height = ordered[..., -1] - ground
        zero, one = _raised(ground, 0.25), _raised(ground, 0.75)
        usual = (zero + one) / 2
        smooth = height < _SCALE + 2 * _ABOVE  # the picture's own edges are higher
        share = (height * usual * smooth).sum() / max(1.0, float((usual**2 * smooth).sum()))
        speaks += np.clip((height - share * usual) * np.sign(one - zero) * (4 / _SCALE), -1, 1) * smooth
    return speaks


def _raised(ground: Plane, remainder: float) -> Plane:
    floor = ground + _ABOVE
    return (np.ceil(floor / _SCALE - remainder) + remainder) * _SCALE - ground


def _sharpened(u: Plane) -> Plane:
    """U without the blur with which decoders enlarge a JPEG's colours, which are kept at half the resolution."""
    height, width = (side // _BLOCK * _BLOCK for side in u.shape)
    inner = u[:height, :width]
    seen = (inner[0::2, 0::2] + inner[0::2, 1::2] + inner[1::2, 0::2] + inner[1::2, 1::2]) / 4.0
    sharp = seen.copy()
    for _ in range(_ROUNDS):
        sharp += seen - _blurred(sharp)
    sharpened: Plane = sharp.repeat(2, axis=0).repeat(2, axis=1)
    return sharpened


def _blurred(plane: Plane) -> Plane:
    for axis in (0, 1):
        padded = np.pad(plane, [(1, 1) if axis == other else (0, 0) for other in (0, 1)], mode="edge")
        before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
        plane = 0.75 * plane + 0.125 * (before + after)
    return plane


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
