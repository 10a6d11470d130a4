"""Models with the true architectures and random weights, built from the published configurations without any hub.

Their pictures mean nothing; what they cost in memory and time is what the real ones cost. The configurations are
those of the models' own repositories, less what diffusers and transformers take anyway.
"""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
from transformers.initialization import no_init_weights

from tests.models import tokenizer

_BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
_TWO = {"cross_attention_dim": 1024, "use_linear_projection": True}
_UNETS: dict[str, dict[str, Any]] = {
    "sd-1.5": {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sd-2.1": {**_TWO, "sample_size": 96, "attention_head_dim": [5, 10, 20, 20], "upcast_attention": True},
    "sdxl": {
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": [1, 2, 10],
        "attention_head_dim": [5, 10, 20],
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
    "x4-upscaler": {
        **_TWO,
        "sample_size": 128,
        "in_channels": 7,
        "block_out_channels": (256, 512, 512, 1024),
        "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
        "up_block_types": (*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
        "only_cross_attention": (True, True, True, False),
        "attention_head_dim": 8,
        "num_class_embeds": 1000,
    },
}
_VAES: dict[str, dict[str, Any]] = {
    "sd-1.5": {"sample_size": 512},
    "sd-2.1": {"sample_size": 768},
    "sdxl": {"sample_size": 1024, "scaling_factor": 0.13025, "force_upcast": True},
    "x4-upscaler": {"sample_size": 256, "scaling_factor": 0.08333, "block_out_channels": (128, 256, 512)},
}
_CLIP_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_act": "quick_gelu",
    "projection_dim": 768,
}
_CLIP_H = _CLIP_L | {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
    "projection_dim": 512,
}
_CLIP_G = _CLIP_H | {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
}
_ENCODERS: dict[str, dict[str, tuple[Any, dict[str, Any]]]] = {
    "sd-1.5": {"text_encoder": (CLIPTextModel, _CLIP_L)},
    "sd-2.1": {"text_encoder": (CLIPTextModel, _CLIP_H)},
    "sdxl": {
        "text_encoder": (CLIPTextModel, _CLIP_L),
        "text_encoder_2": (CLIPTextModelWithProjection, _CLIP_G),
    },
    "x4-upscaler": {"text_encoder": (CLIPTextModel, _CLIP_H)},
}

NAMES = tuple(_UNETS)
_RUN = 2**20 + 1  # random numbers that weights repeat: a prime would do as well, a power of two would show


def parts(name: str, device: str = "cpu") -> dict[str, nn.Module]:
    """The parts of the model that the catalogue calls `name`, with weights that are not set."""
    with torch.device(device), no_init_weights():
        encoders = {
            part: kind(CLIPTextConfig(vocab_size=49408, **config))
            for part, (kind, config) in _ENCODERS[name].items()
        }
        return {**encoders, "unet": UNet2DConditionModel(**_UNETS[name]), "vae": _vae(name)}


def save(name: str, folder: Path, dtype: torch.dtype = torch.float16) -> Path:
    """A diffusers folder of the model `name` with random weights, saved in `dtype` as most files are."""
    made: dict[str, Any] = {}
    for part, module in parts(name, "meta").items():
        made[part] = _with_random_weights(module, dtype).eval()
    kind = _PIPELINES[name]
    pipeline = kind(folder, made)
    pipeline.save_pretrained(folder)
    del made, pipeline
    gc.collect()
    return folder


def _vae(name: str) -> AutoencoderKL:
    config: dict[str, Any] = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, **_VAES[name]}
    depth = len(config["block_out_channels"])
    config |= {
        "down_block_types": ("DownEncoderBlock2D",) * depth,
        "up_block_types": ("UpDecoderBlock2D",) * depth,
        "latent_channels": 4,
    }
    return AutoencoderKL(**config)


def _with_random_weights(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """`module` in memory: norms as they begin, everything else small enough that nothing overflows."""
    module = module.to(dtype).to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    run = torch.randn(_RUN, generator=generator)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not tensor.is_floating_point():
            tensor.data = torch.arange(tensor.numel()).view(tensor.shape)  # position ids
        elif tensor.dim() < 2:
            tensor.data.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
        else:
            inputs = tensor[0].numel()
            repeats = -(-tensor.numel() // _RUN)
            scaled = (run * inputs**-0.5).to(dtype)
            tensor.data.copy_(scaled.repeat(repeats)[: tensor.numel()].view(tensor.shape))
    return module


def _stable_diffusion(scheduler: Callable[[], Any]) -> Callable[[Path, dict[str, Any]], Any]:
    def build(folder: Path, made: dict[str, Any]) -> Any:
        return StableDiffusionPipeline(
            **made,
            tokenizer=tokenizer(folder),
            scheduler=scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )

    return build


def _xl(folder: Path, made: dict[str, Any]) -> Any:
    scheduler = EulerDiscreteScheduler(**_BETAS, steps_offset=1, timestep_spacing="leading")
    tokenizers = {"tokenizer": tokenizer(folder), "tokenizer_2": tokenizer(folder)}
    return StableDiffusionXLPipeline(**made, **tokenizers, scheduler=scheduler)


def _upscaler(folder: Path, made: dict[str, Any]) -> Any:
    return StableDiffusionUpscalePipeline(
        **made,
        tokenizer=tokenizer(folder),
        low_res_scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2"),
        scheduler=DDIMScheduler(clip_sample=False, prediction_type="v_prediction"),
    )


_PIPELINES: dict[str, Callable[[Path, dict[str, Any]], Any]] = {
    "sd-1.5": _stable_diffusion(
        lambda: PNDMScheduler(**_BETAS, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)
    ),
    "sd-2.1": _stable_diffusion(
        lambda: DDIMScheduler(
            **_BETAS, set_alpha_to_one=False, steps_offset=1, clip_sample=False, prediction_type="v_prediction"
        )
    ),
    "sdxl": _xl,
    "x4-upscaler": _upscaler,
}
