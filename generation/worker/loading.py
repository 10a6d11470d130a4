"""From a model's files to a diffusers pipeline, with everything that can be wrong with them said in words."""

import errno
import logging
import math
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
from safetensors.torch import load_file
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    DPTForDepthEstimation,
    T5EncoderModel,
)

from generation import download
from generation.adapters import Adapter
from generation.download import OnBytes
from generation.errors import ModelUnavailable
from generation.folders import check_folder, check_vocabularies, weights_in
from generation.inspection import inspect_model
from generation.model import Family, Model, Use
from generation.weights import BadWeights, read_tensors
from generation.worker import homes, original
from generation.worker.memory import is_out_of_memory
from generation.worker.reading import FAULTS, first_line, no_number_in, some

log = logging.getLogger(__name__)

# As diffusers says it.
_MISFIT = re.compile(r"because (\S+) expected shape torch\.Size\((.*?)\), but got torch\.Size\((.*?)\)")
_SHIFT_OF_DEV = {  # FLUX.1 dev's, where schnell's configuration stands for it
    "shift": 3.0,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 1.15,
    "base_image_seq_len": 256,
    "max_image_seq_len": 4096,
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
_PREVIEW_DECODER = "preview_decoder"
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

# What published files have too much or too little without harm: counters, what trains only, and a layer of the
# depth estimator that is never called.
_MAY_BE_THERE = re.compile(
    r"position_ids$|^first_stage_model\.loss\.|^logit_scale$|^text_projection\.weight$|^encoder\.embed_tokens\.weight$"
)
_MAY_BE_MISSING = re.compile(r"^neck\.fusion_stage\.layers\.0\.residual_layer1\.|^encoder\.embed_tokens\.weight$")


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
            folder = homes.configuration(model, path)
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
        pipeline = _assembled(kind, folder, parts, dtype)
        if path.is_file() and model.family is Family.FLUX and parts["transformer"].config.guidance_embeds:
            pipeline.scheduler = pipeline.scheduler.from_config(pipeline.scheduler.config, **_SHIFT_OF_DEV)
        return pipeline


def count(model: Model, path: Path, *, filtered: bool = False) -> int:
    """How many numbers the parts of `model` in `path` hold, by their headers alone.

    Those of its safety checker count if it is `filtered`. Raises ModelUnavailable.
    """
    try:
        if path.is_file():
            return _in_file(path) + (_lent_to_flux(model, path) if model.family is Family.FLUX else 0)
        numbers = sum(_in_folder(model, path / part) for part in (*_PARTS[model.family], "depth_estimator"))
        if filtered:
            with suppress(BadWeights, OSError, ModelUnavailable):  # reading it will say what is wrong with it
                numbers += _in_folder(model, path / "safety_checker")
    except (BadWeights, OSError) as error:
        raise ModelUnavailable(model.name, str(error)) from error
    return numbers


def _lent_to_flux(model: Model, file: Path) -> int:
    """How many numbers the parts hold that a file of FLUX does not have."""
    names, folder = list(read_tensors(file)), homes.configuration(model, file)
    parts = _PARTS[model.family].items()
    lacking = [part for part, kind in parts if not original.holds(names, part, kind, model.family)]
    with suppress(ModelUnavailable):  # reading it will say what is missing
        return sum(_in_folder(model, folder / part) for part in lacking)
    return 0


def count_adapter(file: Adapter) -> int:
    """How many numbers a ControlNet or detector holds, by its headers alone; 0 for a faulty one."""
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
    except (*FAULTS, RuntimeError) as error:
        log.warning("loading %s", lora, exc_info=True)
        raise ModelUnavailable(
            model.name, f"its LoRA {lora} does not go with it ({first_line(error)}); copy or download both again"
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
        if not original.holds(checkpoint, name, kind, model.family):
            left_out = name == "text_encoder_3"
            yield name, None if left_out else _borrowed(model, file, folder, name, kind, dtype)
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
        # What the file has of it is of a make that diffusers does not know.
        yield "depth_estimator", _borrowed(model, file, folder, "depth_estimator", DPTForDepthEstimation, dtype)


def _borrowed(model: Model, file: Path, folder: Path, part: str, kind: Any, dtype: torch.dtype) -> Any:
    """A part that `file` does not have, from beside its configuration."""
    try:
        weights_in(model.name, folder / part)
    except ModelUnavailable as error:
        home = homes.home_of(model)
        raise ModelUnavailable(
            model.name,
            f"{file} holds no {part} that diffusers reads; fetch {home} whole, which has one: "
            f"easel models add {homes.NAMES[home]}. Or copy the folder {part} of it into "
            f"{file.with_suffix('.config')}",
        ) from error
    return _part(model, folder, part, kind, dtype)


def _check_complete(model: Model, part: str, *, missing: Iterable[str], unexpected: Iterable[str]) -> None:
    lost = sorted(key for key in missing if not _MAY_BE_MISSING.search(key))
    if lost:
        raise ModelUnavailable(
            model.name,
            f"its {part} lacks {some(lost)}; the file is damaged or made for something else, "
            "so copy or download it again",
        )
    strange = sorted(key for key in unexpected if not _MAY_BE_THERE.search(key))
    if strange:
        raise ModelUnavailable(
            model.name,
            f"its {part} has {some(strange)}, which nothing asks for; its configuration belongs to another "
            "model, so copy or download both again",
        )


def _refuse_what_is_no_number(model: Model, name: str, part: Any) -> None:
    tensors = part.state_dict()
    empty = [key for key, tensor in tensors.items() if tensor.is_meta and tensor.is_floating_point()]
    _check_complete(model, name, missing=empty, unexpected=())
    if (key := no_number_in(tensors)) is not None:
        precision = str(tensors[key].dtype).removeprefix("torch.")
        raise ModelUnavailable(
            model.name,
            f"its {name} holds what is no number in {key}, read as {precision}; the file is damaged, or was "
            "saved by a training that failed, so get another one",
        )


def _told(shape: str) -> str:
    """A shape as PyTorch writes it, such as "16, 24"."""
    return _by(map(int, re.findall(r"\d+", shape)))


def _by(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "a single number"


@contextmanager
def _faults_in_words(model: Model, path: Path) -> Iterator[None]:
    try:
        yield
    except FAULTS as error:
        if is_out_of_memory(error) or (isinstance(error, OSError) and error.errno in _DISK_FULL):
            raise  # which says nothing of the file
        log.warning("loading %s", path, exc_info=True)
        if (misfit := _MISFIT.search(str(error))) is not None:
            raise ModelUnavailable(
                model.name,
                f"the weights in {path} do not fit its configuration: {misfit[1]} is {_told(misfit[3])} and not "
                f"{_told(misfit[2])}; copy or download it again",
            ) from error
        advice = "copy or download it again"
        if path.suffix == ".ckpt":
            advice = "it may hold more than weights, which is never run; get it as .safetensors, or again"
        raise ModelUnavailable(model.name, f"{path} cannot be read ({first_line(error)}); {advice}") from error
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
