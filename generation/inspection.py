"""What a model is, told from its small files and headers alone, without PyTorch and without running anything."""

import json
import pickletools
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generation.catalogue import Family, Model
from generation.errors import ModelUnavailable
from generation.hub import hub_faults, is_hub_id
from generation.schedulers import Scheduler
from generation.size import Range, Size, SizeBounds

_TAKEN = "Easel draws with Stable Diffusion 1.x, 2.x and XL"
_CONFIGS = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")
_HEADER_LIMIT = 100_000_000  # bytes; the format's own limit
_NATIVE_SIDE = {Family.SD1: 512, Family.SD2: 768, Family.SDXL: 1024}
_GUIDANCE = {Family.SD1: 7.5, Family.SD2: 7.5, Family.SDXL: 6.0}

# How the parts of a model begin their tensors' names in a single file.
_UNET, _VAE = "model.diffusion_model.", "first_stage_model."
_TEXT_ENCODERS = {
    "conditioner.embedders.1.": Family.SDXL,
    "cond_stage_model.model.": Family.SD2,
    "cond_stage_model.transformer.": Family.SD1,
}
_UNET_INPUT = f"{_UNET}input_blocks.0.0.weight"


def inspect_model(source: str) -> Model:
    """The entry that a catalogue would have for `source`: a diffusers folder, a single file or a Hugging Face id.

    Of a model on the hub only some kilobytes are fetched, if they are not on this machine already.
    Raises ModelUnavailable, which says what to do.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        path = path.resolve()
        return inspect_folder(path, source=str(path), title=path.name)
    if path.is_file():
        return _inspect_file(path.resolve())
    if is_hub_id(source):
        return inspect_folder(_fetch_configs(source), source=source, title=source.rpartition("/")[2])
    raise ModelUnavailable(source, f"there is no file or folder {source}; check the path")


def inspect_folder(folder: Path, *, source: str, title: str) -> Model:
    """The model in a diffusers folder. Raises ModelUnavailable."""
    name = title.lower()
    index = _read_json(name, folder / "model_index.json", "it is no diffusers folder, or not a complete one")
    kind = str(index.get("_class_name"))
    if not kind.startswith("StableDiffusion") or kind.startswith("StableDiffusion3"):
        raise ModelUnavailable(name, f"{folder} holds a {kind}; {_TAKEN}")
    missing = "that part of the model is missing; copy or download it again"
    unet, vae, scheduler = (_read_json(name, folder / config, missing) for config in _CONFIGS)
    _check_channels(name, unet.get("in_channels", 4))
    if kind.startswith("StableDiffusionXL"):
        family = Family.SDXL
    else:
        family = Family.SD2 if unet.get("cross_attention_dim") == 1024 else Family.SD1
    grid = 2 ** (len(vae.get("block_out_channels", (0, 0, 0, 0))) - 1)
    sides = unet.get("sample_size") or _NATIVE_SIDE[family] // grid
    height, width = (sides, sides) if isinstance(sides, int) else sides
    return _entry(
        title=title,
        family=family,
        source=source,
        native=Size(width=width * grid, height=height * grid),
        grid=grid,
        distilled=scheduler.get("_class_name") == "LCMScheduler",
    )


def read_safetensors_header(file: Path) -> dict[str, Any]:
    """Names, shapes and places of the tensors in a .safetensors file.

    Raises ValueError, with words that say what is wrong, where the file is something else or is cut short.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= _HEADER_LIMIT:
            raise ValueError("it is no safetensors file")
        if 8 + length > size:
            raise ValueError("it is cut short, or no safetensors file")
        try:
            header = json.loads(opened.read(length))
        except ValueError:
            raise ValueError("it is no safetensors file") from None
    header.pop("__metadata__", None)
    end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    if 8 + length + end > size:
        raise ValueError(f"it is cut short: {size} of {8 + length + end} bytes are there")
    return dict(header)


