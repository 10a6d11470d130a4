"""The content filter looks at every picture, and a model that is made to be used with one is not used without."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from generation import Mode, ModelUnavailable
from generation.inspection import inspect_model
from generation.watermark import Watermark, find_watermark
from generation.worker.engine import Engine
from generation.worker.pipelines import Pipelines
from generation.worker.placement import Placement
from tests.models import with_safety_checker
from tests.recipes import a_recipe

PLACEMENT = Placement(
    device=torch.device("cpu"),
    name="cpu",
    dtype=torch.float32,
    reason="a test says so",
    memory=2**30,
    draws_batches=False,
)
RECIPE = a_recipe(width=64, height=64, num_inference_steps=1, seeds=(1, 2))


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders["sd1"], tmp_path / "sd1"))


@pytest.mark.parametrize("flags", [True, False])
def test_every_picture_is_looked_at_and_marked(folder: Path, flags: bool) -> None:
    loaded = Pipelines(PLACEMENT).get(inspect_model(str(with_safety_checker(folder, flags=flags))))

    drawn = Engine(PLACEMENT, {}).draw(loaded, RECIPE, None, lambda *_: None)

    assert drawn.flagged == (flags, flags)
    for image in drawn.images:
        trace = find_watermark(image)
        assert trace is not None
        assert trace.watermark is Watermark.SD1
    assert drawn.environment.watermark == "StableDiffusionV1"
    assert len(set(drawn.images[0].tobytes())) > 20  # what is flagged is still the picture


def test_a_source_that_no_step_has_touched_is_looked_at_and_not_marked(folder: Path, tmp_path: Path) -> None:
    loaded = Pipelines(PLACEMENT).get(inspect_model(str(with_safety_checker(folder, flags=True))))
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "source.png")
    recipe = replace(RECIPE, mode=Mode.IMAGE_TO_IMAGE, strength=0.0, source="ab" * 32)

    drawn = Engine(PLACEMENT, {}).draw(loaded, recipe, tmp_path / "source.png", lambda *_: None)

    assert drawn.flagged == (True, True)
    assert drawn.environment.watermark is None
    assert drawn.images[0].getcolors() == [(64 * 64, (0, 128, 128))]


def test_without_a_filter_the_operator_is_told_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, pipelines = inspect_model(str(folder)), Pipelines(PLACEMENT)
    for name in (model.name, "another", model.name):
        loaded = pipelines.get(replace(model, name=name))
        assert loaded.content_filter is None
        assert pipelines.lacks_filter(loaded.model, loaded.content_filter)
    told = [record.getMessage() for record in caplog.records if "safety checker" in record.getMessage()]
    assert len(told) == 2
    assert not pipelines.lacks_filter(replace(model, harmless=True), None)


def test_a_filter_that_is_wanted_and_damaged_keeps_the_model_from_being_used(folder: Path) -> None:
    weights = with_safety_checker(folder, flags=True) / "safety_checker" / "model.safetensors"
    model = inspect_model(str(folder))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelUnavailable, match="EASEL_CONTENT_FILTER"):
        Pipelines(PLACEMENT).get(model)
    weights.unlink()
    with pytest.raises(ModelUnavailable, match="safety_checker holds none"):
        Pipelines(PLACEMENT).get(model)
    assert Pipelines(PLACEMENT, filtered=False).get(model).content_filter is None
