"""Every way of drawing, by small models of the real classes."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderTiny,
    StableDiffusionDepth2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLInpaintPipeline,
)
from PIL import Image
from safetensors.torch import save_file

from generation import Catalogue, ModelUnavailable, Place, Recipe, Scheduler, Size
from generation.inspection import inspect_model
from generation.mode import Margins, Mode
from generation.tiles import OVERLAP, TILE, tiles
from generation.worker.engine import Engine
from generation.worker.modes import SourceMissing
from generation.worker.noise import Source, slerp
from generation.worker.pipelines import Pipelines
from generation.worker.placement import place
from tests.recipes import a_recipe
from tests.unit.generation.worker.conftest import SetUp, pixels_of

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:In CPU autocast"),  # from the depth pipeline as diffusers has it
]

RIGHT = Margins(left=0, top=0, right=32, bottom=0)
CAN = [
    *((kind, mode) for kind in ("sd1", "sd2", "sdxl") for mode in (Mode.INPAINT, Mode.OUTPAINT)),
    ("inpainting", Mode.INPAINT),
    ("inpainting", Mode.OUTPAINT),
    ("depth", Mode.DEPTH),
    ("upscaler", Mode.UPSCALE),
]


def asked(mode: Mode, **values: Any) -> Recipe:
    """A recipe of that mode for a picture of 64x64."""
    own: dict[Mode, dict[str, Any]] = {
        Mode.TEXT_TO_IMAGE: {},
        Mode.IMAGE_TO_IMAGE: {"strength": 0.7},
        Mode.INPAINT: {"strength": 1.0, "mask": "b" * 64},
        Mode.OUTPAINT: {"strength": 1.0, "margins": RIGHT, "width": 96},
        Mode.DEPTH: {"strength": 0.8},
        Mode.UPSCALE: {"width": 256, "height": 256},
    }
    source = {"source": "a" * 64} if mode.takes_source else {}
    basics = {"mode": mode, "width": 64, "height": 64, "num_inference_steps": 3, "seeds": (7,)}
    return a_recipe(**basics | source | own[mode] | values)


@pytest.mark.parametrize(("kind", "mode"), CAN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_mode_draws_at_its_size_and_counts_its_steps(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode, dtype: torch.dtype
) -> None:
    told: list[tuple[int, int]] = []
    recipe = asked(mode)
    drawn = set_up(kind, dtype=dtype).draw(
        recipe, source=picture, mask=mask, on_step=lambda *step: told.append(step)
    )

    assert drawn.images[0].size == (recipe.width, recipe.height)
    assert told == [(step, recipe.steps_run) for step in range(1, recipe.steps_run + 1)]


@pytest.mark.parametrize(
    ("kind", "mode", "theirs"),
    [
        ("sd1", Mode.INPAINT, StableDiffusionInpaintPipeline),
        ("inpainting", Mode.INPAINT, StableDiffusionInpaintPipeline),
        ("sdxl", Mode.INPAINT, StableDiffusionXLInpaintPipeline),
        ("depth", Mode.DEPTH, StableDiffusionDepth2ImgPipeline),
    ],
)
@pytest.mark.parametrize("strength", [0.7, 1.0])
def test_a_seed_means_what_it_means_in_diffusers(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode, theirs: Any, strength: float
) -> None:
    easel = set_up(kind)
    recipe = asked(mode, strength=strength)
    ours = easel.draw(recipe, source=picture, mask=mask).images[0]

    plain = theirs(**easel.loaded.pipeline(mode, recipe.scheduler, steps=3).components)
    with Image.open(picture) as image, Image.open(mask) as shape:
        given = {"mask_image": shape, "width": 64, "height": 64} if mode is Mode.INPAINT else {}
        expected = plain(
            recipe.prompt,
            image=image,
            strength=strength,
            num_inference_steps=3,
            guidance_scale=recipe.guidance_scale,
            generator=torch.Generator().manual_seed(7),
            **given,
        ).images[0]
    # Easel puts the old picture back over what was to be kept: only what is well within the mask can be compared.
    inside = np.s_[:, 40:] if mode is Mode.INPAINT else np.s_[:, :]
    assert np.array_equal(pixels_of(ours)[inside], pixels_of(expected)[inside])


def test_one_tile_of_the_upscaler_is_what_diffusers_draws(set_up: SetUp, picture: Path) -> None:
    easel = set_up("upscaler")
    recipe = asked(Mode.UPSCALE)
    ours = easel.draw(recipe, source=picture).images[0]

    plain = StableDiffusionUpscalePipeline(
        **easel.loaded.pipeline(Mode.UPSCALE, recipe.scheduler, steps=3).components
    )
    generator = Source.of(7)
    latents = generator.draw((plain.vae.config.latent_channels, 64, 64))
    with Image.open(picture) as image:
        expected = plain(
            recipe.prompt,
            image=image,
            num_inference_steps=3,
            guidance_scale=recipe.guidance_scale,
            generator=generator,
            latents=latents,
        ).images[0]
    assert np.abs(pixels_of(ours) - pixels_of(expected)).max() <= 1


@pytest.mark.parametrize(("kind", "mode"), [each for each in CAN if each[1] in {Mode.INPAINT, Mode.OUTPAINT}])
def test_what_is_to_be_kept_is_kept_to_the_pixel_and_the_rest_is_drawn(
    set_up: SetUp, picture: Path, mask: Path, kind: str, mode: Mode
) -> None:
    drawn = pixels_of(set_up(kind).draw(asked(mode), source=picture, mask=mask).images[0])
    with Image.open(picture) as image:
        old = pixels_of(image)
    kept = np.s_[:, :32] if mode is Mode.INPAINT else np.s_[:, :64]

    assert np.array_equal(drawn[kept], old[kept])
    if mode is Mode.INPAINT:
        assert np.abs(drawn[:, 40:] - old[:, 40:]).mean() > 5
    else:
        assert drawn[:, 72:].std() > 5


def test_a_mask_of_another_size_lies_over_the_whole_picture(set_up: SetUp, picture: Path, tmp_path: Path) -> None:
    shape = Image.new("L", (16, 16), 0)
    shape.paste(255, (8, 0, 16, 16))
    shape.save(tmp_path / "small.png")
    drawn = pixels_of(
        set_up("sd1").draw(asked(Mode.INPAINT), source=picture, mask=tmp_path / "small.png").images[0]
    )
    with Image.open(picture) as image:
        assert np.array_equal(drawn[:, :30], pixels_of(image)[:, :30])


@pytest.mark.parametrize("missing", ["source", "mask"])
def test_a_picture_that_is_gone_is_said(set_up: SetUp, picture: Path, mask: Path, missing: str) -> None:
    files: dict[str, Path] = {"source": picture, "mask": mask} | {missing: picture.with_name("gone.png")}
    with pytest.raises(SourceMissing, match=r"gone\.png is gone"):
        set_up("sd1").draw(asked(Mode.INPAINT), **files)


def test_a_variation_lies_between_its_two_seeds(set_up: SetUp, picture: Path) -> None:
    easel = set_up("sd1")
    for mode in (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE):
        amounts = (0.0, 0.1, 0.6, 1.0)
        start, near, far, end = (
            easel.draw(asked(mode, variation=amount, variation_seeds=(8,)), source=picture).images[0]
            for amount in amounts
        )
        apart = [np.abs(pixels_of(each) - pixels_of(start)).mean() for each in (near, far, end)]
        assert start.tobytes() == easel.draw(asked(mode), source=picture).images[0].tobytes()
        assert end.tobytes() == easel.draw(asked(mode, seeds=(8,)), source=picture).images[0].tobytes()
        assert 0 < apart[0] < apart[1]


def test_a_small_decoder_takes_the_place_of_the_models_own(folders: dict[str, Path], tmp_path: Path) -> None:
    tensors = AutoencoderTiny().state_dict()
    save_file(tensors, tmp_path / "tiny.safetensors")
    model = inspect_model(str(folders["sd1"]))
    small = replace(model, name="small", decoder=Place(source=str(tmp_path / "tiny.safetensors")))
    placement = replace(place("cpu"), dtype=torch.float32)
    recipe = asked(Mode.TEXT_TO_IMAGE, width=64, height=64)
    own, tiny = (
        Engine(placement, {}).draw(Pipelines(placement).get(each), recipe, None, lambda *_: None)
        for each in (model, small)
    )
    # It gives eight pixels for a latent, the random model's own decoder fewer.
    assert own.images[0].tobytes() != tiny.images[0].tobytes()
    assert own.environment.model_revision != tiny.environment.model_revision

    lost = tensors.popitem()[0]
    save_file(tensors, tmp_path / "tiny.safetensors")
    with pytest.raises(ModelUnavailable, match=f"small decoder lacks {lost}"):
        Pipelines(placement).get(small)


def test_noise_on_the_way_from_one_seed_to_another_is_as_strong_as_noise() -> None:
    one, other = (Source.of(seed).draw((4, 32, 32)) for seed in (1, 2))
    for amount in (0.25, 0.5, 0.75):
        assert slerp(one, other, amount).std().item() == pytest.approx(1, abs=0.03)


def test_a_picture_above_the_native_size_is_drawn_in_two_passes(set_up: SetUp) -> None:
    easel = set_up("sd1")
    told: list[tuple[int, int]] = []
    recipe = asked(
        Mode.TEXT_TO_IMAGE,
        width=128,
        height=128,
        first_size=Size(width=64, height=64),
        num_inference_steps=8,
        seeds=(7, 8),
    )
    drawn = easel.draw(recipe, on_step=lambda *step: told.append(step))

    # Eight steps small and two large, for each of two pictures.
    assert told == [(step, 20) for step in range(1, 21)]
    assert [each.size for each in drawn.images] == [(128, 128)] * 2


def test_the_second_pass_keeps_what_the_first_one_drew() -> None:
    placement = place("cpu")
    model = Catalogue.read(default="storybook").find(None)
    loaded = Pipelines(placement).get(model)
    native = model.size.native
    small = asked(
        Mode.TEXT_TO_IMAGE,
        prompt="a red cat on the beach",
        width=native.width,
        height=native.height,
        num_inference_steps=8,
        guidance_scale=model.guidance.default,
        seeds=(2, 3, 4),
    )
    large = replace(small, width=2 * native.width, height=2 * native.height)
    engine = Engine(placement, {})
    one, two, plain = (
        [image.resize((16, 16)) for image in engine.draw(loaded, recipe, None, lambda *_: None).images]
        for recipe in (small, replace(large, first_size=native), large)
    )

    def apart(images: list[Image.Image]) -> float:
        pairs = zip(images, one, strict=True)
        return float(np.mean([np.abs(pixels_of(image) - pixels_of(first)).mean() for image, first in pairs]))

    assert apart(two) < apart(plain) / 2


@pytest.mark.parametrize(("width", "height"), [(128, 128), (200, 128), (512, 512), (96, 304), (1024, 136)])
def test_tiles_cover_every_pixel_and_overlap(width: int, height: int) -> None:
    covered = np.zeros((height, width), int)
    for tile in tiles(width, height):
        left, top, right, bottom = tile.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert tile.left % 8 == 0
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    if width > TILE:
        columns = sorted({tile.left for tile in tiles(width, height)})
        overlaps = [one + TILE - other for one, other in pairwise(columns)]
        assert min(overlaps) >= OVERLAP - 8


def test_an_upscaled_picture_has_no_seam_where_tiles_meet(set_up: SetUp, tmp_path: Path) -> None:
    Image.new("RGB", (150, 60), (200, 120, 40)).save(tmp_path / "plain.png")
    told: list[tuple[int, int]] = []
    recipe = asked(Mode.UPSCALE, width=600, height=240, num_inference_steps=1)
    drawn = set_up("upscaler").draw(recipe, source=tmp_path / "plain.png", on_step=lambda *step: told.append(step))

    assert drawn.images[0].size == (600, 240)
    assert told == [(1, 2), (2, 2)]
    columns = pixels_of(drawn.images[0]).astype(float).mean((0, 2))
    steps = np.abs(np.diff(columns))
    assert steps[80:520].max() < 4 * max(1.0, np.median(steps) * 4)


def test_half_the_pixels_come_from_the_same_upscaler(set_up: SetUp, picture: Path) -> None:
    drawn = set_up("upscaler").draw(asked(Mode.UPSCALE, width=128, height=128), source=picture)
    assert drawn.images[0].size == (128, 128)


@pytest.mark.parametrize("scheduler", list(Scheduler)[:3])
def test_a_batch_gives_what_its_seeds_give_alone(
    set_up: SetUp, picture: Path, mask: Path, scheduler: Scheduler
) -> None:
    for kind, mode in (("sd1", Mode.INPAINT), ("inpainting", Mode.INPAINT), ("depth", Mode.DEPTH)):
        recipe = asked(mode, seeds=(7, 8), scheduler=scheduler)
        together = set_up(kind, batches=True).draw(recipe, source=picture, mask=mask).images
        alone = set_up(kind).draw(recipe, source=picture, mask=mask).images
        for one, other in zip(together, alone, strict=True):
            assert np.abs(pixels_of(one) - pixels_of(other)).max() <= 2