def _inspect_file(file: Path) -> Model:
    name = file.stem.lower()
    if file.suffix not in {".safetensors", ".ckpt"}:
        raise ModelUnavailable(name, f"{file} is no model; single files end in .safetensors or .ckpt")
    shapes: Mapping[str, Any] = {}
    try:
        if file.suffix == ".safetensors":
            shapes = read_safetensors_header(file)
            names = list(shapes)
        else:
            names = _names_in_checkpoint(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(name, f"{file} cannot be read: {error}") from error
    family = _family(name, file, names)
    if _UNET_INPUT in shapes:
        _check_channels(name, shapes[_UNET_INPUT]["shape"][1])
    side = _NATIVE_SIDE[family]
    native = Size(width=side, height=side)
    return _entry(title=file.stem, family=family, source=str(file), native=native, grid=8, distilled=False)


def _family(name: str, file: Path, names: Iterable[str]) -> Family:
    """The family that tensors of these `names` belong to. Raises ModelUnavailable if a part of it is missing."""
    parts = {part for part in (_UNET, _VAE, *_TEXT_ENCODERS) if any(each.startswith(part) for each in names)}
    if any("lora_" in each for each in names) and not parts:
        raise ModelUnavailable(name, f"{file} is a LoRA, which changes a model but is none")
    families = [family for part, family in _TEXT_ENCODERS.items() if part in parts]
    missing = [word for part, word in ((_UNET, "denoising network"), (_VAE, "autoencoder")) if part not in parts]
    missing += [] if families else ["text encoder"]
    if len(missing) == 3:
        raise ModelUnavailable(name, f"{file} is of another kind; {_TAKEN}")
    if missing:
        raise ModelUnavailable(name, f"{file} has no {' and no '.join(missing)}; get the complete checkpoint")
    return families[0]


def _names_in_checkpoint(file: Path) -> list[str]:
    """The strings in a PyTorch file; its pickle is looked through, not run."""
    if not zipfile.is_zipfile(file):
        raise ValueError("it is cut short or of a format older than PyTorch 1.6; get it as .safetensors")
    with zipfile.ZipFile(file) as archive:
        pickles = [entry for entry in archive.namelist() if entry.endswith("data.pkl")]
        if not pickles:
            raise ValueError("it is no PyTorch checkpoint")
        return [text for _, text, _ in pickletools.genops(archive.read(pickles[0])) if isinstance(text, str)]


def _check_channels(name: str, channels: int) -> None:
    if channels != 4:
        uses = {5: "depth", 7: "upscaling", 8: "editing by instruction", 9: "inpainting"}
        use = uses.get(channels, f"{channels} channels of input")
        raise ModelUnavailable(name, f"it is made for {use} and cannot draw from a prompt alone")


def _entry(*, title: str, family: Family, source: str, native: Size, grid: int, distilled: bool) -> Model:
    side = round((native.width * native.height) ** 0.5)
    largest = side * 2 if family is not Family.SDXL else side * 3 // 2
    return Model(
        name=title.lower(),
        title=title,
        family=family,
        source=source,
        size=SizeBounds(
            native=native,
            grid=grid,
            minimum=max(grid, side // 2 // grid * grid),
            maximum=max(largest, native.width, native.height) // grid * grid,
        ),
        steps=Range.of(1, 4 if distilled else 25, 50 if distilled else 150),
        guidance=Range.of(0.0, 1.0 if distilled else _GUIDANCE[family], 30.0),
        scheduler=Scheduler.LCM if distilled else Scheduler.DPM_2M_KARRAS,
        strength=0.75,
        licence="not stated; ask its publisher",
    )


def _read_json(name: str, file: Path, meaning: str) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelUnavailable(name, f"there is no {file}: {meaning}") from error
    except (OSError, ValueError) as error:
        raise ModelUnavailable(name, f"{file} cannot be read ({error}); copy or download it again") from error
    if not isinstance(values, dict):
        raise ModelUnavailable(name, f"{file} is not what it should be; copy or download it again")
    return values


def _fetch_configs(hub_id: str) -> Path:
    """A folder with the small files of a hub model: what is on this machine, else fetched."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    files = ("model_index.json", *_CONFIGS)
    try:
        found = [Path(hf_hub_download(hub_id, file, local_files_only=True)) for file in files]
    except LocalEntryNotFoundError:
        with hub_faults(hub_id.rpartition("/")[2].lower(), hub_id):
            found = [Path(hf_hub_download(hub_id, file)) for file in files]
    return found[0].parent
