"""The content filter: the safety checker that comes with a model, asked about every picture."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from huggingface_hub import snapshot_download
from PIL import Image
from safetensors import SafetensorError
from transformers import CLIPImageProcessor

from generation.download import repository_of
from generation.errors import ModelUnavailable
from generation.hub import hub_faults
from generation.model import Model
from generation.worker.placement import Placement

log = logging.getLogger(__name__)

_CHECKER, _EXTRACTOR = "safety_checker", "feature_extractor"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_ADVICE = "copy or download it again, or set EASEL_CONTENT_FILTER to off"


class ContentFilter:
    """A safety checker, `checker`, with what prepares pictures for it."""

    def __init__(self, checker: StableDiffusionSafetyChecker, extractor: Any) -> None:
        self.checker = checker
        self._extractor = extractor

    @torch.inference_mode()
    def flags(self, images: Sequence[Image.Image]) -> tuple[bool, ...]:
        """Whether each of `images` shows what the checker was made to find; one at a time, to spare memory."""
        return tuple(self._flags(image) for image in images)

    def _flags(self, image: Image.Image) -> bool:
        pixels = self._extractor(image.convert("RGB"), return_tensors="pt").pixel_values
        weights = next(self.checker.parameters())
        # It blackens what it is given as the picture, so that it gets none of ours.
        _, flagged = self.checker(
            clip_input=pixels.to(weights.device, weights.dtype), images=[np.zeros((1, 1, 3))]
        )
        return bool(flagged[0])


def load(model: Model, path: Path, placement: Placement) -> ContentFilter | None:
    """The filter of the `model` in `path`, on the device; None where it comes without one.

    A single file has none in it; one may lie in the folder beside it, as its configuration does. A filter that a
    model is made to be used with has to be there: raises ModelUnavailable.
    """
    folder = path if path.is_dir() else path.with_suffix(".config")
    if not _names_checker(folder):
        return None
    if not _has_weights(folder):
        if not path.is_dir():
            return None
        _fetch(model, folder)
    # diffusers would warn of a black picture that nobody gets
    logging.getLogger(StableDiffusionSafetyChecker.__module__).setLevel(logging.ERROR)
    try:
        checker, report = StableDiffusionSafetyChecker.from_pretrained(
            folder, subfolder=_CHECKER, local_files_only=True, output_loading_info=True, dtype=placement.dtype
        )
        extractor = CLIPImageProcessor.from_pretrained(folder, subfolder=_EXTRACTOR, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = f"its safety checker in {folder / _CHECKER} cannot be read ({error}); {_ADVICE}"
        raise ModelUnavailable(model.name, reason) from error
    if missing := sorted(report["missing_keys"]):
        raise ModelUnavailable(model.name, f"its safety checker lacks {missing[0]}; {_ADVICE}")
    return ContentFilter(checker.eval().to(placement.device), extractor)


def _names_checker(folder: Path) -> bool:
    """Whether the model in a diffusers folder is made to be used with a safety checker."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        return index[_CHECKER][0] is not None
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _has_weights(folder: Path) -> bool:
    return any((folder / _CHECKER / name).exists() for name in _WEIGHTS)


def _fetch(model: Model, folder: Path) -> None:
    """Have the checker of a hub's model in its `folder` of the cache. Raises ModelUnavailable."""
    for place in model.places:
        repository = repository_of(place)
        if repository is None or not folder.is_relative_to(repository):
            continue
        log.info("fetching the safety checker of %s", place.source)
        with hub_faults(model.name, place.source):
            for name in _WEIGHTS:
                wanted = [f"{_CHECKER}/config.json", f"{_CHECKER}/{name}", f"{_EXTRACTOR}/*"]
                snapshot_download(place.source, revision=folder.name, allow_patterns=wanted)
                if _has_weights(folder):
                    return
    raise ModelUnavailable(
        model.name, f"it is made to be used with a safety checker, and {folder / _CHECKER} holds none; {_ADVICE}"
    )
