"""Every family draws in every mode, with every scheduler, and a seed means in it what it means in diffusers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    FluxPipeline,
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3InpaintPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from generation import Mode, Recipe, Scheduler, Size
from generation.mode import Margins
from generation.schedulers import FLOW_SCHEDULERS
from tests.recipes import a_recipe
from tests.unit.generation.worker.conftest import Easel, SetUp, pixels_of

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KINDS = ("sd1", "sd2", "sdxl", "sd3", "flux")
FLOWS = ("sd3", "flux")
MODES = (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINT, Mode.OUTPAINT, Mode.BLEND)
_STABLE_DIFFUSION = {
    Mode.TEXT_TO_IMAGE: StableDiffusionPipeline,
    Mode.IMAGE_TO_IMAGE: StableDiffusionImg2ImgPipeline,
    Mode.INPAINT: StableDiffusionInpaintPipeline,
}
THEIRS = {
    "sd1": _STABLE_DIFFUSION,
    "sd2": _STABLE_DIFFUSION,
    "sdxl": {
        Mode.TEXT_TO_IMAGE: StableDiffusionXLPipeline,
        Mode.IMAGE_TO_IMAGE: StableDiffusionXLImg2ImgPipeline,
        Mode.INPAINT: StableDiffusionXLInpaintPipeline,
    },
    "sd3": {
        Mode.TEXT_TO_IMAGE: StableDiffusion3Pipeline,
        Mode.IMAGE_TO_IMAGE: StableDiffusion3Img2ImgPipeline,
        Mode.INPAINT: StableDiffusion3InpaintPipeline,
    },
    "flux": {
        Mode.TEXT_TO_IMAGE: FluxPipeline,
        Mode.IMAGE_TO_IMAGE: FluxImg2ImgPipeline,
        Mode.INPAINT: FluxInpaintPipeline,
    },
}


def schedulers_of(kind: str) -> tuple[Scheduler, ...]:
    return FLOW_SCHEDULERS if kind in FLOWS else tuple(Scheduler)


def asked(kind: str, mode: Mode = Mode.TEXT_TO_IMAGE, **values: Any) -> Recipe:
    """A recipe of that mode for a picture of 64x64, in as few steps as show the matter."""
    own: dict[Mode, dict[str, Any]] = {
        Mode.TEXT_TO_IMAGE: {"num_inference_steps": 2},
        Mode.IMAGE_TO_IMAGE: {"strength": 0.5},
        Mode.INPAINT: {"strength": 0.5, "mask": "b" * 64},
        Mode.OUTPAINT: {"strength": 0.5, "margins": Margins(left=0, top=0, right=32, bottom=0), "width": 96},
        Mode.DEPTH: {"strength": 0.5},
        Mode.BLEND: {"strength": 0.5, "blend": 0.5},
        Mode.UPSCALE: {"width": 256, "height": 256, "num_inference_steps": 2},
    }
    basics: dict[str, Any] = {"mode": mode, "width": 64, "height": 64, "num_inference_steps": 4, "seeds": (7,)}
    source = {"source": "a" * 64} if mode.takes_source else {}
    scheduler = {"scheduler": Scheduler.EULER} if kind in FLOWS else {}
    return a_recipe(**basics | source | scheduler | own[mode] | values)


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean distance of two pictures' pixels, of 255."""
    return float(np.abs(pixels_of(one) - pixels_of(other)).mean())


def in_diffusers(easel: Easel, kind: str, recipe: Recipe, picture: Path, mask: Path) -> Image.Image:
    """What the library itself makes of `recipe`, prompt and all."""
    made = easel.loaded.pipeline(recipe.mode, recipe.scheduler, steps=recipe.num_inference_steps)
    guided = "true_cfg_scale" if kind == "flux" else "guidance_scale"
    given: dict[str, Any] = {guided: recipe.guidance_scale, "negative_prompt": recipe.negative_prompt}
    if kind == "flux":
        given["max_sequence_length"] = 256
    if recipe.mode is not Mode.IMAGE_TO_IMAGE or kind in FLOWS:
        given |= {"width": recipe.width, "height": recipe.height}
    with Image.open(picture) as image, Image.open(mask) as shape:
        if recipe.mode.takes_source:
            given |= {"image": image, "strength": recipe.strength}
        if recipe.mode is Mode.INPAINT:
            given["mask_image"] = shape
            given["output_type"] = "latent" if kind == "sd3" else "pil"
        drawn = THEIRS[kind][recipe.mode](**made.components)(
            recipe.prompt,
            num_inference_steps=recipe.num_inference_steps,
            generator=torch.Generator().manual_seed(recipe.seeds[0]),
            **given,
        )
    # Where this pipeline decodes by itself, it forgets the mean of the latents.
    if kind == "sd3" and recipe.mode is Mode.INPAINT:
        vae = made.vae
        latents = drawn.images / vae.config.scaling_factor + vae.config.shift_factor
        with torch.inference_mode():
            decoded = vae.decode(latents, return_dict=False)[0]
        return made.image_processor.postprocess(decoded, output_type="pil")[0]
    return drawn.images[0]


