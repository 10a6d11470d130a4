"""Ways of drawing: what a picture is made from besides words, and how one is chosen."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from generation.errors import NeedsPicture, NotThisMode
from generation.model import Model, Use
from generation.size import Size, SizeBounds

GROWTH = 0.5  # of a side: what outpainting adds in its direction, if no size is asked for


class Mode(StrEnum):
    """What a pipeline does with its inputs."""

    TEXT_TO_IMAGE = "text_to_image"
    IMAGE_TO_IMAGE = "image_to_image"
    INPAINT = "inpaint"  # a part of the source is drawn anew
    OUTPAINT = "outpaint"  # the source grows
    DEPTH = "depth"  # another picture with the source's depth
    EDGES = "edges"  # another one with its edges, by a ControlNet
    SKETCH = "sketch"  # the source is a sketch of it
    POSE = "pose"  # people stand as they do in the source
    UPSCALE = "upscale"  # the source with more pixels
    BLEND = "blend"  # a picture between the two that stand side by side in the source

    @property
    def takes_source(self) -> bool:
        return self is not Mode.TEXT_TO_IMAGE

    @property
    def controlled(self) -> bool:
        """Whether only a ControlNet draws so: the source is looked at, and not drawn over."""
        return self in {Mode.EDGES, Mode.SKETCH, Mode.POSE}

    @property
    def wordless(self) -> bool:
        """Whether the source says enough, so that there need be no prompt."""
        return self in {Mode.UPSCALE, Mode.OUTPAINT, Mode.BLEND}

    @property
    def starts_from_source(self) -> bool:
        """Whether `strength` of the steps are run, from the source with noise on it."""
        return self in {Mode.IMAGE_TO_IMAGE, Mode.INPAINT, Mode.OUTPAINT, Mode.DEPTH, Mode.BLEND}


class Direction(StrEnum):
    """Where outpainting adds to a picture."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Pixels of the canvas on each side of the picture that is kept."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def direction(self) -> "Direction":
        """Where it grew and not on the side across; for an even growth, and for none, on all sides."""
        sides = {
            Direction.LEFT: self.left > 0 == self.right,
            Direction.UP: self.top > 0 == self.bottom,
            Direction.RIGHT: self.right > 0 == self.left,
            Direction.DOWN: self.bottom > 0 == self.top,
        }
        grown = [direction for direction, alone in sides.items() if alone]
        return grown[0] if len(grown) == 1 else Direction.ALL


# What people type, and what it means. "auto" is the hole that `choose` fills.
MODES = {
    "image": Mode.IMAGE_TO_IMAGE,
    "depth": Mode.DEPTH,
    "inpaint": Mode.INPAINT,
    "outpaint": Mode.OUTPAINT,
    "edges": Mode.EDGES,
    "sketch": Mode.SKETCH,
    "pose": Mode.POSE,
    "upscale": Mode.UPSCALE,
}
AUTO = "auto"

_USES = {
    Mode.TEXT_TO_IMAGE: Use.TEXT,
    Mode.IMAGE_TO_IMAGE: Use.IMAGE,
    Mode.INPAINT: Use.INPAINT,
    Mode.OUTPAINT: Use.INPAINT,
    Mode.DEPTH: Use.DEPTH,
    Mode.EDGES: Use.TEXT,
    Mode.SKETCH: Use.TEXT,
    Mode.POSE: Use.TEXT,
    Mode.UPSCALE: Use.UPSCALE,
    Mode.BLEND: Use.IMAGE,
}
_WITH_A_SOURCE = (Mode.IMAGE_TO_IMAGE, Mode.DEPTH, Mode.UPSCALE, Mode.INPAINT)


def can_draw(model: Model, mode: Mode) -> bool:
    """Whether `model` is made for `mode`; a ControlNet, where one is needed, is another matter."""
    return _USES[mode] in model.can


def choose(
    mode: Mode | None,
    *,
    model: Model,
    source: bool,
    mask: bool,
    direction: bool,
    by_control: Container[Mode] = (),
) -> Mode:
    """The way of drawing that was asked for, or the one that what was given calls for.

    `source`, `mask` and `direction` say whether there is one; `by_control` are the ways that ControlNets give to
    `model`. Raises NotThisMode and NeedsPicture.
    """
    if mode is None:
        mode = _called_for(model, source=source, mask=mask, direction=direction)
    if mode not in by_control and (mode.controlled or not can_draw(model, mode)):
        raise NotThisMode(mode, model=model.name)
    if mode.takes_source and not source:
        raise NeedsPicture("image", mode=mode, model=model.name)
    if mode is Mode.INPAINT and not mask:
        raise NeedsPicture("mask", mode=mode, model=model.name)
    return mode


def _called_for(model: Model, *, source: bool, mask: bool, direction: bool) -> Mode:
    if mask:
        return Mode.INPAINT
    if direction:
        return Mode.OUTPAINT
    if source:
        return next((mode for mode in _WITH_A_SOURCE if can_draw(model, mode)), Mode.IMAGE_TO_IMAGE)
    if Use.TEXT in model.can:
        return Mode.TEXT_TO_IMAGE
    return next(mode for mode in _WITH_A_SOURCE if can_draw(model, mode))


def canvas(bounds: SizeBounds, source: Size, direction: Direction, asked: Size | None) -> tuple[Size, Margins]:
    """The canvas that a `source` grows to, and what of it is new.

    The source keeps its pixels where the model can draw as many; it is scaled where it cannot. Its sides on the
    canvas are on the model's grid. A canvas that was `asked` for holds the source as large as it can and still
    grow. Where that is narrower than the model can draw, it grows there too.
    """
    across = {Direction.LEFT: (1, 0), Direction.RIGHT: (0, 1), Direction.ALL: (0.5, 0.5)}.get(direction, (0, 0))
    down = {Direction.UP: (1, 0), Direction.DOWN: (0, 1), Direction.ALL: (0.5, 0.5)}.get(direction, (0, 0))
    grown = (source.width * (1 + GROWTH * sum(across)), source.height * (1 + GROWTH * sum(down)))
    if asked is not None:
        scale = min(asked.width / grown[0], asked.height / grown[1])
    else:
        scale = max(1.0, bounds.minimum / min(grown))
        scale = min(scale, bounds.maximum / max(grown))
    grid = bounds.grid

    def on_grid(length: float, limit: int) -> int:
        return min(max(grid, grid * round(length / grid)), limit)

    size = asked or Size(
        width=on_grid(max(grown[0] * scale, bounds.minimum), bounds.maximum // grid * grid),
        height=on_grid(max(grown[1] * scale, bounds.minimum), bounds.maximum // grid * grid),
    )
    kept = (on_grid(source.width * scale, size.width), on_grid(source.height * scale, size.height))
    left, right = _split(size.width - kept[0], across, grid)
    top, bottom = _split(size.height - kept[1], down, grid)
    return size, Margins(left=left, top=top, right=right, bottom=bottom)


def _split(free: int, shares: tuple[float, float], grid: int) -> tuple[int, int]:
    """`free` pixels before and after, by their shares; evenly where neither has one."""
    before = shares[0] / sum(shares) if sum(shares) else 0.5
    first = grid * round(free * before / grid)
    return first, free - first
