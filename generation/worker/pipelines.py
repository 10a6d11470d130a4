"""The model in memory, and its pipelines, which share every part of it."""

import gc
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from generation.catalogue import Family, Model
from generation.recipe import Mode
from generation.schedulers import Scheduler
from generation.worker import loading, schedulers
from generation.worker.noise import ImageToImage, ImageToImageXL
from generation.worker.placement import Placement
from generation.worker.revision import revision_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model in the memory of a device; `trained_with` is its own scheduler configuration."""

    model: Model
    revision: str
    placement: Placement
    trained_with: Mapping[str, Any]
    pipelines: Mapping[Mode, Any]

    def pipeline(self, mode: Mode, scheduler: Scheduler, *, steps: int) -> Any:
        """The pipeline for `mode`, with a scheduler of its own for this run."""
        pipeline = self.pipelines[mode]
        pipeline.scheduler = schedulers.build(
            scheduler, self.trained_with, steps=steps, dtype=self.placement.dtype
        )
        return pipeline


class Pipelines:
    """Keeps the model that was used last; another one takes its place."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._loaded: LoadedModel | None = None

    def holds(self, model: Model) -> bool:
        return self._loaded is not None and self._loaded.model == model

    def get(self, model: Model) -> LoadedModel:
        """`model` in memory. Raises ModelUnavailable, and what PyTorch raises when memory is out."""
        if self._loaded is not None and self._loaded.model == model:
            return self._loaded
        self._free()
        try:
            self._loaded = self._load(model)
        except BaseException:
            self._free()
            raise
        return self._loaded

    def _load(self, model: Model) -> LoadedModel:
        path = loading.locate(model)
        text_to_image = loading.load(model, path, self._placement.dtype).to(self._placement.device)
        # Built from the same parts, not with from_pipe, which would cast them (see diffusers 0.42).
        kind: Any = ImageToImageXL if model.family is Family.SDXL else ImageToImage
        options = {} if model.family is Family.SDXL else {"requires_safety_checker": False}
        image_to_image = kind(**text_to_image.components, **options)
        image_to_image.set_progress_bar_config(disable=True)
        log.info("loaded %s from %s in %s", model.name, path, self._placement.dtype_name)
        return LoadedModel(
            model=model,
            revision=revision_of(path),
            placement=self._placement,
            trained_with=dict(text_to_image.scheduler.config),
            pipelines={Mode.TEXT_TO_IMAGE: text_to_image, Mode.IMAGE_TO_IMAGE: image_to_image},
        )

    def _free(self) -> None:
        self._loaded = None
        gc.collect()
        if self._placement.device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._placement.device.type == "mps":
            torch.mps.empty_cache()
