"""However a model's weights lie in memory, it draws the same picture."""

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from generation import Scheduler
from generation.inspection import inspect_model
from generation.worker import content, lending, loading, memory, modes, pipelines
from generation.worker.adapters import ModelAdapters
from generation.worker.controls import ModelControls
from generation.worker.engine import Engine
from generation.worker.lending import Lent
from generation.worker.memory import Numbers, Step, Weights
from generation.worker.pipelines import LoadedModel
from generation.worker.placement import Placement
from tests.models import small_sd1, with_safety_checker
from tests.recipes import a_recipe

CPU = torch.device("cpu")
PLACEMENT = Placement(
    device=CPU, name="cpu", dtype=torch.float32, reason="a test says so", memory=2**30, draws_batches=False
)
FULL = Step(dtype=torch.float32)


def drawn(folder: Path, step: Step, tmp_path: Path, *, side: int = 64) -> tuple[Any, tuple[bool, ...]]:
    """The second picture that the model in `folder` draws on `step`, and what its checker says."""
    model = inspect_model(str(folder))
    mapped = step.weights is Weights.MAPPED
    settle: Callable[[Any], None] = (
        (lambda part: lending.map_weights(part, tmp_path)) if mapped else pipelines._keep
    )
    placement = replace(PLACEMENT, dtype=step.dtype)
    whole = loading.load(model, folder, step.dtype, settle)
    parts = lending.parts_of(whole)
    checker = content.load(model, folder, placement)
    if checker is not None:
        settle(checker.checker)
        parts["safety_checker"] = checker.checker
    lent = Lent(parts, step, CPU)
    lending.set_up_parts(whole, step)
    loaded = LoadedModel(
        model=model,
        revision="",
        placement=placement,
        trained_with=dict(whole.scheduler.config),
        whole=whole,
        pipelines=modes.pipelines(model, whole),
        adapters=ModelAdapters(whole, model.name, lent),
        controls=ModelControls(whole, model.name, step.dtype, lambda *_: None),
        content_filter=checker,
        step=step,
        numbers=Numbers(parts={}, block=0),
        lent=lent,
    )
    engine = Engine(placement, {}, watermarked=False)
    recipe = a_recipe(width=side, height=side, num_inference_steps=3, seeds=(7,), scheduler=Scheduler.DDIM)
    engine.draw(loaded, recipe, None, lambda *_: None)
    lent.rest()
    found = engine.draw(loaded, recipe, None, lambda *_: None)
    return np.asarray(found.images[0]).astype(int), found.flagged


@pytest.fixture(scope="module", params=["sd1", "sdxl", "checked"])
def folder(
    request: pytest.FixtureRequest, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    if request.param == "checked":
        return with_safety_checker(small_sd1(tmp_path_factory.mktemp("checked") / "model"), flags=True)
    return folders[request.param]


@pytest.mark.parametrize("weights", list(Weights))
def test_pictures_are_the_same_to_the_bit_however_weights_lie(
    folder: Path, weights: Weights, tmp_path: Path
) -> None:
    expected, flagged = drawn(folder, FULL, tmp_path)
    image, flagged_too = drawn(folder, replace(FULL, weights=weights), tmp_path)

    assert np.array_equal(image, expected)
    assert flagged_too == flagged


def test_sliced_attention_draws_the_same_to_the_eye(folders: dict[str, Path], tmp_path: Path) -> None:
    expected, _ = drawn(folders["sd1"], FULL, tmp_path)
    image, _ = drawn(folders["sd1"], replace(FULL, sliced=True), tmp_path)

    assert np.abs(image - expected).max() <= 1


def test_half_precision_draws_nearly_the_same(folders: dict[str, Path], tmp_path: Path) -> None:
    expected, _ = drawn(folders["sd1"], FULL, tmp_path)
    image, _ = drawn(folders["sd1"], replace(FULL, dtype=torch.bfloat16), tmp_path)

    assert np.abs(image - expected).mean() < 3


def test_what_a_tile_holds_is_decoded_as_before_and_what_is_larger_is_not_torn(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    tiled = replace(FULL, tiled=True)
    assert np.array_equal(*(drawn(folders["sd1"], step, tmp_path)[0] for step in (FULL, tiled)))

    expected, image = (drawn(folders["sd1"], step, tmp_path, side=128)[0] for step in (FULL, tiled))
    assert 0 < np.abs(image - expected).mean() < 8


def a_network(width: int = 1024, layers: int = 12) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(layers)))


def test_mapped_weights_are_not_resident(tmp_path: Path) -> None:
    process, given = psutil.Process(), torch.randn(1, 1024)
    network = a_network()
    with torch.inference_mode():
        expected = network(given)
    size = sum(tensor.nbytes for tensor in network.parameters())
    memory.trim()  # what other tests freed is not counted
    before = process.memory_info().rss

    lending.map_weights(network, tmp_path)
    with torch.inference_mode():
        found = network(given)
    gc.collect()
    memory.trim()

    assert torch.equal(found, expected)
    assert process.memory_info().rss < before - 0.7 * size
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_into_mapped_weights_stays(tmp_path: Path) -> None:
    network, given = a_network(width=64, layers=2), torch.ones(1, 64)
    lending.map_weights(network, tmp_path)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.5)
        network(given)
        network(given)

    assert all(bool((parameter == 0.5).all()) for parameter in network.parameters())


def test_a_folder_that_takes_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        lending.map_weights(a_network(width=8, layers=1), tmp_path / "nowhere")
