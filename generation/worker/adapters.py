"""LoRAs and embeddings on a model in memory: put on for a job, and without a trace when the next one has none."""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from diffusers import FluxPipeline
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from generation.adapters import Adapter, AdapterKind
from generation.prompt import LoraTag
from generation.worker.lending import Lent

log = logging.getLogger(__name__)

_KEPT = 4  # LoRAs that stay in memory
_LONGEST = 75  # vectors: what the text encoder reads at once
_PAIR = re.compile(r"lora.*(?:down|_A(?:\.\w+)?)\.weight$")  # the first matrix of a changed layer, in any layout
_NO_LETTER = re.compile(r"\W")  # peft names modules after adapters, and modules take no dots
_NETWORKS = ("unet", "transformer")
_READERS = ("text_encoder", "text_encoder_2")
_ADVICE = "ask whoever runs this bot to copy or download it again"


class Unfit(Exception):
    """What a recipe names is not for its model; the words are a sentence for everybody."""


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """What an embedding says to each text encoder: vectors of (count, width)."""

    vectors: tuple[torch.Tensor, ...]


class ModelAdapters:
    """The adapters of the model behind `pipeline`, whose parts other pipelines may share and are `lent`."""

    def __init__(self, pipeline: Any, model: str, lent: Lent) -> None:
        self._pipeline = pipeline
        self._model = model
        self._lent = lent
        self._loaded: list[str] = []  # names of LoRAs in memory, the one used last at the end

    def put_on(self, tags: Sequence[LoraTag], files: Sequence[Adapter]) -> None:
        """Have the LoRAs of `tags` act on the model, and no other; `files` holds the file of each.

        Raises Unfit for one that is made for another kind of model, or cannot be read; then none acts.
        """
        by_name = {file.name.casefold(): file for file in files if file.kind is AdapterKind.LORA}
        names = []
        for tag in tags:
            file = by_name[tag.name.casefold()]
            names.append(f"{_NO_LETTER.sub('-', file.name)}-{file.sha256[:16]}")
            if names[-1] not in self._loaded:
                self._load(names[-1], file)
        if names:
            self._pipeline.enable_lora()
            weights = [
                {part: tag.weight if part in _NETWORKS else tag.text_weight for part in self._parts()}
                for tag in tags
            ]
            self._pipeline.set_adapters(names, weights)
        elif self._loaded:
            self._pipeline.disable_lora()
        self._loaded = [name for name in self._loaded if name not in names] + names
        if surplus := self._loaded[: -max(_KEPT, len(names))]:
            with _without_advice():
                self._pipeline.delete_adapters(surplus)
            self._loaded = self._loaded[len(surplus) :]

    def embeddings(self, files: Sequence[Adapter]) -> Mapping[str, Embedding]:
        """The embeddings among `files` by their names in small letters. Raises Unfit."""
        return {
            file.name.casefold(): self._embedding(file) for file in files if file.kind is AdapterKind.EMBEDDING
        }

    def _load(self, name: str, file: Adapter) -> None:
        try:
            with safe_open(file.path, framework="pt") as opened:
                expected = sum(_PAIR.search(key) is not None for key in opened.keys())  # noqa: SIM118  (no mapping)
        except (OSError, SafetensorError) as error:
            log.warning("reading %s: %s", file.path, error)
            raise Unfit(f"The LoRA {file.name} cannot be read: {_ADVICE}.") from error
        if not expected:
            raise Unfit(f"The file {file.name} is no LoRA of a kind that Easel takes.")
        try:
            with self._lent.at_home(), _without_advice():
                self._pipeline.load_lora_weights(
                    file.path, adapter_name=name, use_safetensors=True, local_files_only=True
                )
        except torch.OutOfMemoryError:
            self._take_off_all()
            raise
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            log.warning("loading %s", file.path, exc_info=True)
            self._take_off_all()
            raise self._for_another_model(file) from error
        found = sum(name in getattr(module, "lora_A", ()) for module in self._modules())
        if found * 2 < expected:
            self._take_off_all()
            raise self._for_another_model(file)
        if found < expected:
            log.warning("%d of %d layers of %s are not in %s", expected - found, expected, file.path, self._model)
        self._loaded.append(name)

    def _for_another_model(self, file: Adapter) -> Unfit:
        return Unfit(f"The LoRA {file.name} is made for another kind of model than {self._model}.")

    def _take_off_all(self) -> None:
        with _without_advice():
            self._pipeline.unload_lora_weights()
        self._loaded.clear()

    def _parts(self) -> list[str]:
        """What LoRAs change: the denoising network, and the text encoders that are CLIP's."""
        networks = [part for part in _NETWORKS if getattr(self._pipeline, part, None) is not None]
        return networks + self._readers()

    def _readers(self) -> list[str]:
        clips = (CLIPTextModel, CLIPTextModelWithProjection)
        return [part for part in _READERS if isinstance(getattr(self._pipeline, part, None), clips)]

    def _modules(self) -> Iterator[torch.nn.Module]:
        for part in self._parts():
            yield from getattr(self._pipeline, part).modules()

    def _embedding(self, file: Adapter) -> Embedding:
        try:
            vectors = _vectors(Path(file.path))
        except (OSError, SafetensorError, EOFError, UnpicklingError, RuntimeError) as error:
            log.warning("reading %s: %s", file.path, error)
            raise Unfit(f"The embedding {file.name} cannot be read: {_ADVICE}.") from error
        if not vectors or any(each.ndim != 2 or not each.is_floating_point() for each in vectors):
            raise Unfit(f"The file {file.name} is no embedding of a kind that Easel takes.")
        if isinstance(self._pipeline, FluxPipeline):  # which hears no more of its CLIP than a summary
            raise Unfit(f"The model {self._model} takes no embeddings, and {file.name} is one: leave it out.")
        widths = [getattr(self._pipeline, part).config.hidden_size for part in self._readers()]
        own = [each.shape[1] for each in vectors]
        if own != widths:
            raise Unfit(
                f"The embedding {file.name} is made for another kind of model than {self._model}: its vectors are "
                f"{_and(own)} wide, and {_and(widths)} would fit."
            )
        if len(vectors[0]) > _LONGEST or len({len(each) for each in vectors}) > 1:
            raise Unfit(f"The embedding {file.name} has {len(vectors[0])} vectors, and at most {_LONGEST} fit.")
        return Embedding(vectors=vectors)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep peft's warnings back: several adapters on one model, and deleting an active one, are meant here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="peft")
        yield


def _vectors(file: Path) -> tuple[torch.Tensor, ...]:
    """The tensors in a file of textual inversion, one a text encoder; none if it is something else."""
    if file.suffix.lower() == ".safetensors":
        values: Any = load_file(file)
    else:
        # As weights only: nothing in the file is run. The first program of its kind used this class.
        with torch.serialization.safe_globals([torch.nn.ParameterDict]):
            values = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(values, Mapping):
        return ()
    if isinstance(values.get("string_to_param"), (Mapping, torch.nn.ParameterDict)):
        values = dict(values["string_to_param"].items())
    if {"clip_l", "clip_g"} <= values.keys():
        found = [values["clip_l"], values["clip_g"]]
    elif "emb_params" in values:
        found = [values["emb_params"]]
    else:
        found = list(values.values()) if len(values) == 1 else []
    if not all(isinstance(each, torch.Tensor) for each in found):
        return ()
    return tuple(each.detach().reshape(-1, each.shape[-1]) if each.ndim == 1 else each.detach() for each in found)


def _and(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))
