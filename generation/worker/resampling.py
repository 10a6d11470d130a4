"""Sides several times as long by a plain filter: what is left where no model for it is on this machine."""

from collections.abc import Callable
from pathlib import Path

import PIL
import torch
from PIL import Image

from generation.recipe import Environment, Recipe
from generation.worker.engine import Drawn
from generation.worker.modes import Materials


def resample(recipe: Recipe, source: Path | None, on_step: Callable[[int, int], None]) -> Drawn:
    """`recipe` drawn by Lanczos's filter, once for each of its seeds. Raises SourceMissing.

    Nothing is made up, so that the picture bears no mark; one that it had does not survive.
    """
    picture = Materials.of(recipe, source, None).source
    if picture is None:
        raise ValueError("a recipe that upscales has a source")
    larger = picture.resize((recipe.width, recipe.height), Image.Resampling.LANCZOS)
    on_step(1, 1)
    environment = Environment(
        device="cpu",
        dtype="uint8",
        threads=torch.get_num_threads(),
        batch_size=1,
        model_revision=PIL.__version__,
        versions={"pillow": PIL.__version__},
    )
    images = tuple(larger.copy() for _ in recipe.seeds)
    return Drawn(images=images, flagged=(False,) * len(images), environment=environment)
