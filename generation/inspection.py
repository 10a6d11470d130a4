"""What a model is, told from its small files and headers alone, without PyTorch and without running anything."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from generation.errors import ModelUnavailable
from generation.folders import AGAIN, UNENDED, check_folder, check_vocabulary, read_json, reason_of, weights_in
from generation.hub import fetch_small_files, is_hub_id
from generation.known import Finds, detector
from generation.model import Family, Model, Use
from generation.schedulers import Scheduler
from generation.size import Range, Size, SizeBounds
from generation.weights import SUFFIXES, BadWeights, Tensor, read_tensors, refuse_eight_bits

TAKEN = "Easel draws with Stable Diffusion 1.x, 2.x, XL and 3, and with FLUX.1"
_NATIVE_SIDE = {Family.SD1: 512, Family.SD2: 768, Family.SDXL: 1024, Family.SD3: 1024, Family.FLUX: 1024}
_GUIDANCE = {Family.SD1: 7.5, Family.SD2: 7.5, Family.SDXL: 6.0, Family.SD3: 7.0, Family.FLUX: 0.0}

# The pipelines of diffusers that are taken; of what family one of Stable Diffusion 1 or 2 is says its UNet.
_CLASSES = {
    "StableDiffusionPipeline": Family.SD1,
    "StableDiffusionImg2ImgPipeline": Family.SD1,
    "StableDiffusionInpaintPipeline": Family.SD1,
    "StableDiffusionDepth2ImgPipeline": Family.SD2,
    "StableDiffusionUpscalePipeline": Family.SD2,
    "LatentConsistencyModelPipeline": Family.SD1,
    "StableDiffusionXLPipeline": Family.SDXL,
    "StableDiffusionXLImg2ImgPipeline": Family.SDXL,
    "StableDiffusionXLInpaintPipeline": Family.SDXL,
    "StableDiffusion3Pipeline": Family.SD3,
    "FluxPipeline": Family.FLUX,
}
_ALL_USES = (Use.TEXT, Use.IMAGE, Use.INPAINT)
_LARGEST = 4096  # pixels to a side of what is upscaled, by tiles of which each is as large as the model draws
_BY_CHANNELS = {4: _ALL_USES, 5: (Use.DEPTH,), 7: (Use.UPSCALE,), 9: (Use.INPAINT,)}

# How the parts of a model begin their tensors' names in a single file.
_UNET, _VAE = "model.diffusion_model.", ("first_stage_model.", "vae.")
_TEXT_ENCODERS = {
    "text_encoders.clip_l.": Family.SD3,
    "conditioner.embedders.1.": Family.SDXL,
    "cond_stage_model.model.": Family.SD2,
    "cond_stage_model.transformer.": Family.SD1,
}
_GUIDED = ("time_embed.cond_proj.", "guidance_in.")  # what tells a network the guidance
UNET_INPUT = f"{_UNET}input_blocks.0.0.weight"
_CROSS_ATTENTION = re.compile(r"attn2[._]to_k[._](?:lora[._](?:down|A)|lora_down|processor\.\w+)\.?\w*\.weight$")
_CONTROL = re.compile(r"control_model\.|controlnet_cond_embedding\.|input_hint_block\.")
_SIZES = re.compile(r"(^|\.)(add_embedding|label_emb)\.")  # a network that is told how large its pictures are
_CONTROLS_TAKEN = "Easel takes ControlNets for Stable Diffusion 1.x, 2.x and XL, each made for one thing"
_WIDTHS = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL}
_EMBEDDING_WIDTHS = {768: Family.SD1, 1024: Family.SD2}


class Kind(StrEnum):
    """What a file or folder adds to Easel."""

    MODEL = "model"
    LORA = "LoRA"
    EMBEDDING = "embedding"  # of textual inversion
    CONTROLNET = "ControlNet"
    DETECTOR = "detector"  # finds something in a picture, for a ControlNet or for members


@dataclass(frozen=True, kw_only=True)
class Found:
    """What something is: a whole `model`, or what changes models of `family`, None where nothing tells which.

    `path` is None for what is on the hub. A ControlNet reads text that is `width` numbers wide; a detector `finds`
    something.
    """

    kind: Kind
    name: str
    family: Family | None
    path: Path | None = None
    model: Model | None = None
    width: int | None = None
    finds: Finds | None = None


def inspect(source: str) -> Found:
    """What `source` is: a folder, a single file or a Hugging Face id.

    Of what is on the hub only some kilobytes are fetched, if they are not on this machine already.
    Raises ModelUnavailable, which says what to do.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return _inspect_file(path.absolute())  # not resolved: the hub's cache links to files without endings
    if path.is_dir():
        return _inspect_folder_of_any_kind(path.resolve())
    if is_hub_id(source):
        name = source.rpartition("/")[2].lower()
        folder = fetch_small_files(name, source)
        if (found := _inspect_part(name, folder, whole=False)) is not None:
            return found
    model = inspect_model(source)
    return Found(kind=Kind.MODEL, name=model.name, family=model.family, model=model)


