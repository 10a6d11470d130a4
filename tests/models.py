"""Small random models with the shape of real ones, for tests: a picture takes a few milliseconds a step.

Their native size is 64x64 and their tokenizer gives one token a byte, so that long prompts are soon too long.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
LAYERS = 1  # residual layers in each block of the UNet


def small_sd1(folder: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """A diffusers folder shaped like Stable Diffusion 1.x."""
    pipeline = StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(width=16, act="quick_gelu")).eval(),
        tokenizer=_tokenizer(folder),
        unet=_unet(cross_attention_dim=16),
        scheduler=PNDMScheduler(**_BETAS, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _save(pipeline, folder, dtype)


def small_sd2(folder: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """A diffusers folder shaped like Stable Diffusion 2.1, which predicts v."""
    pipeline = StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(width=32, act="gelu")).eval(),
        tokenizer=_tokenizer(folder),
        unet=_unet(cross_attention_dim=32, attention_head_dim=[2, 4], use_linear_projection=True),
        scheduler=DDIMScheduler(
            **_BETAS, set_alpha_to_one=False, steps_offset=1, clip_sample=False, prediction_type="v_prediction"
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _save(pipeline, folder, dtype)


def small_sdxl(folder: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """A diffusers folder shaped like Stable Diffusion XL, with its two text encoders."""
    unet = _unet(
        cross_attention_dim=48,
        attention_head_dim=[2, 4],
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=32 + 6 * 8,
    )
    pipeline = StableDiffusionXLPipeline(
        vae=_vae(scaling_factor=0.13025, force_upcast=True),
        text_encoder=CLIPTextModel(_text_config(width=16, act="quick_gelu")).eval(),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(width=32, act="gelu")).eval(),
        tokenizer=_tokenizer(folder),
        tokenizer_2=_tokenizer(folder),
        unet=unet,
        scheduler=EulerDiscreteScheduler(**_BETAS, steps_offset=1, timestep_spacing="leading"),
    )
    return _save(pipeline, folder, dtype)


def single_file(folder: Path, file: Path) -> Path:
    """The model of a `small_sd1` folder as one file in the original layout, .safetensors or .ckpt by its name.

    The configuration files are written beside it, into `FILE's stem`.config, where the worker looks for them.
    """
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, requires_safety_checker=False)
    tensors = {
        **{f"model.diffusion_model.{k}": v for k, v in _original_unet(pipeline.unet.state_dict()).items()},
        **{f"first_stage_model.{k}": v for k, v in _original_vae(pipeline.vae.state_dict()).items()},
        **{
            f"cond_stage_model.transformer.text_model.{k.removeprefix('text_model.')}": v
            for k, v in pipeline.text_encoder.state_dict().items()
        },
    }
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    if file.suffix == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save({"state_dict": tensors}, file)
    pipeline.save_config(file.with_suffix(".config"))
    for name in ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        component = getattr(pipeline, name)
        target = file.with_suffix(".config") / name
        if name == "text_encoder":
            component.config.save_pretrained(target)
        elif name == "tokenizer":
            component.save_pretrained(target)
        else:
            component.save_config(target)
    return file


_BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _unet(**changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(1)
    return UNet2DConditionModel(
        **{
            "sample_size": 8,
            "block_out_channels": (16, 32),
            "layers_per_block": LAYERS,
            "norm_num_groups": 8,
            "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
            "attention_head_dim": 4,
            **changes,
        }
    ).eval()


def _vae(**changes: Any) -> AutoencoderKL:
    torch.manual_seed(2)
    return AutoencoderKL(
        **{
            "block_out_channels": (8, 8, 16, 16),
            "down_block_types": ("DownEncoderBlock2D",) * 4,
            "up_block_types": ("UpDecoderBlock2D",) * 4,
            "latent_channels": 4,
            "norm_num_groups": 4,
            "sample_size": 64,
            **changes,
        }
    ).eval()


def _text_config(*, width: int, act: str) -> CLIPTextConfig:
    torch.manual_seed(width)
    return CLIPTextConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=2,
        hidden_act=act,
        projection_dim=width,
        bos_token_id=_vocabulary()[START],
        eos_token_id=_vocabulary()[END],
        pad_token_id=_vocabulary()[END],
    )


def _vocabulary() -> dict[str, int]:
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), START, END]
    return {word: number for number, word in enumerate(words)}


def _tokenizer(folder: Path) -> CLIPTokenizer:
    source = folder.with_name(f"{folder.name}-tokenizer")
    source.mkdir(parents=True, exist_ok=True)
    (source / "vocab.json").write_text(json.dumps(_vocabulary()), encoding="utf-8")
    (source / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
    }
    (source / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return CLIPTokenizer.from_pretrained(source)


def _save(pipeline: DiffusionPipeline, folder: Path, dtype: torch.dtype) -> Path:
    pipeline.to(dtype=dtype, silence_dtype_warnings=True).save_pretrained(folder, safe_serialization=True)
    return folder


Tensors = Mapping[str, torch.Tensor]

_UNET_NAMES = (
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
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


def _original_unet(tensors: Tensors) -> dict[str, torch.Tensor]:
    """UNet tensors under the names that they had before diffusers."""
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


def _original_vae(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Autoencoder tensors under the names that they had before diffusers."""
    original = {}
    for key, tensor in tensors.items():
        name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{3 - int(m[1])}.block.{m[2]}", key)
        name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{3 - int(m[1])}.upsample", name)
        for pattern, new in _VAE_NAMES:
            name = re.sub(pattern, new, name)
        is_projection = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name) is not None
        original[name] = tensor[:, :, None, None] if is_projection else tensor
    return original
