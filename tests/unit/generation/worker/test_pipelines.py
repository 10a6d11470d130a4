"""Models in memory: the most used stay, the others go, and nothing of them is left."""

import gc
import weakref
from pathlib import Path

import psutil
import pytest
import torch

from generation import Model
from generation.inspection import inspect_model
from generation.worker import memory
from generation.worker.memory import Need, Weights
from generation.worker.pipelines import Pipelines
from generation.worker.placement import Placement
from tests.models import small_lcm, small_sd1, small_sd2, small_sdxl
from tests.recipes import a_recipe

PLACEMENT = Placement(
    device=torch.device("cpu"),
    name="cpu",
    dtype=torch.float32,
    reason="a test says so",
    memory=2**30,
    draws_batches=False,
)
PLENTY = 1e12


class Given:
    """A device with so much memory, of which the models in it take what their weights take."""

    def __init__(self, pipelines: Pipelines, total: float) -> None:
        self._pipelines = pipelines
        self.total = total

    def left(self) -> float:
        kept = self._pipelines._kept.values()
        return self.total - sum(memory.weights_on_device(loaded.numbers, loaded.step) for loaded in kept)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    base = tmp_path_factory.mktemp("kept")
    made = (small_sd1(base / "sd1"), small_sd2(base / "sd2"), small_sdxl(base / "sdxl"), small_lcm(base / "lcm"))
    return [inspect_model(str(folder)) for folder in made]


@pytest.fixture
def pipelines(tmp_path: Path) -> Pipelines:
    made = Pipelines(PLACEMENT, folder=tmp_path)
    made._room = Given(made, PLENTY)  # type: ignore[assignment]
    return made


def cost(pipelines: Pipelines, model: Model, step: int, side: int = 64) -> float:
    loaded = pipelines.get(model)
    need = Need(pixels=side * side, batch=1)
    return memory.predict(need, model.family, loaded.numbers, pipelines._ladder[step], "cpu")


def give(pipelines: Pipelines, total: float) -> None:
    pipelines._room = Given(pipelines, total)  # type: ignore[assignment]


def test_switching_back_to_a_kept_model_costs_no_load(pipelines: Pipelines, models: list[Model]) -> None:
    first = pipelines.get(models[0])
    pipelines.get(models[1])

    assert pipelines.get(models[0]).whole is first.whole


def test_the_model_that_was_not_used_for_longest_goes_first(pipelines: Pipelines, models: list[Model]) -> None:
    one, other, third = models[:3]
    room_for_third = cost(pipelines, third, 0)
    del pipelines._kept[third]
    for model in (one, other, one):
        loaded = pipelines.get(model)
    give(pipelines, memory.weights_on_device(loaded.numbers, loaded.step) + room_for_third)

    pipelines.get(third)

    assert (pipelines.holds(one), pipelines.holds(other), pipelines.holds(third)) == (True, False, True)


def test_a_model_that_left_is_gone(pipelines: Pipelines, models: list[Model]) -> None:
    unet = weakref.ref(pipelines.get(models[0]).whole.unet)
    give(pipelines, 0)
    pipelines.get(models[1])
    gc.collect()

    assert unet() is None


def test_a_picture_that_needs_more_has_its_model_moved_and_one_that_needs_less_moves_it_back(
    pipelines: Pipelines, models: list[Model]
) -> None:
    model = models[0]
    small, large = (a_recipe(width=side, height=side, seeds=(1,)) for side in (64, 1536))
    give(pipelines, cost(pipelines, model, 0, side=1024))

    assert pipelines.get(model, recipe=small).step == pipelines._ladder[0]
    whole = pipelines.get(model, recipe=large).whole
    assert pipelines.get(model, recipe=large).step == pipelines._ladder[1]
    assert whole.vae.use_tiling

    loaded = pipelines.get(model, recipe=small)
    assert loaded.step == pipelines._ladder[0]
    assert loaded.whole is whole  # tiles are no reason to load anything
    assert not whole.vae.use_tiling


def test_a_model_is_loaded_again_in_half_precision_and_from_a_file_as_memory_gets_short(
    pipelines: Pipelines, models: list[Model]
) -> None:
    model = models[2]
    give(pipelines, cost(pipelines, model, 2))
    loaded = pipelines.get(model)
    assert loaded.placement.dtype is loaded.whole.unet.dtype is torch.bfloat16

    give(pipelines, 0)
    assert pipelines.get(model).step.weights is Weights.MAPPED

    give(pipelines, PLENTY)
    assert pipelines.get(model).step == pipelines._ladder[0]


def test_where_memory_ran_out_is_remembered_for_that_size_and_larger_ones(
    pipelines: Pipelines, models: list[Model]
) -> None:
    model = models[0]
    small, large, larger = (a_recipe(width=side, height=side, seeds=(1,)) for side in (64, 1024, 2048))

    assert pipelines.step_down(pipelines.get(model, recipe=large), large)
    assert not pipelines.holds(model)

    assert pipelines.get(model, recipe=large).step == pipelines._ladder[1]
    assert pipelines.get(model, recipe=larger).step == pipelines._ladder[1]
    assert pipelines.get(model, recipe=small).step == pipelines._ladder[0]


def test_below_the_last_step_there_is_none(pipelines: Pipelines, models: list[Model]) -> None:
    recipe = a_recipe(width=64, height=64, seeds=(1,))
    downs = 0
    while pipelines.step_down(pipelines.get(models[0], recipe=recipe), recipe):
        downs += 1
    assert downs == len(pipelines._steps(models[0], Need(pixels=1, batch=1), pipelines.get(models[0]).numbers)) - 1


@pytest.mark.parametrize("kept", [1, 2])
def test_twenty_switches_between_two_models_leave_memory_as_it_was(
    pipelines: Pipelines, models: list[Model], kept: int
) -> None:
    give(pipelines, PLENTY if kept == 2 else max(cost(pipelines, model, 0) for model in (models[0], models[2])))
    process, sizes = psutil.Process(), []
    for number in range(24):
        pipelines.get(models[2 * (number % 2)])
        memory.give_back(PLACEMENT.device)
        sizes.append(process.memory_info().rss)

    assert len(pipelines._kept) == kept
    assert max(sizes[4:]) - sizes[3] < 12e6
