"""Small models in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation import Recipe
from generation.inspection import inspect_model
from generation.worker.engine import Drawn, Engine
from generation.worker.pipelines import LoadedModel, Pipelines
from generation.worker.placement import Placement
from tests.models import (
    small_depth,
    small_flux,
    small_inpainting,
    small_sd1,
    small_sd2,
    small_sd3,
    small_sdxl,
    small_upscaler,
)


@dataclass(frozen=True, kw_only=True)
class Easel:
    """A model in memory and the engine that draws with it."""

    loaded: LoadedModel
    engine: Engine

    def draw(
        self,
        recipe: Recipe,
        *,
        source: Path | None = None,
        mask: Path | None = None,
        on_step: Callable[[int, int], None] = lambda *_: None,
    ) -> Drawn:
        return self.engine.draw(self.loaded, recipe, source, on_step, mask=mask)

    def arrays(self, recipe: Recipe, *, source: Path | None = None) -> list[bytes]:
        return [image.tobytes() for image in self.draw(recipe, source=source).images]


SetUp = Callable[..., Easel]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """These models are so small that a second thread costs more than it gives."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("engine")
    makers = {
        "sd1": small_sd1,
        "sd2": small_sd2,
        "sdxl": small_sdxl,
        "inpainting": small_inpainting,
        "depth": small_depth,
        "upscaler": small_upscaler,
        "sd3": small_sd3,
        "flux": small_flux,
    }
    return {name: make(base / name) for name, make in makers.items()}


@pytest.fixture(scope="session")
def set_up(folders: dict[str, Path]) -> SetUp:
    """Loads a model with a precision, and one picture or all of them at a time."""
    kept: dict[Any, Easel] = {}

    def set_up(kind: str, *, dtype: torch.dtype = torch.float32, batches: bool = False) -> Easel:
        key = (kind, dtype, batches)
        if key not in kept:
            placement = Placement(
                device=torch.device("cpu"),
                name="cpu",
                dtype=dtype,
                reason="a test says so",
                memory=2**30,
                draws_batches=batches,
            )
            loaded = Pipelines(placement).get(inspect_model(str(folders[kind])))
            kept[key] = Easel(
                loaded=loaded, engine=Engine(placement, {"torch": torch.__version__}, watermarked=False)
            )
        return kept[key]

    return set_up


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    rows = np.linspace(0, 255, 64, dtype=np.uint8)
    pixels = np.stack([np.add.outer(rows // 2, rows // 2), np.tile(rows, (64, 1)), np.tile(rows, (64, 1)).T], -1)
    Image.fromarray(pixels).save(tmp_path / "source.png")
    return tmp_path / "source.png"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """White in its right half."""
    shape = Image.new("L", (64, 64), 0)
    shape.paste(255, (32, 0, 64, 64))
    shape.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def pixels_of(image: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(image.convert("RGB"), np.int16)
