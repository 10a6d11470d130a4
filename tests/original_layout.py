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
    (r"^time_embedding\.cond_proj", "time_embed.cond_proj"),
    (r"^class_embedding\.weight", "label_emb.weight"),
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
    top = max(int(found[1]) for name in tensors if (found := re.search(r"up_blocks\.(\d)\.", name)))
    for key, tensor in tensors.items():
        name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{top - int(m[1])}.block.{m[2]}", key)
        name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{top - int(m[1])}.upsample", name)
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
    """Tensors of OpenAI's text encoder (Stable Diffusion 1, the first of XL, and in Stable Diffusion 3)."""
    return {
        name if name.startswith("text_projection") else f"text_model.{name.removeprefix('text_model.')}": tensor
        for name, tensor in tensors.items()
    }


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


_FLUX_NAMES = (
    (r"^x_embedder", "img_in"),
    (r"^context_embedder", "txt_in"),
    (r"^time_text_embed\.timestep_embedder\.linear_1", "time_in.in_layer"),
    (r"^time_text_embed\.timestep_embedder\.linear_2", "time_in.out_layer"),
    (r"^time_text_embed\.text_embedder\.linear_1", "vector_in.in_layer"),
    (r"^time_text_embed\.text_embedder\.linear_2", "vector_in.out_layer"),
    (r"^time_text_embed\.guidance_embedder\.linear_1", "guidance_in.in_layer"),
    (r"^time_text_embed\.guidance_embedder\.linear_2", "guidance_in.out_layer"),
    (r"^proj_out", "final_layer.linear"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
    (r"^single_transformer_blocks\.(\d+)\.norm\.linear", r"single_blocks.\1.modulation.lin"),
    (r"^single_transformer_blocks\.(\d+)\.proj_out", r"single_blocks.\1.linear2"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
    (r"^transformer_blocks", "double_blocks"),
    (r"norm1\.linear", "img_mod.lin"),
    (r"norm1_context\.linear", "txt_mod.lin"),
    (r"attn\.to_out\.0", "img_attn.proj"),
    (r"attn\.to_add_out", "txt_attn.proj"),
    (r"attn\.norm_q\.weight", "img_attn.norm.query_norm.scale"),
    (r"attn\.norm_k\.weight", "img_attn.norm.key_norm.scale"),
    (r"attn\.norm_added_q\.weight", "txt_attn.norm.query_norm.scale"),
    (r"attn\.norm_added_k\.weight", "txt_attn.norm.key_norm.scale"),
    (r"ff\.net\.0\.proj", "img_mlp.0"),
    (r"ff\.net\.2", "img_mlp.2"),
    (r"ff_context\.net\.0\.proj", "txt_mlp.0"),
    (r"ff_context\.net\.2", "txt_mlp.2"),
)
_FLUX_JOINED = {  # the first of those that are joined: what they are together, and the others
    r"single_transformer_blocks\.(\d+)\.attn\.to_q": (
        r"single_blocks.\1.linear1",
        ("attn.to_k", "attn.to_v", "proj_mlp"),
    ),
    r"transformer_blocks\.(\d+)\.attn\.to_q": (r"double_blocks.\1.img_attn.qkv", ("attn.to_k", "attn.to_v")),
    r"transformer_blocks\.(\d+)\.attn\.add_q_proj": (
        r"double_blocks.\1.txt_attn.qkv",
        ("attn.add_k_proj", "attn.add_v_proj"),
    ),
}


def flux_transformer(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors of the network of FLUX, which joins q, k and v, and puts shifts before scales."""
    original: dict[str, torch.Tensor] = {}
    for key, tensor in tensors.items():
        layer, _, kind = key.rpartition(".")
        joined = next((pattern for pattern in _FLUX_JOINED if re.fullmatch(pattern, layer)), None)
        if joined is not None:
            together, others = _FLUX_JOINED[joined]
            block = layer.partition(".attn.")[0]
            value = torch.cat([tensor, *(tensors[f"{block}.{other}.{kind}"] for other in others)])
            original[f"{re.sub(joined, together, layer)}.{kind}"] = value
        elif not re.search(r"\.(to_[kv]|add_[kv]_proj|proj_mlp)\.", key):
            name = key
            for pattern, new in _FLUX_NAMES:
                name = re.sub(pattern, new, name)
            original[name] = torch.cat(tensor.chunk(2)[::-1]) if key.startswith("norm_out.") else tensor
    return original


_SD3_NAMES = (
    (r"^pos_embed\.pos_embed", "pos_embed"),
    (r"^pos_embed\.proj", "x_embedder.proj"),
    (r"^time_text_embed\.timestep_embedder\.linear_1", "t_embedder.mlp.0"),
    (r"^time_text_embed\.timestep_embedder\.linear_2", "t_embedder.mlp.2"),
    (r"^time_text_embed\.text_embedder\.linear_1", "y_embedder.mlp.0"),
    (r"^time_text_embed\.text_embedder\.linear_2", "y_embedder.mlp.2"),
    (r"^proj_out", "final_layer.linear"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
)
_SD3_BLOCK_NAMES = (
    ("attn2.to_out.0", "x_block.attn2.proj"),
    ("attn2.norm_q", "x_block.attn2.ln_q"),
    ("attn2.norm_k", "x_block.attn2.ln_k"),
    ("attn.to_out.0", "x_block.attn.proj"),
    ("attn.to_add_out", "context_block.attn.proj"),
    ("attn.norm_q", "x_block.attn.ln_q"),
    ("attn.norm_k", "x_block.attn.ln_k"),
    ("attn.norm_added_q", "context_block.attn.ln_q"),
    ("attn.norm_added_k", "context_block.attn.ln_k"),
    ("norm1_context.linear", "context_block.adaLN_modulation.1"),
    ("norm1.linear", "x_block.adaLN_modulation.1"),
    ("ff_context.net.0.proj", "context_block.mlp.fc1"),
    ("ff_context.net.2", "context_block.mlp.fc2"),
    ("ff.net.0.proj", "x_block.mlp.fc1"),
    ("ff.net.2", "x_block.mlp.fc2"),
)
_SD3_JOINED = {
    "attn2.to_q": ("x_block.attn2.qkv", ("attn2.to_q", "attn2.to_k", "attn2.to_v")),
    "attn.to_q": ("x_block.attn.qkv", ("attn.to_q", "attn.to_k", "attn.to_v")),
    "attn.add_q_proj": ("context_block.attn.qkv", ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")),
}


def sd3_transformer(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors of the network of Stable Diffusion 3, which joins q, k and v, and puts shifts before scales."""
    blocks = (re.match(r"transformer_blocks\.(\d+)\.", name) for name in tensors)
    last = max(int(found[1]) for found in blocks if found)
    original = {}
    for key, tensor in tensors.items():
        swapped = key.startswith(("norm_out.", f"transformer_blocks.{last}.norm1_context."))
        value = torch.cat(tensor.chunk(2)[::-1]) if swapped else tensor
        found = re.fullmatch(r"(transformer_blocks\.(\d+)\.)(.+)\.(weight|bias)", key)
        if found is None:
            name = key
            for pattern, new in _SD3_NAMES:
                name = re.sub(pattern, new, name)
            original[name] = value
            continue
        start, block, part, kind = found.groups()
        if part in _SD3_JOINED:
            joined, names = _SD3_JOINED[part]
            value = torch.cat([tensors[f"{start}{each}.{kind}"] for each in names])
            original[f"joint_blocks.{block}.{joined}.{kind}"] = value
        elif not re.search(r"\.(to_[kv]|add_[kv]_proj)$", part):
            original[f"joint_blocks.{block}.{dict(_SD3_BLOCK_NAMES)[part]}.{kind}"] = value
    return original