def inspect_model(source: str) -> Model:
    """The entry that a catalogue would have for the model `source`. Raises ModelUnavailable, as `inspect` does."""
    path = Path(source).expanduser()
    if path.is_dir():
        path = path.resolve()
        return inspect_folder(path, source=str(path), title=path.name)
    if path.is_file():
        found = _inspect_file(path.absolute())
        if found.model is None:
            article = "an" if found.kind is Kind.EMBEDDING else "a"
            raise ModelUnavailable(
                found.name, f"{path} is {article} {found.kind}, which changes a model but is none"
            )
        return found.model
    if is_hub_id(source):
        title = source.rpartition("/")[2]
        return inspect_folder(fetch_small_files(title.lower(), source), source=source, title=title)
    raise ModelUnavailable(source, f"there is no file or folder {source}; check the path.")


def inspect_folder(folder: Path, *, source: str, title: str) -> Model:
    """The model in a diffusers folder, by its small files. Raises ModelUnavailable."""
    name = title.lower()
    if not (folder / "model_index.json").exists():
        _refuse_what_is_no_whole_model(name, folder)
    index = read_json(name, folder / "model_index.json", "it is no diffusers folder, or not a complete one")
    kind = str(index.get("_class_name"))
    if kind not in _CLASSES:
        raise ModelUnavailable(name, f"{folder} holds a {kind}; {TAKEN}")
    family = _CLASSES[kind]
    missing = "that part of the model is missing; copy or download it again"
    parts = ("transformer" if family in {Family.SD3, Family.FLUX} else "unet", "vae")
    network, vae = (read_json(name, folder / part / "config.json", missing) for part in parts)
    scheduler = read_json(name, folder / "scheduler" / "scheduler_config.json", missing)
    try:
        factor = 2 ** (len(vae.get("block_out_channels", (0, 0, 0, 0))) - 1)
        can = _ALL_USES if "transformer" in parts else uses_of(name, int(network.get("in_channels", 4)))
        if family in {Family.SD1, Family.SD2}:
            family = Family.SD2 if network.get("use_linear_projection") else Family.SD1
        sides = network.get("sample_size") or _NATIVE_SIDE[family] // factor
        height, width = (sides, sides) if isinstance(sides, int) else map(int, sides)
    except (TypeError, ValueError) as error:
        raise ModelUnavailable(name, f"the configurations in {folder} are damaged ({error}); {AGAIN}") from error
    if family is Family.FLUX:  # it has patches of 2 by 2 and says no size
        width = height = _NATIVE_SIDE[family] // factor
    return _entry(
        title=title,
        family=family,
        source=source,
        native=Size(width=width * factor, height=height * factor),
        grid=factor * (2 if "transformer" in parts else 8 if can == (Use.UPSCALE,) else 1),
        distilled=scheduler.get("_class_name") == "LCMScheduler",
        guided_within=bool(network.get("time_cond_proj_dim") or network.get("guidance_embeds")),
        can=can,
    )


def _refuse_what_is_no_whole_model(name: str, folder: Path) -> None:
    """Say what a folder without an index is, if that can be told. Raises ModelUnavailable."""
    if (folder / "config.json").exists():
        kind = read_json(name, folder / "config.json", AGAIN).get("_class_name") or "single part"
        above = (folder.parent / "model_index.json").exists()
        advice = f"name the folder above it, {folder.parent}" if above else "get the whole model"
        raise ModelUnavailable(name, f"{folder} holds a {kind} alone; {advice}")
    if files := sorted(each for each in folder.glob("*") if each.suffix in SUFFIXES):
        raise ModelUnavailable(
            name, f"{folder} is no diffusers folder; name one of the files in it, such as {files[0]}"
        )


def uses_of(model: str, channels: int) -> tuple[Use, ...]:
    """What a UNet with so many channels of input is made for. Raises ModelUnavailable for other numbers."""
    if channels not in _BY_CHANNELS:
        use = {8: "editing by instruction"}.get(channels, f"{channels} channels of input")
        raise ModelUnavailable(model, f"it is made for {use}, which Easel does not do")
    return _BY_CHANNELS[channels]


