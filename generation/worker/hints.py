"""What a ControlNet is shown of a source: its edges, its strokes, its people's skeletons or its depths.

A source that is a picture of that kind already is shown as it is; but a picture of depths cannot be told from any
other grey one, so that it is only where nothing here finds depths.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from skimage.feature import canny
from skimage.filters import threshold_otsu

from generation.mode import Mode
from generation.worker.adapters import Unfit
from generation.worker.detectors import Detectors

# Of the edges that OpenCV's Canny finds at 100 and 200, with which ControlNets were trained, these find 97 %, and
# 98 % of what they find is among those (pictures of the storybook, to within a pixel).
_BLUR, _WEAK, _STRONG = 0.5, 70.0, 140.0
_COARSE = 2.0  # who scribbles leaves out what is fine; this takes half of an edge's strength
_PALER = (1.0, 0.5, 0.25)  # of these, where a picture is so pale that
_FEW = 0.005  # of its pixels would be edges

_DARK, _LIGHT, _COLOURFUL = 40, 200, 100  # levels of 256: of the brightest channel, of grey, between two channels
_MOSTLY = 0.6
_HUES, _SHARE = 4, 0.03  # that a skeleton has at least, each on so much of what is not black

_NO_POSE = (
    "This picture is no skeleton, and nothing here finds how people stand: give a picture of a skeleton on black, "
    "or ask whoever runs this bot for easel models add vitpose."
)
_NOBODY = "Nobody is found in this picture, so there is no pose to follow: give one that shows a person."
_NO_DEPTH = (
    "This picture shows no depths, and nothing here finds them: give a grey one, where what is near is light, or "
    "ask whoever runs this bot for easel models add depth-anything."
)
_FLAT = "This picture is of one colour, so there are no lines to follow: give one that shows something."

Pixels = npt.NDArray[np.int16]


def hint(mode: Mode, source: Image.Image, detectors: Detectors) -> Image.Image:
    """What a ControlNet for `mode` is shown of `source`, at its size. Raises Unfit where that is nothing."""
    shown = _WAYS[mode](source.convert("RGB"), detectors)
    return shown.convert("RGB")


def versions(mode: Mode) -> dict[str, str]:
    """The libraries that a hint for `mode` comes of, beside those that every picture does."""
    return {"scikit-image": version("scikit-image")} if mode in {Mode.EDGES, Mode.SKETCH} else {}


def _edges(source: Image.Image, _: Detectors) -> Image.Image:
    return source if _is_of_lines(source) else _lines(source, blur=_BLUR, pale=_PALER)


def _lines(source: Image.Image, *, blur: float, pale: Sequence[float]) -> Image.Image:
    grey = np.asarray(source.convert("L"))
    found = np.zeros(grey.shape, bool)
    for part in pale:
        found = canny(  # type: ignore[no-untyped-call] # scikit-image says nothing of its types
            grey, sigma=blur, low_threshold=_WEAK * part, high_threshold=_STRONG * part
        )
        if found.mean() >= _FEW:
            break
    if not found.any():
        raise Unfit(_FLAT)
    return Image.fromarray(found)


def _sketch(source: Image.Image, _: Detectors) -> Image.Image:
    """White strokes on black: those of a drawing, the outlines of any other picture."""
    if _is_of_lines(source):
        return source
    grey = np.asarray(source.convert("L"))
    pixels = _pixels(source)
    if (grey >= _LIGHT).mean() >= _MOSTLY and (_colour(pixels)[grey >= _LIGHT] < _DARK).mean() >= _MOSTLY:
        if grey.min() == grey.max():
            raise Unfit(_FLAT)
        return Image.fromarray(grey <= threshold_otsu(grey))  # type: ignore[no-untyped-call] # nor here
    return _lines(source, blur=_COARSE, pale=_PALER[1:]).convert("L").filter(ImageFilter.MaxFilter(3))


def _pose(source: Image.Image, detectors: Detectors) -> Image.Image:
    from generation.worker import skeleton

    if _is_skeleton(source):
        return source
    if not detectors.find_poses:
        raise Unfit(_NO_POSE)
    people = [person for person in detectors.poses(source) if any(joint is not None for joint in person)]
    if not people:
        raise Unfit(_NOBODY)
    return skeleton.draw(people, source.size)


def _depth(source: Image.Image, detectors: Detectors) -> Image.Image:
    if detectors.find_depth:
        return detectors.depth(source)
    if _colour(_pixels(source)).max() < _DARK:
        return source
    raise Unfit(_NO_DEPTH)


_WAYS: Mapping[Mode, Callable[[Image.Image, Detectors], Image.Image]] = {
    Mode.EDGES: _edges,
    Mode.SKETCH: _sketch,
    Mode.POSE: _pose,
    Mode.DEPTH: _depth,
}


def _is_of_lines(source: Image.Image) -> bool:
    """Whether it is mostly black, and the rest mostly light and without colour."""
    pixels = _pixels(source)
    rest = pixels[pixels.max(-1) > _DARK]
    if len(rest) == 0 or len(rest) > (1 - _MOSTLY) * pixels.shape[0] * pixels.shape[1]:
        return False
    return bool((_colour(rest) < _DARK).mean() >= 1 - _SHARE and (rest.max(-1) >= 128).mean() >= _MOSTLY)


def _is_skeleton(source: Image.Image) -> bool:
    """Whether it is mostly black, and the rest mostly in strong colours of several hues."""
    pixels = _pixels(source)
    rest = pixels[pixels.max(-1) > _DARK]
    if len(rest) == 0 or len(rest) > (1 - _MOSTLY) * pixels.shape[0] * pixels.shape[1]:
        return False
    strong = rest[_colour(rest) >= _COLOURFUL]
    if len(strong) < _MOSTLY * len(rest):
        return False
    hues = np.asarray(Image.fromarray(strong[None].astype(np.uint8)).convert("HSV"))[0, :, 0]
    counted = np.bincount(hues // 22, minlength=12)
    return bool((counted >= _SHARE * len(rest)).sum() >= _HUES)


def _pixels(source: Image.Image) -> Pixels:
    return np.asarray(source, np.int16)


def _colour(pixels: Pixels) -> npt.NDArray[Any]:
    """How far the channels of each pixel are apart."""
    apart: npt.NDArray[Any] = np.ptp(pixels, axis=-1)
    return apart
