"""What a recipe costs, in seconds of compute: guessed at first, then learned from what ran.

Work is counted in units: one pass of the denoising network over one megapixel. Decoding a picture counts as
DECODING of them, and an upscaler draws tiles, which overlap. The seconds that one unit takes are learned for each
model and device.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from generation.catalogue import Family, Model
from generation.mode import Mode
from generation.recipe import Recipe
from generation.size import Size
from generation.tiles import FACTOR, pixels_drawn

DECODING = 4.0  # the full KL decoder against one pass of the UNet, fp32 on a CPU, at 512x512
_WEIGHT_OF_NEWEST = 0.3  # of an exponential moving average: the last five runs say most of it

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
_ON = " on "


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Seconds that one unit takes, after so many `samples`."""

    seconds_per_unit: float
    samples: int


class CostModel:
    """Predicts seconds from recipes, and learns from what they took.

    `rates` by key, the newest last: until a worker says on what device it draws, it is taken to be the same as
    the last time.
    """

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = dict(rates)
        self._last_device = next(reversed(self._rates), "").rpartition(_ON)[2]

    def predict(self, recipe: Recipe, model: Model, device: str) -> float:
        """Seconds of compute, at least a tenth. `device` is empty while it is not known."""
        if not device:
            device = self._last_device
        rate = self._rates.get(self.key(model.name, device))
        per_unit = rate.seconds_per_unit if rate is not None else self._guess(model, device)
        return max(0.1, units(recipe, model) * per_unit)

    def learn(self, recipe: Recipe, model: Model, seconds: float, device: str) -> tuple[str, Rate]:
        """Take in what a finished recipe took; returns what there is to store."""
        key = self.key(recipe.model, device)
        self._last_device = device
        newest = seconds / units(recipe, model)
        known = self._rates.get(key)
        if known is None:
            rate = Rate(seconds_per_unit=newest, samples=1)
        else:
            mean = known.seconds_per_unit + _WEIGHT_OF_NEWEST * (newest - known.seconds_per_unit)
            rate = Rate(seconds_per_unit=mean, samples=known.samples + 1)
        self._rates[key] = rate
        return key, rate

    @staticmethod
    def key(model: str, device: str) -> str:
        return f"{model}{_ON}{device}"

    @staticmethod
    def _guess(model: Model, device: str) -> float:
        guess = _BUILT_IN_GUESS if model.name in _BUILT_IN else _FIRST_GUESS[model.family]
        return guess if device in {"", "cpu"} else guess / _ACCELERATION


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
