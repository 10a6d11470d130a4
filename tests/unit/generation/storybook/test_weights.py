"""The shipped model: a plain diffusers folder that draws what it is asked."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline

from generation.catalogue import Catalogue
from generation.storybook import captions, turbo
from generation.storybook.autoencoder import fidelity
from generation.storybook.export import contact_sheet, draw_prompts, held_out_prompts, open_pipeline
from generation.storybook.scenes import draw as draw_scene
from generation.storybook.scenes import invent, seeded

MODEL = Catalogue.read(default="storybook").find(None)
WEIGHTS = Path(captions.__file__).parent / "weights"
TURBO = Path(captions.__file__).parent / "turbo_weights"
NATIVE = MODEL.size.native.width
MEGABYTE = 1_000_000
STEPS = 12
GUIDANCE = MODEL.guidance.default


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    return open_pipeline(WEIGHTS, torch.device("cpu"))


def draw(pipeline: StableDiffusionPipeline, prompts: list[str]) -> np.ndarray:
    """Pictures (n, h, w, 3) of 0..1, all from the same noise."""
    generators = [torch.Generator().manual_seed(4) for _ in prompts]
    drawn = pipeline(
        prompts, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generators, output_type="np"
    )
    return np.asarray(drawn.images)


@pytest.mark.parametrize("folder", [WEIGHTS, TURBO])
def test_folder_is_small_enough_to_ship(folder: Path) -> None:
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    assert sum(sizes) <= 24 * MEGABYTE
    assert max(sizes) < 20 * MEGABYTE


@pytest.mark.parametrize("folder", [WEIGHTS, TURBO])
def test_folder_holds_no_code_and_no_pickle(folder: Path) -> None:
    assert {file.suffix for file in folder.rglob("*") if file.is_file()} == {".json", ".safetensors"}


def test_shipped_tokenizer_knows_its_words(pipeline: StableDiffusionPipeline) -> None:
    words = ("red", "purple", "cat", "mushroom", "rocket", "beach", "desert", "sunset", "tiny", "huge", "beside")
    assert not [word for word in words if len(pipeline.tokenizer.tokenize(word)) != 1]


def test_picture_has_the_native_size_and_comes_in_time(pipeline: StableDiffusionPipeline) -> None:
    began = time.process_time()
    picture = draw(pipeline, ["a red cat on the beach"])
    assert picture.shape == (1, NATIVE, NATIVE, 3)
    assert time.process_time() - began < 20


def test_same_seed_draws_the_same_picture(pipeline: StableDiffusionPipeline) -> None:
    once, again = (draw(pipeline, ["a blue house in the snow"]) for _ in range(2))
    assert np.array_equal(once, again)


def test_subject_takes_the_colour_that_is_asked(pipeline: StableDiffusionPipeline) -> None:
    red, blue = draw(pipeline, ["a big red heart in the snow", "a big blue heart in the snow"])
    middle = slice(NATIVE // 4, 3 * NATIVE // 4)
    redness = [(picture[middle, middle, 0] - picture[middle, middle, 2]).mean() for picture in (red, blue)]
    assert redness[0] > redness[1] + 0.2


def test_turbo_draws_nearly_what_its_teacher_draws_in_four_steps(pipeline: StableDiffusionPipeline) -> None:
    quick = open_pipeline(TURBO, torch.device("cpu"))
    prompts = ["a red cat on the beach", "a blue house in the snow", "an orange fish underwater"]
    theirs = np.asarray(draw_prompts(pipeline, prompts, steps=20, guidance=turbo.GUIDANCE)).astype(float)
    plain = np.asarray(draw_prompts(pipeline, prompts, steps=4, guidance=1.0)).astype(float)
    ours = np.asarray(draw_prompts(quick, prompts, steps=4, guidance=1.0)).astype(float)
    assert np.abs(ours - theirs).mean() < 0.6 * np.abs(plain - theirs).mean()


def test_preview_decoder_shows_what_the_latents_show(pipeline: StableDiffusionPipeline) -> None:
    decoder = AutoencoderTiny.from_pretrained(WEIGHTS / "preview_decoder", dtype=torch.float32)
    picture = torch.from_numpy(np.array(draw_scene(invent(seeded(7))))).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        latents = pipeline.vae.encode(picture).latent_dist.mode()
        shown = decoder.decode(latents).sample
    assert float((shown - picture).abs().mean()) < 0.12


def test_place_decides_the_light(pipeline: StableDiffusionPipeline) -> None:
    beach, night = draw(pipeline, ["a red cat on the beach", "a red cat at night"])
    top = slice(0, NATIVE // 3)
    assert beach[top].mean() > night[top].mean() + 0.25


def test_unknown_words_still_give_a_picture(pipeline: StableDiffusionPipeline) -> None:
    beach, forest = draw(pipeline, ["a zebra photograph on the beach", "a zebra photograph in the forest"])
    assert np.abs(beach - forest).mean() > 0.1


def test_autoencoder_gives_unseen_scenes_back(pipeline: StableDiffusionPipeline) -> None:
    assert fidelity(pipeline.vae, torch.device("cpu"), count=16) > 26.0


def test_contact_sheet_shows_every_prompt(pipeline: StableDiffusionPipeline) -> None:
    prompts = held_out_prompts(3)
    sheet = contact_sheet(draw_prompts(pipeline, prompts, steps=2, guidance=1.0), prompts)
    assert sheet.width == 3 * NATIVE
    assert sheet.height > NATIVE
