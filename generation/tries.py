"""Tries: how a picture was to be drawn when memory ran out, so that it is not tried in that way again."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from generation import tiles
from generation.mode import Mode
from generation.model import Model
from generation.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Need:
    """What asks for memory while a picture is drawn: `pixels` of one, `batch` drawn together.

    `control` is how many numbers the ControlNet holds that takes part, and `detector` the largest of those that
    look at the source before, one after the other.
    """

    pixels: int
    batch: int
    upscales: bool = False
    control: int = 0
    detector: int = 0

    @classmethod
    def of(cls, recipe: Recipe, *, batches: bool, control: int = 0, detector: int = 0) -> Self:
        """That of `recipe`, whose pictures are drawn together where the device draws `batches`."""
        if recipe.mode is Mode.UPSCALE:  # by tiles, one after the other
            return cls(pixels=(tiles.TILE * tiles.FACTOR) ** 2, batch=1, upscales=True)
        batch = len(recipe.seeds) if batches else 1
        return cls(pixels=recipe.size.pixels, batch=batch, control=control, detector=detector)

    @classmethod
    def usual(cls, model: Model) -> Self:
        """One picture of the size that `model` is made for."""
        return cls(pixels=model.size.native.pixels, batch=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def is_within(self, other: "Need") -> bool:
        """Whether what is enough for `other` is enough for this one."""
        drawn = self.pixels * self.batch <= other.pixels * other.batch
        return drawn and self.control <= other.control and self.detector <= other.detector


@dataclass(frozen=True, kw_only=True)
class Try:
    """A way to draw what `need` asks of a `model`: on a `step` of the ladder of memory, as the worker calls it.

    It says nothing of other files, which have another `revision`, and nothing of another `place`: that is the
    device, and how much may be taken of it.
    """

    model: str
    revision: str
    place: str
    need: Need
    step: str
