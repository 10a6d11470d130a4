"""The ControlNets of a model in memory: read from a file or folder, and drawn with together with its own parts."""

import inspect
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLPipeline,
)

from generation.adapters import Adapter, AdapterKind
from generation.errors import ModelUnavailable
from generation.folders import weights_in
from generation.recipe import Recipe
from generation.worker import hints, original
from generation.worker.adapters import Unfit
from generation.worker.detectors import Detectors
from generation.worker.lending import Lent
from generation.worker.modes import Materials
from generation.worker.reading import FAULTS, no_number_in, some

log = logging.getLogger(__name__)

Place = Callable[[torch.nn.Module], Lent]

_ADVICE = "ask whoever runs this bot to copy or download it again"


def shown(recipe: Recipe, materials: Materials, adapters: Sequence[Adapter], device: torch.device) -> Materials:
    """The ControlNet of `recipe`, and what it is shown of the source. Raises Unfit."""
    control = next((each for each in adapters if each.kind is AdapterKind.CONTROLNET), None)
    if control is None or materials.source is None:
        raise Unfit(f"The ControlNet {recipe.control} is no longer here.")
    detectors = Detectors([each for each in adapters if each.kind is AdapterKind.DETECTOR], device)
    return Materials(source=hints.hint(recipe.mode, materials.source, detectors), control=control)


def arguments(recipe: Recipe) -> dict[str, float]:
    """How much it has to say: nothing at strength 1, what it was trained for in the middle, twice as much at 0."""
    strength = 0.5 if recipe.strength is None else recipe.strength
    return {"controlnet_conditioning_scale": 2.0 * (1.0 - strength)}


class ModelControls:
    """The ControlNets of the model behind `whole`; the one used last stays in memory, where `place` puts it."""

    def __init__(self, whole: Any, model: str, dtype: torch.dtype, place: Place) -> None:
        self._whole = whole
        self._model = model
        self._dtype = dtype
        self._place = place
        self._kept: tuple[str, Any, Lent] | None = None  # SHA-256, pipeline, where it is

    def pipeline(self, file: Adapter) -> Any:
        """What draws with the ControlNet in `file`, and shares every other part with the model.

        Raises Unfit for one that is made for another kind of model, or cannot be read.
        """
        if self._kept is None or self._kept[0] != file.sha256:
            self._kept = None  # so that there are never two in memory
            network = self._load(file)
            lent = self._place(network)
            self._kept = file.sha256, self._pipeline(network), lent
        return self._kept[1]

    @property
    def kept(self) -> str | None:
        """The hash of the ControlNet in memory, None for none."""
        return None if self._kept is None else self._kept[0]

    @property
    def numbers(self) -> int:
        """How many numbers the ControlNet in memory holds."""
        return 0 if self._kept is None else sum(each.numel() for each in self._kept[1].controlnet.parameters())

    def let_go(self) -> None:
        """Have no ControlNet in memory."""
        self._kept = None

    def rest(self) -> None:
        """Take back what is lent to the device."""
        if self._kept is not None:
            self._kept[2].rest()

    def _pipeline(self, network: Any) -> Any:
        components = self._whole.components
        if isinstance(self._whole, StableDiffusionXLPipeline):
            pipeline = StableDiffusionXLControlNetPipeline(**components, controlnet=network)
        else:
            pipeline = StableDiffusionControlNetPipeline(
                **components, controlnet=network, requires_safety_checker=False
            )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _load(self, file: Adapter) -> Any:
        path, unet = Path(file.path), self._whole.unet
        # 1. Its tensors, under the names of diffusers, and its configuration: that of the model, if it has none
        try:
            if path.is_dir():
                configuration = dict(ControlNetModel.load_config(path))
                tensors = {
                    key: tensor
                    for part in weights_in(file.name, path)
                    for key, tensor in original.read(part).items()
                }
                unknown = set[str]()
            else:
                configuration = _of(unet)
                tensors, unknown = original.convert_control(original.read(path), configuration)
            network = original.empty(ControlNetModel, configuration)
        except (*FAULTS, ModelUnavailable, RuntimeError) as error:
            log.warning("loading %s", path, exc_info=True)
            raise Unfit(f"The ControlNet {file.name} cannot be read: {_ADVICE}.") from error
        # 2. Whether it is for this model, and whole
        self._refuse_another_kind(file, tensors)
        wanted = network.state_dict()
        if lost := sorted(wanted.keys() - tensors.keys()):
            raise Unfit(f"The ControlNet {file.name} lacks {some(lost)}: {_ADVICE}.")
        if strange := sorted((tensors.keys() - wanted.keys()) | unknown):
            raise Unfit(f"The ControlNet {file.name} has {some(strange)}, which nothing asks for: {_ADVICE}.")
        if any(tensor.shape != wanted[key].shape for key, tensor in tensors.items()):
            raise self._for_another_kind(file)
        if (key := no_number_in(tensors)) is not None:
            raise Unfit(f"The ControlNet {file.name} holds what is no number in {key}: {_ADVICE}.")
        # 3. In memory, in the model's precision
        network.load_state_dict({key: tensor.to(self._dtype) for key, tensor in tensors.items()}, assign=True)
        return network.eval()

    def _refuse_another_kind(self, file: Adapter, tensors: original.Tensors) -> None:
        unet = self._whole.unet.config
        widths = {tensor.shape[-1] for key, tensor in tensors.items() if key.endswith("attn2.to_k.weight")}
        sized = any(key.startswith("add_embedding.") for key in tensors)
        if widths - {unet.cross_attention_dim} or (tensors and sized != (unet.addition_embed_type is not None)):
            raise self._for_another_kind(file)

    def _for_another_kind(self, file: Adapter) -> Unfit:
        return Unfit(f"The ControlNet {file.name} is made for another kind of model than {self._model}.")


def _of(unet: Any) -> dict[str, Any]:
    """The configuration of a ControlNet that was made from `unet`, as they all are."""
    known = inspect.signature(ControlNetModel.__init__).parameters
    return {name: value for name, value in unet.config.items() if name in known}
