"""A person's joints, drawn as ControlNets for poses were trained to see them: as OpenPose draws its skeletons."""

import math
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

Joint = tuple[float, float] | None  # pixels from the left and from above; None for one that is not seen

# The eighteen joints of OpenPose are nose, neck, right shoulder, elbow, wrist, the same on the left, right hip,
# knee, ankle, the same on the left, eyes and ears, right ones first. Here each is told by its place among COCO's
# seventeen; the neck is none of these.
_FROM_COCO = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_SHOULDERS = (5, 6)
_LIMBS = (
    *((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10)),
    *((1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17)),
)
_COLOURS = (
    *((255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0)),
    *((0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255)),
    *((170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)),
)
_FAINTER = 0.6  # limbs against joints
_THICKNESS, _SIDE = 4, 512  # pixels from the middle of a limb to its edge, in a picture of so many


def draw(people: Iterable[Sequence[Joint]], size: tuple[int, int]) -> Image.Image:
    """The skeletons of `people`, each given by COCO's seventeen joints, on black."""
    canvas = Image.new("RGB", size)
    pen = ImageDraw.Draw(canvas)
    thickness = _THICKNESS * max(1.0, min(size) / _SIDE)
    for person in people:
        joints = [_neck(person) if place is None else person[place] for place in _FROM_COCO]
        for (start, end), colour in zip(_LIMBS, _COLOURS, strict=False):
            one, other = joints[start], joints[end]
            if one is not None and other is not None:
                faint = tuple(int(part * _FAINTER) for part in colour)
                pen.polygon(_ellipse(one, other, thickness), fill=faint)
        for joint, colour in zip(joints, _COLOURS, strict=True):
            if joint is not None:
                pen.circle(joint, thickness, fill=colour)
    return canvas


def _neck(person: Sequence[Joint]) -> Joint:
    left, right = (person[place] for place in _SHOULDERS)
    if left is None or right is None:
        return None
    return (left[0] + right[0]) / 2, (left[1] + right[1]) / 2


def _ellipse(one: tuple[float, float], other: tuple[float, float], thickness: float) -> list[tuple[float, float]]:
    """The corners of what looks like an ellipse from one point to the other."""
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    along = ((other[0] - one[0]) / 2, (other[1] - one[1]) / 2)
    length = math.hypot(*along)
    across = (-along[1] / length * thickness, along[0] / length * thickness) if length else (thickness, 0.0)
    turns = [math.tau * step / 36 for step in range(36)]
    return [
        (
            middle[0] + math.cos(turn) * along[0] + math.sin(turn) * across[0],
            middle[1] + math.cos(turn) * along[1] + math.sin(turn) * across[1],
        )
        for turn in turns
    ]
