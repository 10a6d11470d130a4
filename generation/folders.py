"""Folders as diffusers writes them: their small files, and whether all the weights are there that they need."""

import json
from pathlib import Path
from typing import Any

from generation.errors import ModelUnavailable
from generation.model import Family
from generation.weights import BadWeights, read_tensors

AGAIN = "copy or download it again"
UNENDED = frozenset({".incomplete", ".part", ".crdownload", ".tmp"})  # what downloads are called before they end
WEIGHTS = {
    Family.SD1: ("unet", "vae", "text_encoder"),
    Family.SD2: ("unet", "vae", "text_encoder"),
    Family.SDXL: ("unet", "vae", "text_encoder", "text_encoder_2"),
    Family.SD3: ("transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3"),
    Family.FLUX: ("transformer", "vae", "text_encoder", "text_encoder_2"),
}
_VOCABULARIES = frozenset({"vocab.json", "vocab.txt", "tokenizer.json", "spiece.model"})


def check_folder(model: str, folder: Path, family: Family) -> None:
    """Look at the headers of every file of weights that a diffusers folder needs. Raises ModelUnavailable."""
    index = read_json(model, folder / "model_index.json", "it is no diffusers folder, or not a complete one")
    wanted = [*WEIGHTS[family], *(["depth_estimator"] if "depth_estimator" in index else [])]
    for part in wanted:
        listed = index.get(part)
        if part == "text_encoder_3" and (listed is None or listed[0] is None):
            continue  # the largest text encoder of SD3 may be left out
        if not isinstance(listed, list) or listed[0] is None:
            raise ModelUnavailable(model, f"{folder / 'model_index.json'} names no {part}; {AGAIN}")
        read_json(model, folder / part / "config.json", "that part of the model is missing; " + AGAIN)
        for file in weights_in(model, folder / part):
            try:
                read_tensors(file)
            except (BadWeights, OSError) as error:
                raise ModelUnavailable(model, reason_of(file, error)) from error
    check_vocabularies(model, folder)


def check_vocabularies(model: str, folder: Path) -> None:
    """See that every tokenizer of a diffusers folder has its words. Raises ModelUnavailable."""
    index = read_json(model, folder / "model_index.json", "it is no diffusers folder, or not a complete one")
    for part, listed in index.items():
        if part.startswith("tokenizer") and isinstance(listed, list) and listed[0] is not None:
            check_vocabulary(model, folder / part)


def check_vocabulary(model: str, folder: Path) -> None:
    """See that the tokenizer in `folder` has its words. Raises ModelUnavailable."""
    if not {each.name for each in folder.glob("*")} & _VOCABULARIES:
        raise ModelUnavailable(model, f"{folder} holds no vocabulary; {AGAIN}")


def weights_in(model: str, folder: Path) -> list[Path]:
    """The files of weights in one part of a diffusers folder, of the variant that is loaded.

    Raises ModelUnavailable where there are none, or not all.
    """
    for pattern in ("*.safetensors.index.json", "*.safetensors.index.fp16.json", "*.bin.index.json"):
        for index in sorted(folder.glob(pattern)):
            table = read_json(model, index, AGAIN).get("weight_map")
            if not isinstance(table, dict) or not table:
                raise ModelUnavailable(model, f"{index} names no files; {AGAIN}")
            shards = [folder / str(name) for name in sorted(set(table.values()))]
            lost = [shard.name for shard in shards if not shard.exists()]
            if lost:
                raise ModelUnavailable(
                    model, f"{folder} lacks {lost[0]}, {len(lost)} of {len(shards)} files of weights; {AGAIN}"
                )
            return shards
    names = [file for file in sorted(folder.glob("*")) if file.suffix in {".safetensors", ".bin"}]
    for suffix in (".safetensors", ".bin"):
        whole = [file for file in names if file.suffix == suffix]
        if whole:
            plain = [file for file in whole if file.stem in {"diffusion_pytorch_model", "model", "pytorch_model"}]
            return (plain or [file for file in whole if ".fp16" in file.name] or whole)[:1]
    half = [file.name for file in folder.glob("*") if file.suffix in UNENDED]
    if half:
        raise ModelUnavailable(model, f"{folder} has only {half[0]}, a download that did not end; start it again")
    raise ModelUnavailable(model, f"{folder} holds no weights; {AGAIN}")


def read_json(name: str, file: Path, meaning: str) -> dict[str, Any]:
    """The table in a small file; where there is none, `meaning` says what that means. Raises ModelUnavailable."""
    try:
        text = file.read_text(encoding="utf-8")
        values = json.loads(text)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelUnavailable(name, f"there is no {file}: {meaning}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ModelUnavailable(name, f"{file} cannot be read (it is no JSON: {where}); {AGAIN}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnavailable(name, f"{file} cannot be read ({error}); {AGAIN}") from error
    if not isinstance(values, dict):
        raise ModelUnavailable(name, f"{file} is not what it should be; copy or download it again")
    return values


def reason_of(file: Path, error: Exception) -> str:
    """Why a file of weights cannot be used, and what to do."""
    if isinstance(error, BadWeights):
        return str(error)
    strerror = getattr(error, "strerror", None)
    return f"{file} cannot be read ({strerror or error}); look at its disk and its permissions"
