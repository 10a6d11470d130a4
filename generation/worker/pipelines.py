"""The model in memory, and its pipelines, which share every part of it."""

import gc
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from generation import download
from generation.catalogue import Family, Model, Use
from generation.download import OnBytes
from generation.errors import ModelUnavailable
from generation.recipe import Mode
from generation.schedulers import Scheduler
from generation.worker import content, loading, schedulers
from generation.worker.adapters import ModelAdapters
from generation.worker.content import ContentFilter
from generation.worker.noise import ImageToImage, ImageToImageXL
from generation.worker.placement import Placement
from generation.worker.revision import revision_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model in the memory of a device; `trained_with` is its own scheduler configuration.

    `whole` is the pipeline of what its weights are made for, `pipelines` are those that the engine draws with.
    `content_filter` is None where the operator wants none, or where the model comes without one.
    """

    model: Model
    revision: str
    placement: Placement
    trained_with: Mapping[str, Any]
    whole: Any
    pipelines: Mapping[Mode, Any]
    adapters: ModelAdapters
    content_filter: ContentFilter | None

    def pipeline(self, mode: Mode, scheduler: Scheduler, *, steps: int) -> Any:
        """The pipeline for `mode`, with a scheduler of its own for this run.

        Raises ModelUnavailable where the model is made for something else.
        """
        if mode not in self.pipelines:
            words = mode.replace("_", " ")
            reason = f"it is made for {self.model.can[0]}, and does not draw {words}"
            if self.model.can[0] is Use.TEXT:
                reason = (
                    f"Easel loads models of family {self.model.family}, but does not draw {words} with them yet"
                )
            raise ModelUnavailable(self.model.name, reason)
        pipeline = self.pipelines[mode]
        pipeline.scheduler = schedulers.build(
            scheduler, self.trained_with, steps=steps, dtype=self.placement.dtype
        )
        return pipeline


class Pipelines:
    """Keeps the model that was used last; another one takes its place. `filtered`: with its content filter."""

    def __init__(self, placement: Placement, *, filtered: bool = True) -> None:
        self._placement = placement
        self._filtered = filtered
        self._told: set[str] = set()
        self._loaded: LoadedModel | None = None

    def holds(self, model: Model) -> bool:
        return self._loaded is not None and self._loaded.model == model

    def get(self, model: Model, on_bytes: OnBytes | None = None) -> LoadedModel:
        """`model` in memory; `on_bytes` is told how far fetching it is, if it has to be.

        Raises ModelUnavailable, and what PyTorch raises when memory is out.
        """
        if self._loaded is not None and self._loaded.model == model:
            return self._loaded
        self._free()
        try:
            self._loaded = self._load(model, on_bytes)
        except BaseException:
            self._free()
            raise
        return self._loaded

    def _load(self, model: Model, on_bytes: OnBytes | None) -> LoadedModel:
        path = loading.locate(model, on_bytes)
        lora = download.fetch_lora(model, on_bytes)
        whole = loading.load(model, path, self._placement.dtype)
        revision = revision_of(path)
        if lora is not None:
            loading.put_in(model, whole, lora)
            revision = f"{revision}+{revision_of(lora)}"
        whole = whole.to(self._placement.device)
        trained_with = dict(whole.scheduler.config)
        if model.prediction is not None:
            trained_with["prediction_type"] = model.prediction
        content_filter = content.load(model, path, self._placement) if self._filtered else None
        if self.lacks_filter(model, content_filter) and model.name not in self._told:
            self._told.add(model.name)
            log.warning("%s comes without a safety checker, so nothing filters what it draws", model.name)
        log.info("loaded %s from %s in %s", model.name, path, self._placement.dtype_name)
        return LoadedModel(
            model=model,
            revision=revision,
            placement=self._placement,
            trained_with=trained_with,
            whole=whole,
            pipelines=_pipelines(model, whole),
            adapters=ModelAdapters(whole, model.name),
            content_filter=content_filter,
        )

    def lacks_filter(self, model: Model, content_filter: ContentFilter | None) -> bool:
        """Whether a filter is wanted for what `model` can draw, and there is none."""
        return self._filtered and content_filter is None and not model.harmless

    def _free(self) -> None:
        self._loaded = None
        gc.collect()
        if self._placement.device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._placement.device.type == "mps":
            torch.mps.empty_cache()


def _pipelines(model: Model, whole: Any) -> dict[Mode, Any]:
    """The pipelines that the engine draws with, built from the parts of `whole`."""
    if model.can[0] is not Use.TEXT or model.family in {Family.SD3, Family.FLUX}:
        return {}
    # Built from the same parts, not with from_pipe, which would cast them (see diffusers 0.42).
    kind: Any = ImageToImageXL if model.family is Family.SDXL else ImageToImage
    options = {} if model.family is Family.SDXL else {"requires_safety_checker": False}
    image_to_image = kind(**whole.components, **options)
    image_to_image.set_progress_bar_config(disable=True)
    return {Mode.TEXT_TO_IMAGE: whole, Mode.IMAGE_TO_IMAGE: image_to_image}