def _inspect_folder_of_any_kind(folder: Path) -> Found:
    found = _inspect_part(folder.name.lower(), folder, whole=True)
    if found is not None:
        return found
    model = inspect_folder(folder, source=str(folder), title=folder.name)
    check_folder(model.name, folder, model.family)
    return Found(kind=Kind.MODEL, name=model.name, family=model.family, path=folder, model=model)


def _inspect_part(name: str, folder: Path, *, whole: bool) -> Found | None:
    """The ControlNet or detector in `folder`, None for all else; its weights are read if they are there."""
    config = folder / "config.json"
    if not config.exists() or (folder / "model_index.json").exists():
        return None
    values = read_json(name, config, AGAIN)
    kind = str(values.get("_class_name"))
    listed = values.get("architectures")
    entry = detector(str(listed[0])) if isinstance(listed, list) and len(listed) == 1 else None
    if "ControlNet" in kind and kind != "ControlNetModel":
        raise ModelUnavailable(name, f"{folder} holds a {kind}; {_CONTROLS_TAKEN}")
    if kind != "ControlNetModel" and entry is None:
        return None
    if whole:
        for file in weights_in(name, folder):
            try:
                refuse_eight_bits(file, read_tensors(file))
            except (BadWeights, OSError) as error:
                raise ModelUnavailable(name, reason_of(file, error)) from error
        if entry is not None and entry.finds is Finds.WORDS:
            check_vocabulary(name, folder)
    path = folder if whole else None
    if entry is not None:
        return Found(kind=Kind.DETECTOR, name=name, family=None, path=path, finds=entry.finds)
    width = values.get("cross_attention_dim")
    linear = bool(values.get("use_linear_projection"))
    family = _control_family(width, sized=values.get("addition_embed_type") == "text_time", linear=linear)
    return Found(
        kind=Kind.CONTROLNET, name=name, family=family, path=path, width=width if isinstance(width, int) else None
    )


def _control_family(width: object, *, sized: bool, linear: bool) -> Family:
    """By the width of the text where it is a usual one, else by what such networks have or do not have."""
    if isinstance(width, int) and width in _WIDTHS:
        return _WIDTHS[width]
    return Family.SDXL if sized else Family.SD2 if linear else Family.SD1


def _inspect_file(file: Path) -> Found:
    name = file.stem.lower()
    if file.suffix not in SUFFIXES:
        known = f"{file} is no model; single files end in .safetensors or .ckpt"
        half = f"{file} is a download that did not end; start it again"
        raise ModelUnavailable(name, half if file.suffix in UNENDED else known)
    try:
        tensors = read_tensors(file)
    except (BadWeights, OSError) as error:
        raise ModelUnavailable(name, reason_of(file, error)) from error
    if "lora_controlnet" in tensors:
        raise ModelUnavailable(
            name, f"{file} is a Control-LoRA, which Easel does not take; get the whole ControlNet"
        )
    kind, family = _kind(tensors)
    controls = any(_CONTROL.match(each) for each in tensors)
    if controls or kind is not None:
        try:
            refuse_eight_bits(file, tensors)
        except BadWeights as error:
            raise ModelUnavailable(name, str(error)) from error
    if controls:
        return _control_in(name, file, tensors)
    if kind is not None:
        return Found(kind=kind, name=name, family=family, path=file)
    family = _family(name, file, tensors)
    can = uses_of(name, tensors[UNET_INPUT].shape[1]) if UNET_INPUT in tensors else _ALL_USES
    side = _NATIVE_SIDE[family] if can == _ALL_USES else 512
    model = _entry(
        title=file.stem,
        family=family,
        source=str(file),
        native=Size(width=side, height=side),
        grid={Use.UPSCALE: 32}.get(can[0], 16 if family in {Family.SD3, Family.FLUX} else 8),
        distilled=False,
        guided_within=any(each.removeprefix(_UNET).startswith(_GUIDED) for each in tensors),
        can=can,
    )
    return Found(kind=Kind.MODEL, name=name, family=family, path=file, model=model)


def _control_in(name: str, file: Path, tensors: Mapping[str, Tensor]) -> Found:
    own = {key: tensor for key, tensor in tensors.items() if not key.startswith((_UNET, *_VAE, *_TEXT_ENCODERS))}
    width = next((each.shape[-1] for key, each in own.items() if key.endswith("attn2.to_k.weight")), None)
    if width is None:
        return Found(kind=Kind.CONTROLNET, name=name, family=None, path=file)
    linear = any(key.endswith("proj_in.weight") and len(each.shape) == 2 for key, each in own.items())
    family = _control_family(width, sized=any(_SIZES.search(key) for key in own), linear=linear)
    return Found(kind=Kind.CONTROLNET, name=name, family=family, path=file, width=width)


