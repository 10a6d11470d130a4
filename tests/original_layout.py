"""The names and shapes that tensors had before diffusers, as single files have them still."""

import re
from collections.abc import Mapping

import torch

LAYERS = 1  # residual layers in each block of the UNets that are renamed here

Tensors = Mapping[str, torch.Tensor]

_UNET_NAMES = (
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^add_embedding\.linear_1", "label_emb.0.0"),
    (r"^add_embedding\.linear_2", "label_emb.0.2"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
)
_RESNET_NAMES = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_VAE_NAMES = (
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
    (r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1"),
    (r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2"),
    (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
)


def unet(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors of a UNet."""
    return {_original_unet_name(name, tensors): tensor for name, tensor in tensors.items()}


def _original_unet_name(name: str, tensors: Tensors) -> str:
    for pattern, new in _UNET_NAMES:
        name = re.sub(pattern, new, name)
    if found := re.match(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
        way, block, part, layer, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
        side, first = ("input_blocks", 1) if way == "down" else ("output_blocks", 0)
        start = first + block * (LAYERS + 1)
        if part == "resnets":
            name = f"{side}.{start + layer}.0.{rest}"
        elif part == "attentions":
            name = f"{side}.{start + layer}.1.{rest}"
        elif part == "downsamplers":
            name = f"{side}.{start + LAYERS}.0.op.{rest.removeprefix('conv.')}"
        else:
            attends = any(other.startswith(f"up_blocks.{block}.attentions") for other in tensors)
            name = f"{side}.{start + LAYERS}.{2 if attends else 1}.{rest}"
    if "transformer_blocks" not in name:
        for new, old in _RESNET_NAMES:
            name = re.sub(rf"(blocks?\.\d+(?:\.0)?)\.{new}\.", rf"\1.{old}.", name)
    return name


def autoencoder(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors of an autoencoder, whose attention was made of 1x1 convolutions."""
    original = {}
    for key, tensor in tensors.items():
        name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{3 - int(m[1])}.block.{m[2]}", key)
        name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{3 - int(m[1])}.upsample", name)
        for pattern, new in _VAE_NAMES:
            name = re.sub(pattern, new, name)
        is_projection = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name) is not None
        original[name] = tensor[:, :, None, None] if is_projection else tensor
    return original


_CLIP_NAMES = (
    (r"^embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"^embeddings\.token_embedding", "token_embedding"),
    (r"^final_layer_norm", "ln_final"),
    (r"^encoder\.layers", "transformer.resblocks"),
    (r"layer_norm([12])", r"ln_\1"),
    (r"mlp\.fc1", "mlp.c_fc"),
    (r"mlp\.fc2", "mlp.c_proj"),
    (r"self_attn\.out_proj", "attn.out_proj"),
)


def clip(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors of OpenAI's text encoder (Stable Diffusion 1, and the first of XL)."""
    return {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in tensors.items()}


def open_clip(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors of OpenCLIP's text encoder (Stable Diffusion 2, and the second of XL), which joins q, k and v."""
    plain = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    original = {}
    for key, tensor in plain.items():
        if found := re.fullmatch(r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", key):
            parts = [plain[key.replace("q_proj", f"{each}_proj")] for each in "qkv"]
            original[f"transformer.resblocks.{found[1]}.attn.in_proj_{found[2]}"] = torch.cat(parts)
        elif key == "text_projection.weight":
            original["text_projection"] = tensor.T
        elif not re.search(r"\.[kv]_proj\.", key):
            name = key
            for pattern, new in _CLIP_NAMES:
                name = re.sub(pattern, new, name)
            original[name] = tensor
    return original
