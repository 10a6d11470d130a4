"""The finished storybook: written as a plain diffusers folder, read back, and looked at."""

from __future__ import annotations

import copy
import json
import shutil
import time
from pathlib import Path
from textwrap import wrap

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image, ImageDraw
from transformers import CLIPTextModel, CLIPTokenizer

from generation.storybook.autoencoder import HELD_OUT_SEED
from generation.storybook.captions import describe
from generation.storybook.denoiser import build_scheduler
from generation.storybook.scenes import invent, seeded

LABEL_HEIGHT = 28


def export(
    folder: Path,
    *,
    autoencoder: AutoencoderKL,
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    preview: AutoencoderTiny,
) -> int:
    """Writes fp16 weights as `StableDiffusionPipeline.from_pretrained` reads them; returns the bytes written.

    The preview decoder lies beside them in `preview_decoder`, an `AutoencoderTiny`. The folder is written beside
    its name first, so that a reader never meets half a model.
    """
    pipeline = StableDiffusionPipeline(
        vae=copy.deepcopy(autoencoder).to("cpu", torch.float16).to(memory_format=torch.contiguous_format),
        text_encoder=copy.deepcopy(text_encoder).to("cpu", torch.float16),
        tokenizer=tokenizer,
        unet=copy.deepcopy(unet).to("cpu", torch.float16),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    fresh = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline.save_pretrained(fresh, safe_serialization=True)
    copy.deepcopy(preview).to("cpu", torch.float16).save_pretrained(fresh / "preview_decoder")
    # transformers loads in the precision that the config names and diffusers in fp32: without this, a plain
    # `from_pretrained` has a pipeline of two precisions.
    config = fresh / "text_encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def open_pipeline(folder: Path, device: torch.device) -> StableDiffusionPipeline:
    """Loads a model folder in fp32, without network and without a progress bar."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, safety_checker=None, local_files_only=True
    ).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def held_out_prompts(count: int) -> list[str]:
    """Captions of scenes that no training set holds."""
    prompts = []
    for index in range(count):
        random = seeded(HELD_OUT_SEED + index)
        prompts.append(describe(invent(random), random))
    return prompts


def draw_prompts(
    pipeline: StableDiffusionPipeline, prompts: list[str], *, steps: int, guidance: float, seed: int = 0
) -> list[Image.Image]:
    """One picture a prompt, eight at a time, each with a seed of its own from `seed` on."""
    pictures: list[Image.Image] = []
    for start in range(0, len(prompts), 8):
        some = prompts[start : start + 8]
        generators = [torch.Generator().manual_seed(seed + start + index) for index in range(len(some))]
        pictures += pipeline(some, num_inference_steps=steps, guidance_scale=guidance, generator=generators).images
    return pictures


def contact_sheet(pictures: list[Image.Image], prompts: list[str]) -> Image.Image:
    """The pictures of one size with their prompts under them, eight in a row."""
    width, height = pictures[0].size
    columns = min(8, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * (height + LABEL_HEIGHT)), "white")
    canvas = ImageDraw.Draw(sheet)
    for index, (prompt, picture) in enumerate(zip(prompts, pictures, strict=True)):
        left, top = index % columns * width, index // columns * (height + LABEL_HEIGHT)
        sheet.paste(picture, (left, top))
        canvas.text((left + 2, top + height), "\n".join(wrap(prompt, 24)), fill="black", font_size=10)
    return sheet


def seconds_a_picture(pipeline: StableDiffusionPipeline, *, steps: int, guidance: float) -> float:
    """Wall time of one picture, the best of three."""
    times = []
    for seed in range(3):
        began = time.perf_counter()
        draw_prompts(pipeline, ["a red cat on the beach"], steps=steps, guidance=guidance, seed=seed)
        times.append(time.perf_counter() - began)
    return min(times)
