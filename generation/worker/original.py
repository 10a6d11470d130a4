"""Single files in the layouts that models had before diffusers: read as weights only, and taken apart.

The names are turned by diffusers' own conversions; what they leave over or do not find is told to the caller.
"""

import _codecs
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import init_empty_weights  # type: ignore[import-untyped] # it says nothing of its types
from diffusers.loaders.single_file_utils import (
    convert_controlnet_checkpoint,
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
    convert_sd3_t5_checkpoint_to_diffusers,
    convert_sd3_transformer_checkpoint_to_diffusers,
)
from safetensors.torch import load_file
from transformers import T5EncoderModel

from generation.model import Family
from generation.worker import flux_names

Tensors = dict[str, torch.Tensor]

_NETWORK = "model.diffusion_model."
_CONTROL = "control_model."
_TOLD_SIZES = tuple(
    (f"add_embedding.linear_{layer + 1}.{part}", f"label_emb.0.{2 * layer}.{part}")
    for layer in (0, 1)
    for part in ("weight", "bias")
)
_AUTOENCODERS = ("first_stage_model.", "vae.")
_T5 = "text_encoders.t5xxl.transformer."
_OPEN_CLIP = re.compile(
    r"(transformer\.resblocks\.\d+\.|positional_embedding$|token_embedding\.weight$|ln_final\.|text_projection$|"
    r"logit_scale$|attn_mask$)"
)
_PREFIXES = {
    (Family.SD1, "text_encoder"): "cond_stage_model.transformer.",
    (Family.SD2, "text_encoder"): "cond_stage_model.model.",
    (Family.SDXL, "text_encoder"): "conditioner.embedders.0.transformer.",
    (Family.SDXL, "text_encoder_2"): "conditioner.embedders.1.model.",
    (Family.SD3, "text_encoder"): "text_encoders.clip_l.transformer.",
    (Family.SD3, "text_encoder_2"): "text_encoders.clip_g.transformer.",
    (Family.FLUX, "text_encoder"): "text_encoders.clip_l.transformer.",
}


class _Callback:
    """What stands for a class of Lightning whose name is in the first checkpoints of Stable Diffusion."""