def _kind(  # noqa: PLR0911  (one return a kind)
    tensors: Mapping[str, Tensor],
) -> tuple[Kind | None, Family | None]:
    """The kind of what changes a model but is none; None for all else. The family is that of the model."""
    names = list(tensors)
    if any(re.search(r"lora_|\.lora\.|\.lora_[AB]\.", each) for each in names):
        if any("double_blocks" in each or "single_transformer_blocks" in each for each in names):
            return Kind.LORA, Family.FLUX
        if any("lora_te2" in each or each.startswith("text_encoder_2.") for each in names):
            return Kind.LORA, Family.SDXL
        widths = {
            tensors[each].shape[-1] for each in names if _CROSS_ATTENTION.search(each) and tensors[each].shape
        }
        return Kind.LORA, next((_WIDTHS[width] for width in sorted(widths) if width in _WIDTHS), None)
    if {"clip_l", "clip_g"} <= set(names):
        return Kind.EMBEDDING, Family.SDXL
    alone = len(names) == 1 and not names[0].endswith((".weight", ".bias"))
    if alone and tensors[names[0]].shape and len(tensors[names[0]].shape) <= 2:
        return Kind.EMBEDDING, _EMBEDDING_WIDTHS.get(tensors[names[0]].shape[-1])
    if names and all(each.startswith("string_to_param.") for each in names):
        return Kind.EMBEDDING, _EMBEDDING_WIDTHS.get(tensors[names[0]].shape[-1])
    return None, None


def _family(name: str, file: Path, names: Iterable[str]) -> Family:
    """The family that tensors of these `names` belong to. Raises ModelUnavailable if a part of it is missing."""
    names = list(names)
    if any("hada_" in each or "lokr_" in each for each in names):
        raise ModelUnavailable(name, f"{file} is a LyCORIS of a form that Easel does not take; get a LoRA")
    if any(each.removeprefix(_UNET).startswith("double_blocks.") for each in names):
        return Family.FLUX  # of which a file may hold the network alone
    begins = {
        "denoising network": any(each.startswith(_UNET) for each in names),
        "autoencoder": any(each.startswith(_VAE) for each in names),
        "text encoder": any(each.startswith(tuple(_TEXT_ENCODERS)) for each in names),
    }
    missing = [part for part, there in begins.items() if not there]
    if len(missing) == len(begins):
        alone = _alone(names)
        raise ModelUnavailable(name, f"{file} is {alone}; {TAKEN}")
    if missing:
        raise ModelUnavailable(name, f"{file} has no {' and no '.join(missing)}; get the complete checkpoint")
    return next(family for part, family in _TEXT_ENCODERS.items() if any(each.startswith(part) for each in names))


def _alone(names: Iterable[str]) -> str:
    names = list(names)
    if any(each.startswith(("down_blocks.", "time_embedding.")) for each in names):
        return "a UNet alone, as one lies in a diffusers folder; name the folder above it"
    if any(each.startswith("decoder.") for each in names):
        return "an autoencoder alone, which is a part of a model"
    if any("text_model." in each or each.startswith("encoder.block.") for each in names):
        return "a text encoder alone, which is a part of a model"
    return "of another kind"


def _entry(
    *,
    title: str,
    family: Family,
    source: str,
    native: Size,
    grid: int,
    distilled: bool,
    guided_within: bool,
    can: tuple[Use, ...],
) -> Model:
    side = round((native.width * native.height) ** 0.5)
    largest = max(side * 2 if family in {Family.SD1, Family.SD2} else side * 3 // 2, native.width, native.height)
    if can == (Use.UPSCALE,):
        largest = _LARGEST
    flows = family in {Family.SD3, Family.FLUX}
    quick = distilled or (family is Family.FLUX and not guided_within)
    guidance = _GUIDANCE[family]
    if distilled or family is Family.FLUX:
        guidance = (8.0 if distilled else 3.5) if guided_within else float(distilled)
    return Model(
        name=title.lower(),
        title=title,
        family=family,
        source=source,
        size=SizeBounds(
            native=native,
            grid=grid,
            minimum=max(grid, side // 2 // grid * grid),
            maximum=largest // grid * grid,
        ),
        steps=Range.of(1, 4 if quick else 25, 50 if quick else 150),
        guidance=Range.of(0.0, guidance, 30.0),
        scheduler=Scheduler.LCM if distilled else Scheduler.EULER if flows else Scheduler.DPM_2M_KARRAS,
        strength=0.75,
        licence="not stated; ask its publisher",
        can=can,
    )
