"""One recipe -> its pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from generation import Mode, Recipe, Scheduler
from generation.worker.engine import NoNumbers
from tests.recipes import a_recipe
from tests.unit.generation.worker.conftest import SetUp

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STOCHASTIC = (Scheduler.EULER_A, Scheduler.DPM_SDE, Scheduler.DPM_2M_SDE, Scheduler.LCM)


def small(**values: Any) -> Recipe:
    return a_recipe(**{"width": 64, "height": 64, "num_inference_steps": 3, "seeds": (0,)} | values)


def from_source(**values: Any) -> Recipe:
    return small(**{"mode": Mode.IMAGE_TO_IMAGE, "source": "a" * 64, "strength": 0.7} | values)


@pytest.fixture
def gradient(tmp_path: Path) -> Path:
    rows = np.linspace(0, 255, 64, dtype=np.uint8)
    Image.fromarray(np.stack([np.add.outer(rows // 2, rows // 2)] * 3, axis=-1)).save(tmp_path / "source.png")
    return tmp_path / "source.png"


@pytest.mark.parametrize("scheduler", [Scheduler.DDIM, *STOCHASTIC])
@pytest.mark.parametrize(
    ("kind", "text_class", "image_class"),
    [
        ("sd1", StableDiffusionPipeline, StableDiffusionImg2ImgPipeline),
        ("sdxl", StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline),
    ],
)
def test_a_seed_means_what_it_means_in_diffusers(
    set_up: SetUp, gradient: Path, kind: str, text_class: Any, image_class: Any, scheduler: Scheduler
) -> None:
    easel = set_up(kind)
    recipe = small(scheduler=scheduler, seeds=(7,))
    options = {"num_inference_steps": 3, "guidance_scale": 4.0}

    ours = easel.draw(recipe).images[0]
    plain = text_class(**easel.loaded.pipeline(recipe.mode, scheduler, steps=3).components)
    theirs = plain("a red cat", width=64, height=64, generator=torch.Generator().manual_seed(7), **options).images[
        0
    ]
    assert ours.tobytes() == theirs.tobytes()

    ours = easel.draw(from_source(scheduler=scheduler, seeds=(7,)), source=gradient).images[0]
    plain = image_class(**easel.loaded.pipeline(recipe.mode, scheduler, steps=3).components)
    with Image.open(gradient) as source:
        theirs = plain(
            "a red cat", image=source, strength=0.7, generator=torch.Generator().manual_seed(7), **options
        ).images[0]
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(("kind", "scheduler"), [("sdxl", Scheduler.DDIM), *(("sd1", each) for each in Scheduler)])
def test_a_batch_gives_very_nearly_the_pictures_that_their_seeds_give_alone(
    set_up: SetUp, gradient: Path, kind: str, scheduler: Scheduler
) -> None:
    for recipe, source in ((small, None), (from_source, gradient)):
        together = set_up(kind, batches=True).arrays(recipe(scheduler=scheduler, seeds=(1, 2)), source=source)
        alone = [
            set_up(kind).arrays(recipe(scheduler=scheduler, seeds=(seed,)), source=source)[0] for seed in (1, 2)
        ]
        for one, other in zip(together, alone, strict=True):
            assert _distance(one, other) <= 2
        assert _distance(*together) > 10


@pytest.mark.parametrize("scheduler", [Scheduler.DDIM, *STOCHASTIC])
@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_a_seed_means_the_same_in_half_precision(
    set_up: SetUp, gradient: Path, scheduler: Scheduler, kind: str
) -> None:
    for recipe, source in ((small(scheduler=scheduler), None), (from_source(scheduler=scheduler), gradient)):
        precise, rough = (
            set_up(kind, dtype=dtype).arrays(recipe, source=source)[0] for dtype in (torch.float32, torch.bfloat16)
        )
        other = set_up(kind).arrays(small(scheduler=scheduler, seeds=(1,)))[0]
        assert np.mean(_differences(precise, rough)) < 3 < np.mean(_differences(precise, other))


def test_all_modes_share_every_part(set_up: SetUp) -> None:
    for kind in ("sd1", "sdxl"):
        text, *others = set_up(kind, dtype=torch.bfloat16).loaded.pipelines.values()
        for name in ("unet", "vae", "text_encoder", "tokenizer"):
            assert all(getattr(each, name) is getattr(text, name) for each in others)
        assert text.unet.dtype is torch.bfloat16


def test_every_run_has_a_scheduler_of_its_own(set_up: SetUp) -> None:
    loaded = set_up("sd1").loaded
    one, two = (loaded.pipeline(Mode.TEXT_TO_IMAGE, Scheduler.DDIM, steps=3).scheduler for _ in range(2))

    assert one is not two
    assert one.config["beta_schedule"] == "scaled_linear"


class Enough(Exception):
    """Raised by a caller who has seen enough."""


def test_a_drawing_that_is_stopped_leaves_the_model_as_it_was(set_up: SetUp) -> None:
    easel, recipe = set_up("sd1"), small(scheduler=Scheduler.PLMS, num_inference_steps=5)
    before = easel.arrays(recipe)

    def stop(step: int, _steps: int) -> None:
        if step == 3:
            raise Enough

    with pytest.raises(Enough):
        easel.draw(recipe, on_step=stop)

    assert easel.arrays(recipe) == before


def test_steps_are_counted_over_all_batches(set_up: SetUp) -> None:
    recipe, seen = small(seeds=(1, 2, 3)), []
    set_up("sd1").draw(recipe, on_step=lambda *step: seen.append(step))
    assert seen == [(step, 9) for step in range(1, 10)]

    seen.clear()
    drawn = set_up("sd1", batches=True).draw(recipe, on_step=lambda *step: seen.append(step))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert drawn.environment.batch_size == 3


@contextmanager
def _overflowing(module: torch.nn.Module, dtypes: set[torch.dtype]) -> Iterator[list[torch.dtype]]:
    """Have `module` give infinities while it computes in one of `dtypes`; yields the ones that it was run in."""
    seen = []

    def overflow(module: torch.nn.Module, _given: Any, output: torch.Tensor) -> torch.Tensor:
        seen.append(output.dtype)
        return output * float("inf") if output.dtype in dtypes else output

    hook = module.register_forward_hook(overflow)
    try:
        yield seen
    finally:
        hook.remove()


def test_an_autoencoder_that_overflows_is_run_once_more_in_full_precision(set_up: SetUp) -> None:
    easel = set_up("sd1", dtype=torch.bfloat16)
    vae = easel.loaded.pipelines[Mode.TEXT_TO_IMAGE].vae
    expected = easel.draw(small()).images[0]

    with _overflowing(vae.decoder, {torch.bfloat16}) as seen:
        image = easel.draw(small()).images[0]

    assert seen == [torch.bfloat16, torch.float32]
    assert vae.dtype is torch.bfloat16
    assert np.mean(_differences(image.tobytes(), expected.tobytes())) < 3


def test_an_autoencoder_known_to_overflow_is_never_run_in_fp16(set_up: SetUp, gradient: Path) -> None:
    easel = set_up("sdxl", dtype=torch.float16)
    pipeline = easel.loaded.pipelines[Mode.TEXT_TO_IMAGE]

    with (
        _overflowing(pipeline.vae.decoder, set()) as decoded,
        _overflowing(pipeline.vae.encoder, set()) as encoded,
    ):
        easel.draw(from_source(), source=gradient)

    assert pipeline.vae.config.force_upcast
    assert decoded == encoded == [torch.float32]
    assert pipeline.vae.dtype is torch.float16


def test_a_picture_of_no_numbers_is_an_error_and_never_black(set_up: SetUp) -> None:
    easel = set_up("sd1", dtype=torch.bfloat16)
    pipeline = easel.loaded.pipelines[Mode.TEXT_TO_IMAGE]

    with (
        _overflowing(pipeline.vae.decoder, {torch.bfloat16, torch.float32}),
        pytest.raises(NoNumbers, match="fp32"),
    ):
        easel.draw(small())
    with _overflowing(pipeline.unet.conv_out, {torch.bfloat16}), pytest.raises(NoNumbers, match="bfloat16"):
        easel.draw(small())


def _differences(one: bytes, other: bytes) -> Any:
    return np.abs(np.frombuffer(one, np.uint8).astype(int) - np.frombuffer(other, np.uint8))


def _distance(one: bytes, other: bytes) -> int:
    return int(_differences(one, other).max())
