"""What a recipe costs, in seconds of compute: guessed at first, then learned from what ran.

Work is counted in units: one pass of the denoising network over one megapixel. Decoding a picture counts as
DECODING of them, and an upscaler draws tiles, which overlap. The seconds that one unit takes are learned for each
model and device, and once more for each size, since attention grows faster than pixels do. How far runs lay from
what was expected of them is learned as well: it says how sure a prediction is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from generation.mode import Mode
from generation.model import Family, Model
from generation.recipe import Recipe
from generation.size import Size
from generation.tiles import FACTOR, pixels_drawn

DECODING = 4.0  # the full KL decoder against one pass of the UNet, fp32 on a CPU, at 512x512
_WEIGHT_OF_NEWEST = 0.3  # of an exponential moving average: the last five runs say most of it

# How far runs lie from what was expected, as the natural logarithm of how many times as long they took.
_SPREAD_OF_GUESS = 0.6
_SPREAD_AT_FIRST = 0.3  # after one run; later ones move it
_SPREAD_OF_OTHER_SIZE = 0.25  # at least, where only other sizes have run
_MOST_RUNS = 1.8  # spreads that most runs lie within

# Seconds a unit before anything ran. On a CPU of two cores; an accelerator is taken to be forty times faster.
_FIRST_GUESS = {
    Family.SD1: 12.0,
    Family.SD2: 12.0,
    Family.SDXL: 30.0,
    Family.SD3: 30.0,
    Family.FLUX: 160.0,
    Family.LANCZOS: 0.1,  # most of it to write the file
}
_BUILT_IN = {"storybook", "storybook-turbo"}
_BUILT_IN_GUESS = 0.6
_ACCELERATION = 40.0
_INSTANT = 1e-6  # seconds a unit, below which all is the same
_ON = " on "


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Seconds that one unit takes, after so many `samples`; `spread` is how far those lay from the expected."""

    seconds_per_unit: float
    spread: float
    samples: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds that work will take: `likely`, and in most cases from `least` to `most`.

    It is `learned` where all of the work has run on this device before.
    """

    likely: float
    least: float
    most: float
    learned: bool

    @classmethod
    def sure(cls, seconds: float) -> "Estimate":
        """What is known as it is."""
        return cls(likely=seconds, least=seconds, most=seconds, learned=True)

    def __add__(self, other: "Estimate") -> "Estimate":
        """One after the other. Whatever makes one of them late makes both late, so that all of it adds up."""
        return Estimate(
            likely=self.likely + other.likely,
            least=self.least + other.least,
            most=self.most + other.most,
            learned=self.learned and other.learned,
        )


class CostModel:
    """Predicts seconds from recipes, and learns from what they took.

    `rates` by key, the newest last: until a worker says on what device it draws, it is taken to be the same as
    the last time.
    """

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = dict(rates)
        self._last_device = next(reversed(self._rates), "").rpartition(_ON)[2]

    def predict(self, recipe: Recipe, model: Model, device: str) -> Estimate:
        """Seconds of compute, at least a tenth. `device` is empty while it is not known."""
        if not device:
            device = self._last_device
        of_size, of_model = (self._rates.get(key) for key in _keys(recipe, device))
        if of_size is not None:
            per_unit, spread = of_size.seconds_per_unit, of_size.spread
        elif of_model is not None:
            per_unit, spread = of_model.seconds_per_unit, max(of_model.spread, _SPREAD_OF_OTHER_SIZE)
        else:
            per_unit, spread = self._guess(model, device), _SPREAD_OF_GUESS
        likely = max(0.1, units(recipe, model) * per_unit)
        off = math.exp(_MOST_RUNS * spread)
        return Estimate(likely=likely, least=likely / off, most=likely * off, learned=of_model is not None)

    def learn(self, recipe: Recipe, model: Model, seconds: float, device: str) -> dict[str, Rate]:
        """Take in what a finished recipe took; returns what there is to store."""
        self._last_device = device
        newest = seconds / units(recipe, model)
        learned = {key: _moved(self._rates.get(key), newest) for key in _keys(recipe, device)}
        self._rates |= learned
        return learned

    @staticmethod
    def _guess(model: Model, device: str) -> float:
        guess = _BUILT_IN_GUESS if model.name in _BUILT_IN else _FIRST_GUESS[model.family]
        return guess if device in {"", "cpu"} else guess / _ACCELERATION


def _keys(recipe: Recipe, device: str) -> tuple[str, str]:
    """The rate of this size, and that of the model at any size."""
    return f"{recipe.model} at {recipe.size}{_ON}{device}", f"{recipe.model}{_ON}{device}"


def _moved(known: Rate | None, newest: float) -> Rate:
    """A rate after one more run, which took `newest` seconds a unit."""
    if known is None:
        return Rate(seconds_per_unit=newest, spread=_SPREAD_AT_FIRST, samples=1)
    off = abs(math.log(max(newest, _INSTANT) / max(known.seconds_per_unit, _INSTANT)))
    return Rate(
        seconds_per_unit=known.seconds_per_unit + _WEIGHT_OF_NEWEST * (newest - known.seconds_per_unit),
        spread=known.spread + _WEIGHT_OF_NEWEST * (off - known.spread),
        samples=known.samples + 1,
    )


def units(recipe: Recipe, model: Model) -> float:
    """The work in one recipe, all its pictures and passes together."""
    guided = 2 if recipe.guidance_scale > 1 else 1
    return sum(
        _pixels(each, model) / 1e6 * (each.steps_run * guided + DECODING) * len(each.seeds)
        for each in recipe.passes
    )


def _pixels(recipe: Recipe, model: Model) -> int:
    """The pixels that the network computes for one picture, whatever is made of them in the end."""
    if recipe.mode is not Mode.UPSCALE or model.family is Family.LANCZOS:
        return recipe.size.pixels
    scale = FACTOR if recipe.scale is None else recipe.scale
    return pixels_drawn(Size(width=round(recipe.width / scale), height=round(recipe.height / scale)))