_SCALAR: Any = np._core.multiarray.scalar  # type: ignore[attr-defined] # noqa: SLF001  (no public name)
_LEFT_BY_LIGHTNING: list[Any] = [
    (_Callback, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"),
    (_SCALAR, "numpy.core.multiarray.scalar"),  # its name before numpy 2
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    np.dtypes.Float64DType,
    np.dtypes.Float32DType,
    np.dtypes.Int64DType,
    _codecs.encode,
]


def read(file: Path) -> Tensors:
    """The tensors in a .safetensors file or a checkpoint, of which nothing but weights is read.

    Raises what safetensors and the pickle reader raise.
    """
    if file.suffix == ".safetensors":
        tensors: Tensors = load_file(file)
        return tensors
    with torch.serialization.safe_globals(_LEFT_BY_LIGHTNING):
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    inner = content.get("state_dict", content)
    return {name: value for name, value in inner.items() if isinstance(value, torch.Tensor)}


def holds(names: Iterable[str], part: str, kind: Any, family: Family) -> bool:
    """Whether `part` is in a checkpoint with tensors of these `names`, where it may be left out.

    The network of FLUX mostly comes alone.
    """
    starts: tuple[str, ...] = ("",)
    if kind is T5EncoderModel:
        starts = (_T5,)
    elif family is Family.FLUX:
        starts = {"vae": _AUTOENCODERS, "text_encoder": (_PREFIXES[family, "text_encoder"],)}.get(part, starts)
    return any(name.startswith(starts) for name in names)


def convert(
    checkpoint: Tensors, part: str, kind: Any, family: Family, folder: Path
) -> tuple[Any, Tensors, set[str]]:
    """One part under diffusers' names: its configuration, from `folder`; its tensors; and the names left over.

    Raises KeyError with the name of a tensor that the conversion does not find.
    """
    if part == "unet":
        configuration = dict(kind.load_config(folder, subfolder=part))
        # Of a family's networks only the input differs: 9 channels for inpainting, 5 with depth.
        configuration["in_channels"] = checkpoint[f"{_NETWORK}input_blocks.0.0.weight"].shape[1]
        own = _own(checkpoint, _NETWORK)
        tensors = convert_ldm_unet_checkpoint(own, configuration)
        if (told := own.get(f"{_NETWORK}time_embed.cond_proj.weight")) is not None:  # a network told the guidance
            tensors["time_embedding.cond_proj.weight"] = told
        return configuration, tensors, _left_over(own, tensors)
    if part == "vae":
        configuration = dict(kind.load_config(folder, subfolder=part))
        own = _own(checkpoint, *_AUTOENCODERS)
        tensors = convert_ldm_vae_checkpoint(dict(own), configuration)
        return configuration, tensors, _left_over(own, tensors)
    if part == "transformer" and family is Family.FLUX:
        others = (*_AUTOENCODERS, "text_encoders.")
        own = {name: tensor for name, tensor in checkpoint.items() if not name.startswith(others)}
        own = {name.removeprefix(_NETWORK): tensor for name, tensor in own.items()}
        configuration = dict(kind.load_config(folder, subfolder=part))
        configuration["guidance_embeds"] = any(name.startswith("guidance_in.") for name in own)
        return configuration, *flux_names.convert(own)
    if part == "transformer":
        own = _own(checkpoint, _NETWORK)
        tensors = convert_sd3_transformer_checkpoint_to_diffusers(own)
        return dict(kind.load_config(folder, subfolder=part)), tensors, set(own)
    configuration = kind.config_class.from_pretrained(folder, subfolder=part, local_files_only=True)
    if kind is T5EncoderModel:
        tensors = convert_sd3_t5_checkpoint_to_diffusers(checkpoint)
        tensors.setdefault("encoder.embed_tokens.weight", tensors["shared.weight"])
        return configuration, tensors, set()
    prefix = _PREFIXES[family, part]
    if prefix.endswith("model."):
        tensors, unknown = _from_open_clip(checkpoint, prefix, kind, configuration)
    else:
        tensors, unknown = convert_ldm_clip_checkpoint(_own(checkpoint, prefix), prefix), set()
        if family is Family.SD3 and part == "text_encoder":  # it was trained without, and asks for one
            tensors.setdefault("text_projection.weight", torch.eye(configuration.hidden_size))
    if not hasattr(empty(kind, configuration), "text_model"):
        tensors = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    return configuration, tensors, unknown


def convert_control(checkpoint: Tensors, configuration: Mapping[str, Any]) -> tuple[Tensors, set[str]]:
    """The tensors of a ControlNet under diffusers' names, and the names left over.

    It may lie in a checkpoint with the model that it was made from, and may have diffusers' names already.
    Raises KeyError with the name of a tensor that the conversion does not find.
    """
    own = _own(checkpoint, _CONTROL) or checkpoint
    own = {name.removeprefix(_CONTROL): tensor for name, tensor in own.items()}
    converted = convert_controlnet_checkpoint(dict(own), configuration)
    tensors = {name: tensor for name, tensor in converted.items() if tensor is not None}
    for new, old in _TOLD_SIZES:  # how large its pictures are is told to those of XL
        if old in own:
            tensors[new] = own[old]
    return tensors, _left_over(own, tensors)


def empty(kind: Any, configuration: Any) -> Any:
    """A model of `kind` without memory for its weights."""
    with init_empty_weights():
        return kind.from_config(configuration) if isinstance(configuration, dict) else kind(configuration)


def _from_open_clip(checkpoint: Tensors, prefix: str, kind: Any, configuration: Any) -> tuple[Tensors, set[str]]:
    own = _own(checkpoint, prefix)
    unknown = {name for name in own if not _OPEN_CLIP.match(name.removeprefix(prefix))}
    tensors: Tensors = convert_open_clip_checkpoint(empty(kind, configuration), own, prefix=prefix)
    # Stable Diffusion 2 was trained on the last layer but one, and has no use for those behind it.
    layers = int(configuration.num_hidden_layers)
    used = {
        name: tensor
        for name, tensor in tensors.items()
        if (found := re.search(r"encoder\.layers\.(\d+)\.", name)) is None or int(found[1]) < layers
    }
    return used, unknown


def _own(checkpoint: Mapping[str, torch.Tensor], *prefixes: str) -> Tensors:
    return {name: tensor for name, tensor in checkpoint.items() if name.startswith(prefixes)}


def _left_over(own: Mapping[str, torch.Tensor], converted: Mapping[str, torch.Tensor]) -> set[str]:
    """Names of what the conversion did not take: what it takes stays where it is in memory."""
    taken = {tensor.data_ptr() for tensor in converted.values()}
    return {name for name, tensor in own.items() if tensor.data_ptr() not in taken}
