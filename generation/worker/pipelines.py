"""The models in memory, and their pipelines, which share every part of them."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from generation import download
from generation.adapters import Adapter, AdapterKind
from generation.download import OnBytes
from generation.errors import ModelUnavailable
from generation.mode import Mode
from generation.model import Model
from generation.recipe import Recipe
from generation.schedulers import Scheduler
from generation.tries import Need, Try
from generation.worker import content, kernels, lending, loading, memory, modes, schedulers
from generation.worker.adapters import ModelAdapters
from generation.worker.content import ContentFilter
from generation.worker.controls import ModelControls
from generation.worker.lending import Lent
from generation.worker.memory import Numbers, Room, Step, Weights, is_out_of_memory
from generation.worker.placement import Placement
from generation.worker.revision import revision_of

log = logging.getLogger(__name__)

_SURE = 0.8  # of the room: a model is loaded again for a higher step only where it surely fits

OnTry = Callable[[Try], None]


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model in the memory of a device; `trained_with` is its own scheduler configuration.

    `whole` is the pipeline of what its weights are made for, `pipelines` are those that the engine draws with.
    `content_filter` is None where the operator wants none, or where the model comes without one. `decoder` is a
    small autoencoder that decodes in place of the model's own, None where there is none.
    It stands on `step` of the ladder of memory, whose precision is that of `placement`.
    """

    model: Model
    revision: str
    placement: Placement
    trained_with: Mapping[str, Any]
    whole: Any
    pipelines: Mapping[Mode, Any]
    adapters: ModelAdapters
    controls: ModelControls
    content_filter: ContentFilter | None
    decoder: Any | None = None
    step: Step
    numbers: Numbers
    lent: Lent

    def pipeline(self, mode: Mode, scheduler: Scheduler, *, steps: int, control: Adapter | None = None) -> Any:
        """The pipeline for `mode`, or that of a ControlNet, with a scheduler of its own for this run.

        Raises ModelUnavailable where the model is made for something else, and Unfit where the ControlNet is.
        """
        pipeline = self.pipelines.get(mode) if control is None else self.controls.pipeline(control)
        if pipeline is None:
            words = mode.replace("_", " ")
            raise ModelUnavailable(self.model.name, f"a model of its kind does not do {words}")
        pipeline.scheduler = schedulers.build(
            scheduler, self.trained_with, steps=steps, dtype=self.placement.dtype
        )
        return pipeline


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is asked of a model: its files by their `revision`, how much they hold, and what is to be drawn."""

    model: Model
    revision: str
    need: Need
    numbers: Numbers


class Pipelines:
    """Keeps the models that were used last, as many as there is room for; `filtered`: with their content filters.

    `limit` is how many bytes of the device they may take while they draw; what is free, where it is None. Weights
    that are mapped lie in a file in `folder`.
    """

    def __init__(
        self,
        placement: Placement,
        *,
        filtered: bool = True,
        limit: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self._placement = placement
        self._filtered = filtered
        self._folder = folder
        self._room = Room(placement, limit)
        self._place = f"{placement}, {self._room.most / 1e9:.1f} GB"
        self._ladder = memory.ladder(placement)
        self._told: set[str] = set()
        self._kept: dict[Model, LoadedModel] = {}  # the one used last at the end
        self._too_much: set[tuple[str, Need, Step]] = set()  # where memory ran out, by revision
        self._tried: tuple[_Asked, Step] | None = None  # what `get` chose last

    def holds(self, model: Model) -> bool:
        return model in self._kept

    def get(
        self,
        model: Model,
        on_bytes: OnBytes | None = None,
        *,
        recipe: Recipe | None = None,
        adapters: Sequence[Adapter] = (),
        on_try: OnTry | None = None,
    ) -> LoadedModel:
        """`model` in memory, so that there is room to draw `recipe`, or a picture of its usual size.

        `on_bytes` is told how far fetching it is, if it has to be; `adapters` are those of the recipe. `on_try` is
        told the step, as long as there is memory to tell it.
        Others that are in memory go if they are in the way. Raises ModelUnavailable, and what PyTorch raises when
        memory is out.
        """
        self._tried = None
        need = Need.usual(model) if recipe is None else self._need(recipe, adapters)
        control = _of_kind(adapters, AdapterKind.CONTROLNET)
        loaded = self._kept.get(model)
        if loaded is not None:
            loaded.lent.rest()
            loaded.controls.rest()
            if loaded.controls.kept != next((each.sha256 for each in control), None):
                self._make_room_for_another(loaded, need)
            loaded = self._stepped(loaded, need, on_try)
            del self._kept[model]
        if loaded is None:
            memory.give_back(self._placement.device)
            try:
                loaded = self._load(model, need, on_bytes, on_try)
            except BaseException as error:
                if is_out_of_memory(error):
                    self._kept.clear()
                memory.give_back(self._placement.device)
                raise
        self._kept[model] = loaded
        return loaded

    def make_room(self, size: float) -> None:
        """Have models leave memory, the one used longest ago first, until `size` bytes are free for others."""
        while self._kept and self._room.left() < size:
            oldest = next(iter(self._kept))
            log.info("%s leaves memory for a moment", oldest.name)
            del self._kept[oldest]
            memory.give_back(self._placement.device)

    def step_down(self) -> Try | None:
        """Have what `get` was last asked for, and what takes as much, on a lower step, since memory ran out.

        Every model leaves memory. Returns what is not tried again; None where there is no lower step.
        """
        if self._tried is None:
            return None
        asked, step = self._tried
        below = self._steps(asked)
        if step in below:
            below = below[below.index(step) + 1 :]
        self._free()
        if not below:
            return None
        self._too_much.add((asked.revision, asked.need, step))
        return self._try(asked, step)

    def recall(self, tries: Iterable[Try]) -> None:
        """Have what ran out of memory before, in whatever worker, not tried again where it would be the same."""
        self._too_much |= {
            (each.revision, each.need, step)
            for each in tries
            if each.place == self._place and (step := Step.named(each.step)) is not None
        }

    def _try(self, asked: _Asked, step: Step) -> Try:
        return Try(
            model=asked.model.name,
            revision=asked.revision,
            place=self._place,
            need=asked.need,
            step=str(step),
        )

    def _begin(self, asked: _Asked, step: Step, on_try: OnTry | None) -> None:
        self._tried = asked, step
        if on_try is not None:
            on_try(self._try(asked, step))

    def _need(self, recipe: Recipe, adapters: Sequence[Adapter]) -> Need:
        control, detector = (
            max(map(loading.count_adapter, _of_kind(adapters, kind)), default=0)
            for kind in (AdapterKind.CONTROLNET, AdapterKind.DETECTOR)
        )
        return Need.of(recipe, batches=self._placement.draws_batches, control=control, detector=detector)

    def _make_room_for_another(self, loaded: LoadedModel, need: Need) -> None:
        """Have the ControlNet of `loaded`, which takes no part, leave memory where it is in the way."""
        asked = _asked(loaded, need)
        costs = self._costs(asked)
        held = memory.weights_on_device(loaded.numbers, loaded.step)
        if need.control or costs(self._steps(asked)[0]) > self._room.left() + held:
            loaded.controls.let_go()
            memory.give_back(self._placement.device)

    def _stepped(self, loaded: LoadedModel, need: Need, on_try: OnTry | None) -> LoadedModel | None:
        """`loaded` where there is room for `need`, None where that takes loading it again."""
        asked, step = _asked(loaded, need), loaded.step
        held = memory.weights_on_device(loaded.numbers, step, control=loaded.controls.numbers)
        wanted = self._step(asked, held)
        if (wanted.weights, wanted.dtype, wanted.sliced) != (step.weights, step.dtype, step.sliced):
            higher = self._ladder.index(wanted) < self._ladder.index(step)
            unsure = self._costs(asked)(wanted) > _SURE * (self._room.left() + held)
            if not (higher and unsure):
                return None
            self._begin(asked, step, on_try)
            return loaded
        self._begin(asked, wanted, on_try)
        lending.set_up_parts(loaded.whole, wanted)
        return replace(loaded, step=wanted)

    def _step(self, asked: _Asked, held: float = 0.0) -> Step:
        """The step for a model, once there is room for its best one or no other model is left to go."""
        model, costs, steps = asked.model, self._costs(asked), self._steps(asked)
        others = [each for each in self._kept if each != model]
        while others and costs(steps[0]) > self._room.left() + held:
            oldest = others.pop(0)
            log.info("%s leaves memory, to make room for %s", oldest.name, model.name)
            del self._kept[oldest]
            memory.give_back(self._placement.device)
        room = self._room.left() + held
        step = memory.choose(steps, costs, room)
        if costs(step) > room:
            log.warning(
                "%s may want %.1f GB and there are %.1f GB for it", model.name, costs(step) / 1e9, room / 1e9
            )
        return step

    def _costs(self, asked: _Asked) -> Callable[[Step], float]:
        device = self._placement.device.type
        return lambda step: memory.predict(asked.need, asked.model.family, asked.numbers, step, device)

    def _steps(self, asked: _Asked) -> list[Step]:
        """The steps that may be enough for what is asked, of which there is always one."""
        steps = memory.worth_taking(self._ladder, self._costs(asked))
        failed = [
            step
            for revision, other, step in self._too_much
            if revision == asked.revision and other.is_within(asked.need)
        ]
        lower = [step for step in steps if not any(map(step.takes_as_much_as, failed))]
        return lower or steps[-1:]

    def _load(self, model: Model, need: Need, on_bytes: OnBytes | None, on_try: OnTry | None) -> LoadedModel:
        # 1. Its files, and where it is to stand. A CPU's memory is short as soon as a model is read.
        path = loading.locate(model, on_bytes)
        lora, decoder = (
            None if extra is None else download.fetch(model.name, (extra,), on_bytes)
            for extra in (model.lora, model.decoder)
        )
        revision = "+".join(revision_of(each) for each in (path, lora, decoder) if each is not None)
        numbers = Numbers(parts={"all": loading.count(model, path, filtered=self._filtered)}, block=0)
        asked = _Asked(model=model, revision=revision, need=need, numbers=numbers)
        on_cpu = self._placement.device.type == "cpu"
        if on_cpu:
            step = self._step(asked)
            self._begin(asked, step, on_try)
        else:
            self._make_room_to_read(numbers)
            step = self._ladder[0]
        placement = replace(self._placement, dtype=step.dtype)
        # 2. Its parts, in memory of the CPU
        settle = self._map if step.weights is Weights.MAPPED else _keep
        whole = loading.load(model, path, step.dtype, settle)
        if lora is not None:
            loading.put_in(model, whole, lora)
        trained_with = dict(whole.scheduler.config)
        if model.prediction is not None:
            trained_with["prediction_type"] = model.prediction
        parts = lending.parts_of(whole)
        content_filter = None
        if self._filtered:
            content_filter = content.load(model, path, replace(placement, device=torch.device("cpu")))
        if content_filter is not None:
            settle(content_filter.checker)
            parts["safety_checker"] = content_filter.checker
        # 3. The parts on the device
        if not on_cpu:
            numbers = memory.count(parts)
            asked = replace(asked, numbers=numbers)
            step = self._step(asked)
            self._begin(asked, step, on_try)
        lent = Lent(parts, step, placement.device)
        lending.set_up_parts(whole, step)
        small = None
        if decoder is not None:
            small = loading.small_decoder(model, decoder, placement.dtype)
            kernels.lay(small, placement.device, placement.dtype)
        self._tell(model, path, step, content_filter)

        def place(control: torch.nn.Module) -> Lent:
            settle(control)
            return Lent({"controlnet": control}, step, placement.device)

        return LoadedModel(
            model=model,
            revision=revision,
            placement=placement,
            trained_with=trained_with,
            whole=whole,
            pipelines=modes.pipelines(model, whole),
            adapters=ModelAdapters(whole, model.name, lent),
            controls=ModelControls(whole, model.name, step.dtype, place),
            content_filter=content_filter,
            decoder=small,
            step=step,
            numbers=numbers,
            lent=lent,
        )

    def _map(self, part: torch.nn.Module) -> None:
        lending.map_weights(part, self._folder)
        memory.trim()  # as much as was read lies about, and the next part comes

    def _make_room_to_read(self, numbers: Numbers) -> None:
        """Have the computer's own memory take a model on its way to the device, if others in it can go."""
        others = [model for model, loaded in self._kept.items() if loaded.step.weights is not Weights.WHOLE]
        while others and memory.free_of_computer() < numbers.all * self._placement.dtype.itemsize:
            del self._kept[others.pop(0)]
            memory.give_back(self._placement.device)

    def _tell(self, model: Model, path: Path, step: Step, content_filter: ContentFilter | None) -> None:
        if self.lacks_filter(model, content_filter) and model.name not in self._told:
            self._told.add(model.name)
            log.warning("%s comes without a safety checker, so nothing filters what it draws", model.name)
        log.info("loaded %s from %s: %s", model.name, path, step)

    def lacks_filter(self, model: Model, content_filter: ContentFilter | None) -> bool:
        """Whether a filter is wanted for what `model` can draw, and there is none."""
        return self._filtered and content_filter is None and not model.harmless

    def _free(self) -> None:
        self._kept.clear()
        memory.give_back(self._placement.device)


def _asked(loaded: LoadedModel, need: Need) -> _Asked:
    return _Asked(model=loaded.model, revision=loaded.revision, need=need, numbers=loaded.numbers)


def _of_kind(adapters: Sequence[Adapter], kind: AdapterKind) -> list[Adapter]:
    return [each for each in adapters if each.kind is kind]


def _keep(_part: torch.nn.Module) -> None:
    """Leave a part where it is."""
