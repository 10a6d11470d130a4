"""Small random LoRAs and embeddings for the models of `tests.models`, as files in each layout that people have."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

RANK = 2
_CHANGED = ("to_q", "to_k", "to_v", "q_proj", "k_proj", "v_proj", "out_proj")


def lora(pipeline: Any, file: Path, *, layout: str = "kohya", seed: int = 0, text: bool = True) -> Path:
    """A LoRA for `pipeline`, written to `file` as "kohya", "peft" or "diffusers" lays it out.

    It changes the attention of the denoising network and, with `text`, of every text encoder.
    """
    chance = torch.Generator().manual_seed(seed)
    network = "unet" if hasattr(pipeline, "unet") else "transformer"
    parts = [network, *(part for part in ("text_encoder", "text_encoder_2") if text and hasattr(pipeline, part))]
    tensors: dict[str, torch.Tensor] = {}
    for part in parts:
        for path, module in getattr(pipeline, part).named_modules():
            name = path.removesuffix(".base_layer")  # as layers are called that have a LoRA already
            if isinstance(module, torch.nn.Linear) and name.endswith(_CHANGED):
                down = torch.randn(RANK, module.in_features, generator=chance)
                up = torch.randn(module.out_features, RANK, generator=chance)
                tensors |= _LAYOUTS[layout](part, len(parts) > 2, name, down, up)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    return file


def _kohya(part: str, two: bool, name: str, down: torch.Tensor, up: torch.Tensor) -> dict[str, torch.Tensor]:
    first = "lora_te1" if two else "lora_te"
    start = {"unet": "lora_unet", "text_encoder": first, "text_encoder_2": "lora_te2"}[part]
    if part != "unet":
        name = f"text_model.{name.removeprefix('text_model.')}"
    key = f"{start}_{name.replace('.', '_')}"
    return {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(1.0 * RANK)}


def _peft(part: str, _two: bool, name: str, down: torch.Tensor, up: torch.Tensor) -> dict[str, torch.Tensor]:
    return {f"{part}.{name}.lora_A.weight": down, f"{part}.{name}.lora_B.weight": up}


def _diffusers(part: str, _two: bool, name: str, down: torch.Tensor, up: torch.Tensor) -> dict[str, torch.Tensor]:
    layer, _, projection = name.rpartition(".")
    if part == "unet":
        key = f"unet.{layer}.processor.{projection}_lora"
    else:
        key = f"{part}.text_model.{layer.removeprefix('text_model.')}.to_{projection.removesuffix('_proj')}_lora"
    return {f"{key}.down.weight": down, f"{key}.up.weight": up}


_LAYOUTS = {"kohya": _kohya, "peft": _peft, "diffusers": _diffusers}


def embedding(file: Path, *, width: int, count: int = 2, layout: str = "a1111", seed: int = 0) -> Path:
    """An embedding of `count` vectors, written to `file`.

    Layouts of a .pt: "a1111" and "original"; of safetensors: "a1111", "diffusers", and "sdxl", whose second
    vectors are twice as wide.
    """
    vectors = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".pt":
        held: Any = {"*": vectors}
        if layout == "original":
            held = torch.nn.ParameterDict({"*": torch.nn.Parameter(vectors)})
        torch.save({"string_to_token": {"*": 265}, "string_to_param": held, "name": file.stem, "step": 100}, file)
    else:
        tensors = {
            "a1111": {"emb_params": vectors},
            "diffusers": {"<something>": vectors},
            "sdxl": {"clip_l": vectors, "clip_g": torch.cat([vectors, vectors], dim=1)},
        }
        save_file({name: tensor.contiguous() for name, tensor in tensors[layout].items()}, file)
    return file
