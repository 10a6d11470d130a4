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
    DDPMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    LCMScheduler,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionDepth2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import ByteLevel, Metaspace
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessorPil,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

from tests import original_layout

START, END = "<|startoftext|>", "<|endoftext|>"


def small_sd1(folder: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    """A diffusers folder shaped like Stable Diffusion 1.x."""
    pipeline = StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(width=16, act="quick_gelu")).eval(),
        tokenizer=tokenizer(folder),
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
        tokenizer=tokenizer(folder),
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
        tokenizer=tokenizer(folder),
        tokenizer_2=tokenizer(folder),
        unet=unet,
        scheduler=EulerDiscreteScheduler(**_BETAS, steps_offset=1, timestep_spacing="leading"),
    )
    return _save(pipeline, folder, dtype)


def small_turbo(folder: Path) -> Path:
    """A diffusers folder shaped like SD Turbo: Stable Diffusion 2 that predicts noise, for one step."""
    pipeline = StableDiffusionPipeline(
        **_sd2_parts(folder),
        unet=_unet(cross_attention_dim=32, attention_head_dim=[2, 4], use_linear_projection=True),
        scheduler=EulerDiscreteScheduler(**_BETAS, steps_offset=1, timestep_spacing="trailing"),
        **_UNFILTERED,
    )
    return _save(pipeline, folder, torch.float32)


def small_lcm(folder: Path) -> Path:
    """A diffusers folder shaped like LCM Dreamshaper: Stable Diffusion 1 that is told the guidance."""
    pipeline = StableDiffusionPipeline(
        **_sd1_parts(folder),
        unet=_unet(cross_attention_dim=16, time_cond_proj_dim=32),
        scheduler=LCMScheduler(**_BETAS),
        **_UNFILTERED,
    )
    return _save(pipeline, folder, torch.float32)


def small_inpainting(folder: Path) -> Path:
    """A diffusers folder shaped like Stable Diffusion 1.5 for inpainting: nine channels of input."""
    pipeline = StableDiffusionInpaintPipeline(
        **_sd1_parts(folder),
        unet=_unet(cross_attention_dim=16, in_channels=9),
        scheduler=_pndm(),
        **_UNFILTERED,
    )
    return _save(pipeline, folder, torch.float32)


def small_sd2_inpainting(folder: Path) -> Path:
    """A diffusers folder shaped like Stable Diffusion 2 for inpainting."""
    pipeline = StableDiffusionInpaintPipeline(
        **_sd2_parts(folder),
        unet=_unet(cross_attention_dim=32, attention_head_dim=[2, 4], use_linear_projection=True, in_channels=9),
        scheduler=_pndm(),
        **_UNFILTERED,
    )
    return _save(pipeline, folder, torch.float32)


def small_depth(folder: Path) -> Path:
    """A diffusers folder shaped like Stable Diffusion 2 with depth: five channels, and a depth estimator."""
    torch.manual_seed(5)
    depth = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        is_hybrid=False,
    )
    pipeline = StableDiffusionDepth2ImgPipeline(
        **_sd2_parts(folder),
        unet=_unet(cross_attention_dim=32, attention_head_dim=[2, 4], use_linear_projection=True, in_channels=5),
        scheduler=_pndm(),
        depth_estimator=DPTForDepthEstimation(depth).eval(),
        feature_extractor=DPTImageProcessorPil(size={"height": 32, "width": 32}),
    )
    return _save(pipeline, folder, torch.float32)


def small_upscaler(folder: Path) -> Path:
    """A diffusers folder shaped like the x4 upscaler: seven channels, and an autoencoder of factor four."""
    vae = _vae(
        block_out_channels=(8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        scaling_factor=0.08333,
    )
    pipeline = StableDiffusionUpscalePipeline(
        **_sd2_parts(folder) | {"vae": vae},
        unet=_unet(
            cross_attention_dim=32,
            attention_head_dim=4,
            use_linear_projection=True,
            in_channels=7,
            num_class_embeds=1000,
            only_cross_attention=(True, False),
        ),
        low_res_scheduler=DDPMScheduler(**_BETAS),
        scheduler=DDIMScheduler(**_BETAS, clip_sample=False, prediction_type="v_prediction"),
    )
    return _save(pipeline, folder, torch.float32)


def small_sd3(folder: Path) -> Path:
    """A diffusers folder shaped like Stable Diffusion 3.5 Medium, with its three text encoders."""
    torch.manual_seed(6)
    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=48,
        caption_projection_dim=32,
        pooled_projection_dim=16 + 32,
        pos_embed_max_size=16,
        dual_attention_layers=(0,),
        qk_norm="rms_norm",
    )
    pipeline = StableDiffusion3Pipeline(
        transformer=transformer.eval(),
        vae=_vae(**_SIXTEEN),
        text_encoder=CLIPTextModelWithProjection(_text_config(width=16, act="quick_gelu")).eval(),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(width=32, act="gelu")).eval(),
        text_encoder_3=_t5(width=48),
        tokenizer=tokenizer(folder),
        tokenizer_2=tokenizer(folder),
        tokenizer_3=_t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    return _save(pipeline, folder, torch.float32)