@pytest.mark.parametrize("mode", [Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINT])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_means_what_it_means_in_diffusers(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    easel = set_up(kind)
    # Easel puts the old picture back over what was to be kept: what is well within the mask can be compared.
    inside = np.s_[:, 40:] if mode is Mode.INPAINT else np.s_[:, :]
    for scheduler in schedulers_of(kind) if kind in FLOWS else (Scheduler.DPM_2M_SDE, Scheduler.DPM2_A):
        recipe = asked(kind, mode, scheduler=scheduler, negative_prompt="fog")
        ours = easel.draw(recipe, source=picture, mask=mask).images[0]
        if scheduler is Scheduler.HEUN and kind == "flux" and mode.takes_source:
            continue  # diffusers counts its steps twice there, and begins behind their end
        theirs = in_diffusers(easel, kind, recipe, picture, mask)
        assert np.abs(pixels_of(ours) - pixels_of(theirs))[inside].max() == 0, scheduler


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *((kind, mode) for kind in KINDS for mode in MODES),
        ("depth", Mode.DEPTH),
        ("upscaler", Mode.UPSCALE),
        ("inpainting", Mode.INPAINT),
    ],
)
def test_every_scheduler_draws_in_every_mode(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    easel = set_up(kind)
    other = easel.draw(asked(kind, mode, seeds=(8,)), source=picture, mask=mask).images[0]
    for scheduler in schedulers_of(kind):
        told: list[tuple[int, int]] = []
        recipe = asked(kind, mode, scheduler=scheduler)
        image = easel.draw(
            recipe, source=picture, mask=mask, on_step=lambda step, steps, told=told: told.append((step, steps))
        ).images[0]
        assert image.size == (recipe.width, recipe.height)
        total = told[-1][1]
        # The upscaler's pipeline does not tell of the half steps that some schedulers take.
        expected = sorted(dict(told)) if mode is Mode.UPSCALE else list(range(1, total + 1))
        assert [step for step, _ in told] == expected
        assert total >= recipe.steps_run == 2
        assert apart(image, other) > 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", FLOWS)
def test_a_batch_gives_very_nearly_the_pictures_that_their_seeds_give_alone(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    for scheduler in FLOW_SCHEDULERS:
        recipe = asked(kind, mode, scheduler=scheduler, seeds=(1, 2))
        together = set_up(kind, batches=True).draw(recipe, source=picture, mask=mask).images
        alone = set_up(kind).draw(recipe, source=picture, mask=mask).images
        assert all(apart(one, other) < 1 for one, other in zip(together, alone, strict=True))
        assert apart(*together) > 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", FLOWS)
def test_a_seed_means_the_same_in_half_precision(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    for scheduler in FLOW_SCHEDULERS:
        recipe = asked(kind, mode, scheduler=scheduler)
        precise, rough = (
            set_up(kind, dtype=dtype).draw(recipe, source=picture, mask=mask).images[0]
            for dtype in (torch.float32, torch.bfloat16)
        )
        other = set_up(kind).draw(asked(kind, mode, seeds=(8,)), source=picture, mask=mask).images[0]
        assert apart(precise, rough) < 4 < apart(precise, other)


@pytest.mark.parametrize("mode", [Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINT])
@pytest.mark.parametrize("kind", FLOWS)
def test_a_variation_lies_between_its_two_seeds(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    def drawn(**values: Any) -> Image.Image:
        return set_up(kind).draw(asked(kind, mode, **values), source=picture, mask=mask).images[0]

    start, near, end = (drawn(variation=amount, variation_seeds=(8,)) for amount in (0.0, 0.2, 1.0))
    assert start.tobytes() == drawn().tobytes()
    assert end.tobytes() == drawn(seeds=(8,)).tobytes()
    assert 0 < apart(start, near) < apart(start, end)


@pytest.mark.parametrize("kind", FLOWS)
def test_a_picture_above_the_native_size_is_drawn_in_two_passes(set_up: SetUp, kind: str) -> None:
    told: list[tuple[int, int]] = []
    recipe = asked(kind, width=128, height=96, first_size=Size(width=64, height=48), num_inference_steps=5)
    drawn = set_up(kind).draw(recipe, on_step=lambda *step: told.append(step))

    assert told == [(step, 6) for step in range(1, 7)]  # five small and one large one
    assert drawn.images[0].size == (128, 96)


class Enough(Exception):
    """Raised by a caller who has seen enough."""


@pytest.mark.parametrize("mode", [Mode.TEXT_TO_IMAGE, Mode.INPAINT])
@pytest.mark.parametrize("kind", FLOWS)
def test_a_drawing_that_is_stopped_leaves_the_model_as_it_was(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    def stop(_step: int, _steps: int) -> None:
        raise Enough

    easel, recipe = set_up(kind), asked(kind, mode, scheduler=Scheduler.HEUN)
    before = easel.draw(recipe, source=picture, mask=mask).images[0]
    with pytest.raises(Enough):
        easel.draw(recipe, source=picture, mask=mask, on_step=stop)
    assert easel.draw(recipe, source=picture, mask=mask).images[0].tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", FLOWS)
def test_all_modes_share_every_part(set_up: SetUp, kind: str) -> None:
    text, *others = set_up(kind, dtype=torch.bfloat16).loaded.pipelines.values()
    assert others
    for name in ("transformer", "vae", "text_encoder", "text_encoder_2", "tokenizer"):
        assert all(getattr(each, name) is getattr(text, name) for each in others)
    assert text.transformer.dtype is torch.bfloat16


def test_flux_hears_the_negative_prompt_where_there_is_guidance(set_up: SetUp) -> None:
    plain, against, unguided, unheard = (
        set_up("flux").draw(asked("flux", **values)).images[0].tobytes()
        for values in (
            {},
            {"negative_prompt": "fog"},
            {"guidance_scale": 0.0},
            {"guidance_scale": 0.0, "negative_prompt": "fog"},
        )
    )
    assert len({plain, against, unguided}) == 3
    assert unguided == unheard
