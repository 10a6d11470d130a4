"""Small random models with the shape of real ones, for tests: a picture takes a few milliseconds a step.

Their native size is 64x64 and their tokenizer gives one token a byte, so that long prompts are soon too long.
"""

import json
import shutil
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

from tests import original_layout

START, END = "<|startoftext|>", "<|endoftext|>"


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
    """The small model in `folder` as one file in the original layout, .safetensors or .ckpt by its name.

    Its configuration and tokenizer are copied to `stem`.config beside it, where the worker looks for them.
    """
    pipeline = DiffusionPipeline.from_pretrained(folder)
    state = {name: part.state_dict() for name, part in pipeline.components.items() if hasattr(part, "state_dict")}
    parts = {
        "model.diffusion_model.": original_layout.unet(state["unet"]),
        "first_stage_model.": original_layout.autoencoder(state["vae"]),
    }
    if "text_encoder_2" in state:
        parts["conditioner.embedders.0.transformer."] = original_layout.clip(state["text_encoder"])
        parts["conditioner.embedders.1.model."] = original_layout.open_clip(state["text_encoder_2"])
    elif pipeline.text_encoder.config.hidden_act == "gelu":
        parts["cond_stage_model.model."] = original_layout.open_clip(state["text_encoder"])
    else:
        parts["cond_stage_model.transformer."] = original_layout.clip(state["text_encoder"])
    tensors = {
        f"{start}{name}": tensor.contiguous().clone()
        for start, part in parts.items()
        for name, tensor in part.items()
    }
    if file.suffix == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save({"state_dict": tensors}, file)
    weights = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(folder, file.with_suffix(".config"), ignore=weights, dirs_exist_ok=True)
    return file


_BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _unet(**changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(1)
    return UNet2DConditionModel(
        **{
            "sample_size": 8,
            "block_out_channels": (16, 32),
            "layers_per_block": original_layout.LAYERS,
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
    if dtype is not torch.float32:
        pipeline.to(dtype=dtype, silence_dtype_warnings=True)
    pipeline.save_pretrained(folder)
    return folder