def small_flux(folder: Path, *, guided: bool = False) -> Path:
    """A diffusers folder shaped like FLUX.1 schnell, or like dev, which is told the guidance."""
    torch.manual_seed(7)
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=16,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=guided,
    )
    pipeline = FluxPipeline(
        transformer=transformer.eval(),
        vae=_vae(**_SIXTEEN),
        text_encoder=CLIPTextModel(_text_config(width=16, act="quick_gelu")).eval(),
        text_encoder_2=_t5(width=32),
        tokenizer=tokenizer(folder),
        tokenizer_2=_t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    return _save(pipeline, folder, torch.float32)


def single_file(folder: Path, file: Path, *, alone: bool = False) -> Path:
    """The small model in `folder` as one file in the original layout, .safetensors or .ckpt by its name.

    Its configuration and tokenizer are copied to `stem`.config beside it, where the worker looks for them. The
    network of FLUX may be `alone` in its file: then the weights of the other parts are copied there too.
    """
    pipeline = DiffusionPipeline.from_pretrained(folder)
    state = {name: part.state_dict() for name, part in pipeline.components.items() if hasattr(part, "state_dict")}
    parts = {"first_stage_model.": original_layout.autoencoder(state["vae"])}
    if "unet" in state:
        parts["model.diffusion_model."] = original_layout.unet(state["unet"])
    if "text_encoder_3" in state:
        parts["model.diffusion_model."] = original_layout.sd3_transformer(state["transformer"])
        parts["text_encoders.clip_l.transformer."] = original_layout.clip(state["text_encoder"])
        parts["text_encoders.clip_g.transformer."] = original_layout.clip(state["text_encoder_2"])
        parts["text_encoders.t5xxl.transformer."] = state["text_encoder_3"]
    elif isinstance(pipeline, FluxPipeline):
        parts["model.diffusion_model."] = original_layout.flux_transformer(state["transformer"])
        parts["text_encoders.clip_l.transformer."] = original_layout.clip(state["text_encoder"])
        parts["text_encoders.t5xxl.transformer."] = state["text_encoder_2"]
        if alone:
            parts = {"": parts["model.diffusion_model."]}
    elif "text_encoder_2" in state:
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
    kept = None if alone else _weights
    shutil.copytree(folder, file.with_suffix(".config"), ignore=kept, dirs_exist_ok=True)
    return file


def _weights(folder: str, names: list[str]) -> set[str]:
    """Those of `names` that are weights which a single file holds; a depth estimator is in none as it is."""
    return (
        set() if folder.endswith("depth_estimator") else {name for name in names if name.endswith(".safetensors")}
    )


_UNFILTERED: dict[str, Any] = {
    "safety_checker": None,
    "feature_extractor": None,
    "requires_safety_checker": False,
}
_SIXTEEN: dict[str, Any] = {
    "latent_channels": 16,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "scaling_factor": 1.5305,
    "shift_factor": 0.0609,
}
_BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _pndm() -> PNDMScheduler:
    return PNDMScheduler(**_BETAS, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)


def _sd1_parts(folder: Path) -> dict[str, Any]:
    encoder = CLIPTextModel(_text_config(width=16, act="quick_gelu")).eval()
    return {"vae": _vae(), "text_encoder": encoder, "tokenizer": tokenizer(folder)}


def _sd2_parts(folder: Path) -> dict[str, Any]:
    encoder = CLIPTextModel(_text_config(width=32, act="gelu")).eval()
    return {"vae": _vae(), "text_encoder": encoder, "tokenizer": tokenizer(folder)}


def _t5(*, width: int) -> T5EncoderModel:
    torch.manual_seed(width + 1)
    config = T5Config(
        vocab_size=300, d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    return T5EncoderModel(config).eval()


def _t5_tokenizer() -> T5TokenizerFast:
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    words += [(chr(number), -3.0) for number in range(33, 127)]
    tokenizer = Tokenizer(Unigram(words, unk_id=2))
    tokenizer.pre_tokenizer = Metaspace()
    return T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0, model_max_length=77)


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


def tokenizer(folder: Path) -> CLIPTokenizer:
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


def with_safety_checker(folder: Path, *, flags: bool) -> Path:
    """Give the model in `folder` a small safety checker that flags every picture, or none of them."""
    part: dict[str, Any] = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    part |= {"num_attention_heads": 2, "projection_dim": 8}
    torch.manual_seed(3)
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(
            projection_dim=8,
            vision_config=part | {"image_size": 32, "patch_size": 16},
            text_config=part | {"vocab_size": 16},
        )
    )
    # A picture is flagged where it is more alike to a concept than that concept's weight: from -1 to 1.
    checker.concept_embeds_weights.data.fill_(-2.0 if flags else 2.0)
    checker.special_care_embeds_weights.data.fill_(2.0)
    checker.save_pretrained(folder / "safety_checker")
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    CLIPImageProcessor(**sizes).save_pretrained(folder / "feature_extractor")
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder
