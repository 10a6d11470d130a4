"""Models in memory: the most used stay, the others go, and nothing of them is left."""

import functools
import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from diffusers import UNet2DConditionModel

from generation import Adapter, AdapterKind, Mode, Model, ModelUnavailable, Recipe
from generation.inspection import inspect_model
from generation.tries import Need, Try
from generation.worker import loading, memory
from generation.worker.engine import Engine
from generation.worker.memory import Weights
from generation.worker.pipelines import Pipelines
from generation.worker.placement import Placement
from tests.controls import saved, small_control, small_people_detector, small_pose_detector
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
PLAIN = a_recipe(width=64, height=64, num_inference_steps=1)
FOLLOWING = replace(PLAIN, mode=Mode.EDGES, control="net", source="a" * 64, strength=0.5)


class Given:
    """A device with so much memory, of which the models in it take what their weights take."""

    def __init__(self, pipelines: Pipelines, total: float) -> None:
        self._pipelines = pipelines
        self.total = total

    def left(self) -> float:
        kept = self._pipelines._kept.values()
        return self.total - sum(
            memory.weights_on_device(loaded.numbers, loaded.step, control=loaded.controls.numbers)
            for loaded in kept
        )


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


@pytest.fixture(scope="module")
def net(models: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    """A ControlNet for the first of the models."""
    unet = UNet2DConditionModel.from_pretrained(Path(models[0].source) / "unet")
    path = saved(small_control(unet), tmp_path_factory.mktemp("nets") / "net")
    return Adapter(kind=AdapterKind.CONTROLNET, name="net", path=str(path), sha256="a" * 64)


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


def test_a_model_that_is_not_there_takes_no_other_out_of_memory(pipelines: Pipelines, models: list[Model]) -> None:
    pipelines.get(models[0])
    with pytest.raises(ModelUnavailable):
        pipelines.get(replace(models[1], source="/nowhere/at/all"))

    assert pipelines.holds(models[0])


def test_what_lies_on_the_device_does_not_go_for_the_computers_own_memory(
    pipelines: Pipelines, models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_device, lent = (pipelines.get(model) for model in models[:2])
    pipelines._kept[lent.model] = replace(lent, step=replace(lent.step, weights=Weights.BY_PART))
    monkeypatch.setattr(memory, "free_of_computer", lambda: 0.0)

    pipelines._make_room_to_read(lent.numbers)

    assert (pipelines.holds(on_device.model), pipelines.holds(lent.model)) == (True, False)


def test_the_model_that_was_not_used_for_longest_goes_first(pipelines: Pipelines, models: list[Model]) -> None:
    one, other, third = models[:3]
    room_for_third = cost(pipelines, third, 0)
    del pipelines._kept[third]
    for model in (one, other, one):
        loaded = pipelines.get(model)
    give(pipelines, memory.weights_on_device(loaded.numbers, loaded.step) + room_for_third)

    pipelines.get(third)

    assert (pipelines.holds(one), pipelines.holds(other), pipelines.holds(third)) == (True, False, True)


def test_models_go_for_something_else_that_needs_room_as_far_as_they_have_to(
    pipelines: Pipelines, models: list[Model]
) -> None:
    one, other = models[:2]
    first, second = (pipelines.get(model) for model in (one, other))
    needed = memory.weights_on_device(first.numbers, first.step)
    give(pipelines, needed + memory.weights_on_device(second.numbers, second.step))

    pipelines.make_room(0)
    assert pipelines.holds(one)
    pipelines.make_room(needed)
    assert (pipelines.holds(one), pipelines.holds(other)) == (False, True)
    pipelines.make_room(PLENTY)
    assert not pipelines.holds(other)


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


def test_a_controlnet_counts_in_what_a_picture_needs(
    pipelines: Pipelines, models: list[Model], net: Adapter
) -> None:
    model = models[0]
    give(pipelines, cost(pipelines, model, 0))

    assert pipelines.get(model, recipe=PLAIN).step == pipelines._ladder[0]
    assert pipelines.get(model, recipe=FOLLOWING, adapters=[net]).step != pipelines._ladder[0]


def test_a_controlnet_stays_as_long_as_it_is_not_in_the_way(
    pipelines: Pipelines, models: list[Model], net: Adapter
) -> None:
    model = models[0]
    loaded = pipelines.get(model, recipe=FOLLOWING, adapters=[net])
    loaded.controls.pipeline(net)

    assert pipelines.get(model, recipe=PLAIN).controls.kept == net.sha256

    give(pipelines, cost(pipelines, model, 0))
    assert pipelines.get(model, recipe=PLAIN).whole is loaded.whole
    assert loaded.controls.kept is None


def test_memory_that_ran_out_with_a_controlnet_says_nothing_of_pictures_without_one(
    pipelines: Pipelines, models: list[Model], net: Adapter
) -> None:
    model = models[0]
    pipelines.get(model, recipe=FOLLOWING, adapters=[net])
    assert pipelines.step_down()

    assert pipelines.get(model, recipe=FOLLOWING, adapters=[net]).step != pipelines._ladder[0]
    assert pipelines.get(model, recipe=PLAIN).step == pipelines._ladder[0]


def test_a_controlnet_that_cannot_be_read_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(b"rubbish")
    for path in (tmp_path / "net.safetensors", tmp_path / "gone.pth", tmp_path):
        faulty = Adapter(kind=AdapterKind.CONTROLNET, name="net", path=str(path), sha256="a" * 64)
        assert loading.count_adapter(faulty) == 0


def test_the_largest_detector_counts_in_what_a_picture_needs(
    pipelines: Pipelines, models: list[Model], net: Adapter, tmp_path: Path
) -> None:
    folders = small_pose_detector(tmp_path / "pose"), small_people_detector(tmp_path / "people")
    detectors = [
        Adapter(kind=AdapterKind.DETECTOR, name=folder.name, path=str(folder), sha256="b" * 64)
        for folder in folders
    ]
    model, numbers = models[0], [loading.count_adapter(each) for each in detectors]
    held = pipelines.get(model).numbers
    need = pipelines._need(FOLLOWING, [net, *detectors])
    assert need.detector == max(numbers) > min(numbers) > 0

    def wanted(detector: int, step: int) -> float:
        asked = replace(need, detector=detector)
        return memory.predict(asked, model.family, held, pipelines._ladder[step], "cpu")

    # Large ones are what takes most, on every step; a small one takes less than drawing does.
    large = 10**9
    assert all(wanted(large, step) > wanted(0, step) + 3e9 for step in range(len(pipelines._ladder)))
    give(pipelines, wanted(large, 0))
    assert pipelines.get(model, recipe=FOLLOWING, adapters=[net, *detectors]).step == pipelines._ladder[0]


def test_switching_often_between_models_leaves_nothing_behind(pipelines: Pipelines, models: list[Model]) -> None:
    engine, recipe = Engine(PLACEMENT, {}), a_recipe(width=64, height=64, seeds=(1,), num_inference_steps=2)
    give(pipelines, cost(pipelines, models[1], 0))  # for one of them at a time
    pipelines._free()

    def bytes_after_a_round() -> int:
        for model in models[:2]:
            engine.draw(pipelines.get(model), recipe, None, lambda *_: None)
        pipelines._free()
        gc.collect()
        real = {torch.Tensor, torch.nn.Parameter}  # other tests may leave tensors behind that have no numbers
        tensors = [each for each in gc.get_objects() if type(each) in real and each.device.type != "meta"]
        return sum(
            {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}.values()
        )

    first = [bytes_after_a_round() for _ in range(2)][-1]  # libraries keep something of the very first
    assert [bytes_after_a_round() for _ in range(4)] == [first] * 4


def test_where_memory_ran_out_is_remembered_for_that_size_and_larger_ones(
    pipelines: Pipelines, models: list[Model]
) -> None:
    model = models[0]
    small, large, larger = (a_recipe(width=side, height=side, seeds=(1,)) for side in (64, 1024, 2048))

    pipelines.get(model, recipe=large)
    assert pipelines.step_down()
    assert not pipelines.holds(model)

    assert pipelines.get(model, recipe=large).step == pipelines._ladder[1]
    assert pipelines.get(model, recipe=larger).step == pipelines._ladder[1]
    assert pipelines.get(model, recipe=small).step == pipelines._ladder[0]


def test_a_model_that_memory_ran_out_for_while_it_was_read_is_read_again_a_step_down(
    pipelines: Pipelines, models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = loading.load

    def short(model: Model, path: Path, dtype: torch.dtype, *settle: Any) -> Any:
        if dtype is torch.float32:
            raise MemoryError
        return load(model, path, dtype, *settle)

    monkeypatch.setattr(loading, "load", short)
    with pytest.raises(MemoryError):
        pipelines.get(models[0], recipe=PLAIN)

    assert pipelines.step_down()
    assert pipelines.get(models[0], recipe=PLAIN).step.dtype is torch.bfloat16


def ran_out(pipelines: Pipelines, model: Model, recipe: Recipe = PLAIN) -> Try:
    """What is to be remembered of memory that ran out for `recipe`."""
    pipelines.get(model, recipe=recipe)
    tried = pipelines.step_down()
    assert tried is not None
    return tried


def test_each_try_is_told_before_it_can_fail_and_remembered_as_it_was_told(
    pipelines: Pipelines, models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Try] = []

    def load(*_: object) -> None:
        raise MemoryError(f"after {len(told)} were told")

    monkeypatch.setattr(loading, "load", load)
    with pytest.raises(MemoryError, match="after 1 were told"):
        pipelines.get(models[0], recipe=PLAIN, on_try=told.append)

    assert pipelines.step_down() == told[0]
    assert told[0].step == str(pipelines._ladder[0])
    assert told[0].need == Need(pixels=64 * 64, batch=1)


def test_another_worker_begins_where_memory_was_enough_for_the_one_before(
    pipelines: Pipelines, models: list[Model]
) -> None:
    known = ran_out(pipelines, models[0])
    enough = pipelines.get(models[0], recipe=PLAIN).step
    assert enough != pipelines._ladder[0]

    later = Pipelines(PLACEMENT)
    for _ in range(2):  # it is said with every order
        later.recall([known])
        assert later.get(models[0], recipe=PLAIN).step == enough
    assert later.get(models[1], recipe=PLAIN).step == pipelines._ladder[0]


def test_what_ran_out_in_half_precision_is_not_tried_in_full(pipelines: Pipelines, models: list[Model]) -> None:
    half = str(replace(pipelines._ladder[0], dtype=torch.bfloat16))
    known = replace(ran_out(pipelines, models[0]), step=half)

    later = Pipelines(PLACEMENT)
    later.recall([known])
    step = later.get(models[0], recipe=PLAIN).step
    assert (step.dtype, step.tiled) == (torch.bfloat16, True)


@pytest.mark.parametrize(
    ("placement", "limit"),
    [
        (replace(PLACEMENT, memory=2**31), None),
        (replace(PLACEMENT, name="another one"), None),
        (PLACEMENT, 10**15),
    ],
)
def test_what_ran_out_is_forgotten_with_another_device_or_another_memory(
    pipelines: Pipelines, models: list[Model], placement: Placement, limit: int | None
) -> None:
    known = ran_out(pipelines, models[0])

    later = Pipelines(placement, limit=limit)
    later.recall([known])
    assert later.get(models[0], recipe=PLAIN).step == later._ladder[0]


def test_what_ran_out_is_forgotten_with_the_models_files(
    pipelines: Pipelines, models: list[Model], tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models[0].source, folder)
    model = replace(models[0], source=str(folder))
    known = ran_out(pipelines, model)

    same, changed = Pipelines(PLACEMENT), Pipelines(PLACEMENT)
    for each in (same, changed):
        each.recall([known])
    assert same.get(model, recipe=PLAIN).step != pipelines._ladder[0]
    (folder / "note.txt").write_text("retrained", encoding="utf-8")
    assert changed.get(model, recipe=PLAIN).step == pipelines._ladder[0]


def test_words_of_another_version_are_no_step(pipelines: Pipelines, models: list[Model]) -> None:
    later = Pipelines(PLACEMENT)
    later.recall([replace(ran_out(pipelines, models[0]), step="folded twice")])
    assert later.get(models[0], recipe=PLAIN).step == pipelines._ladder[0]


def test_what_was_never_chosen_has_no_lower_step(pipelines: Pipelines, models: list[Model]) -> None:
    assert not pipelines.step_down()
    with pytest.raises(ModelUnavailable):
        pipelines.get(replace(models[0], source="/nowhere/at-all"))
    assert not pipelines.step_down()


def test_below_the_last_step_there_is_none(pipelines: Pipelines, models: list[Model]) -> None:
    recipe = a_recipe(width=64, height=64, seeds=(1,))
    steps = [str(pipelines.get(models[0], recipe=recipe).step)]
    while pipelines.step_down():
        steps.append(str(pipelines.get(models[0], recipe=recipe).step))
    numbers = pipelines.get(models[0]).numbers
    costs = functools.partial(memory.predict, Need(pixels=64 * 64, batch=1), models[0].family, numbers)
    worth = memory.worth_taking(pipelines._ladder, lambda step: costs(step, "cpu"))
    assert steps == [str(step) for step in worth]


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


@pytest.mark.skipif(not memory._can_map(), reason="weights are not mapped here")
def test_ten_switches_between_mapped_models_leave_memory_and_files_as_they_were(
    pipelines: Pipelines, models: list[Model], tmp_path: Path
) -> None:
    give(pipelines, 0)
    engine, process, sizes, files = Engine(PLACEMENT, {}, watermarked=False), psutil.Process(), [], []
    for number in range(12):
        loaded = pipelines.get(models[3 * (number % 2)], recipe=PLAIN)
        assert loaded.step.weights is Weights.MAPPED
        engine.draw(loaded, PLAIN, None, lambda *_: None)
        del loaded
        memory.give_back(PLACEMENT.device)
        sizes.append(process.memory_info().rss)
        files.append(Path("/proc/self/maps").read_text("utf-8").count(str(tmp_path)))

    assert len(pipelines._kept) == 1
    assert max(sizes[2:]) - sizes[1] < 12e6
    assert files[:2] * 6 == files
    assert files[0] > 0
