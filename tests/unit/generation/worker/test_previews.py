"""Previews show what the network takes for the picture, and cost next to nothing."""

import math
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from PIL import Image

from generation import Mode, Scheduler
from generation.inspection import inspect_model
from generation.schedulers import FLOW_SCHEDULERS
from generation.worker.pipelines import Pipelines
from generation.worker.previews import SHARE, SIDE, Previews, Sketchers
from generation.worker.schedulers import build
from tests.models import small_sd1, with_safety_checker
from tests.recipes import a_recipe
from tests.unit.generation.worker.conftest import SetUp
from tests.unit.generation.worker.test_schedulers import FLOW_MODEL, NOISE_MODEL, V_MODEL

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 12


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def nothing_owed(told: list[bytes]) -> Previews:
    """Previews of every step: no time goes by."""
    previews = Previews(clock=Clock())
    previews.begin(told.append, every=0.0)
    return previews


def opened(preview: bytes) -> Image.Image:
    with Image.open(BytesIO(preview)) as image:
        assert image.format == "JPEG"
        return image.convert("RGB")


def blank(_latents: torch.Tensor) -> Image.Image:
    return Image.new("RGB", (8, 8))


def estimates(scheduler: Any, network: Any) -> list[torch.Tensor]:
    """What is seen of each step, while `network` is asked for what it takes for noise or its like."""
    seen: list[torch.Tensor] = []
    previews = nothing_owed([])

    def keep(latents: torch.Tensor) -> torch.Tensor:
        seen.append(latents)
        return latents

    previews.watch(scheduler, keep, blank)
    source = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, 8, 8, generator=source) * getattr(scheduler, "init_noise_sigma", 1.0)
    adds_noise = "generator" in scheduler.step.__wrapped__.__code__.co_varnames
    for timestep in scheduler.timesteps:
        given = (
            scheduler.scale_model_input(latents, timestep) if hasattr(scheduler, "scale_model_input") else latents
        )
        options = {"generator": source} if adds_noise else {}
        latents = scheduler.step(network(given, timestep), timestep, latents, **options, return_dict=False)[0]
    return seen


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2))


def signal(scheduler: Any, timestep: torch.Tensor) -> float:
    """How much of the picture a network is shown at a timestep, which may lie between two of its training."""
    shares = np.sqrt(scheduler.alphas_cumprod.numpy())
    strengths = np.log(np.sqrt(1 - shares**2) / shares)
    return float(1 / np.hypot(1, np.exp(np.interp(float(timestep), np.arange(len(strengths)), strengths))))


@pytest.mark.parametrize("scheduler", Scheduler)
@pytest.mark.parametrize("trained", [NOISE_MODEL, V_MODEL], ids=["noise", "v"])
def test_what_a_perfect_network_knows_is_seen_at_every_step(
    scheduler: Scheduler, trained: Any, picture: torch.Tensor
) -> None:
    made = build(scheduler, trained, steps=STEPS, dtype=torch.float32)
    made.set_timesteps(STEPS)

    def network(given: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        share = signal(made, timestep)
        noise = (given - share * picture) / math.sqrt(1 - share**2)
        return noise if trained is NOISE_MODEL else share * noise - math.sqrt(1 - share**2) * picture

    seen = estimates(made, network)

    assert len(seen) >= STEPS // 2
    # Timesteps are rounded, which tells a network that is asked for the noise alone too much where there is most.
    sure = seen if trained is V_MODEL else seen[len(seen) // 2 :]
    assert max(float((each - picture).abs().mean()) for each in sure) < 0.06


@pytest.mark.parametrize("scheduler", FLOW_SCHEDULERS)
def test_what_a_perfect_network_of_a_flow_knows_is_seen_too(scheduler: Scheduler, picture: torch.Tensor) -> None:
    made = build(scheduler, FLOW_MODEL, steps=STEPS, dtype=torch.float32)
    made.set_timesteps(STEPS)

    seen = estimates(made, lambda given, timestep: (given - picture) / (float(timestep) / 1000))

    assert len(seen) == STEPS
    assert max(float((each - picture).abs().mean()) for each in seen) < 0.06


@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl", "sd3", "flux"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_picture_is_the_same_with_previews(set_up: SetUp, kind: str, dtype: torch.dtype) -> None:
    easel = set_up(kind, dtype=dtype, batches=True)
    scheduler = Scheduler.EULER if kind in {"sd3", "flux"} else Scheduler.EULER_A
    recipe = a_recipe(width=64, height=96, num_inference_steps=3, seeds=(1, 2), scheduler=scheduler)
    told: list[bytes] = []

    plain = easel.draw(recipe).images
    watched = easel.engine.draw(easel.loaded, recipe, None, lambda *_: None, previews=nothing_owed(told)).images

    assert [one.tobytes() for one in watched] == [one.tobytes() for one in plain]
    assert len(told) == 3
    assert {opened(preview).size for preview in told} == {(SIDE * 64 // 96, SIDE)}


@pytest.mark.parametrize("scheduler", [Scheduler.DDIM, Scheduler.EULER, Scheduler.DPM_2M, Scheduler.UNIPC])
def test_the_last_preview_is_very_nearly_the_picture(set_up: SetUp, scheduler: Scheduler) -> None:
    loaded = set_up("sd1").loaded
    pipeline = loaded.pipeline(Mode.TEXT_TO_IMAGE, scheduler, steps=20)
    decoded: list[np.ndarray[Any, Any]] = []

    def sketch(latents: torch.Tensor) -> Image.Image:
        decoded.append(pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample.numpy())
        return blank(latents)

    nothing = nothing_owed([])
    nothing.watch(pipeline.scheduler, lambda latents: latents, sketch)
    source = torch.Generator().manual_seed(3)
    result = pipeline(
        "a red cat", width=64, height=64, num_inference_steps=20, generator=source, output_type="np"
    ).images

    last, first = (
        np.abs(np.clip(each[0] / 2 + 0.5, 0, 1).transpose(1, 2, 0) - result[0]).mean()
        for each in (decoded[-1], decoded[0])
    )
    assert last < 0.02
    assert last < first / 4


def test_a_decoder_that_comes_with_a_model_is_read_beside_it(set_up: SetUp, tmp_path: Path) -> None:
    folder = small_sd1(tmp_path / "model")
    easel = set_up("sd1")
    model = inspect_model(str(folder))
    on_a_gpu = replace(easel.loaded.placement, device=torch.device("meta"))
    with torch.device("meta"):
        sketchers = Sketchers(on_a_gpu)
    by_map = sketchers.of(model, easel.loaded.whole, None)
    AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
    ).save_pretrained(folder / "preview_decoder")
    by_decoder = Sketchers(on_a_gpu).of(model, easel.loaded.whole, None)
    assert by_map is not None
    assert by_decoder is not None
    assert by_decoder.func is not by_map.func

    (folder / "preview_decoder" / "diffusion_pytorch_model.safetensors").write_bytes(b"half a file")
    spoilt = Sketchers(on_a_gpu).of(model, easel.loaded.whole, None)
    assert spoilt is not None
    assert spoilt.func is by_map.func


def test_nothing_is_shown_that_a_content_filter_has_yet_to_look_at(set_up: SetUp, tmp_path: Path) -> None:
    folder = with_safety_checker(small_sd1(tmp_path / "model"), flags=False)
    plain = set_up("sd1")
    loaded = Pipelines(plain.loaded.placement).get(inspect_model(str(folder)))
    recipe = a_recipe(width=64, height=64, num_inference_steps=3, seeds=(1,))
    told: list[bytes] = []

    plain.engine.draw(loaded, recipe, None, lambda *_: None, previews=nothing_owed(told))
    assert told == []

    without = replace(loaded, content_filter=None)
    plain.engine.draw(without, recipe, None, lambda *_: None, previews=nothing_owed(told))
    assert len(told) == 3


class Steps:
    """As much of a scheduler as is watched: the network's word is the picture."""

    config: ClassVar = {"prediction_type": "sample"}

    def add_noise(self, sample: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        del noise, timestep
        return sample

    def step(self, output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
        del output, timestep
        return sample


LATENTS, AT = torch.zeros(1, 4, 8, 8), torch.tensor(1)


def test_there_is_one_preview_in_each_interval_at_most() -> None:
    clock, told, steps = Clock(), [], Steps()
    previews = Previews(clock=clock)
    previews.watch(steps, lambda latents: latents, blank)
    previews.begin(told.append, every=2.0)
    counts = []
    for _ in range(9):
        clock.now += 0.75
        steps.step(LATENTS, AT, LATENTS)
        counts.append(len(told))
    assert counts == [0, 0, 1, 1, 1, 2, 2, 2, 3]

    previews.begin(told.append, every=None)
    clock.now += 100
    steps.step(LATENTS, AT, LATENTS)
    assert len(told) == 3


def test_previews_take_their_share_of_the_time_of_drawing_and_no_more() -> None:
    clock, told, steps = Clock(), [], Steps()
    previews = Previews(clock=clock)

    def dear(latents: torch.Tensor) -> Image.Image:
        clock.now += 0.3
        return blank(latents)

    previews.watch(steps, lambda latents: latents, dear)
    began = clock.now
    for _ in range(20):  # short jobs, of which a single preview would be a large part
        previews.begin(told.append, every=1.0)
        for _ in range(10):
            clock.now += 0.5
            steps.step(LATENTS, AT, LATENTS)
    spent = 0.3 * len(told)
    assert len(told) > 1
    assert spent - 0.3 <= SHARE * (clock.now - began)


def test_a_preview_that_fails_costs_neither_the_step_nor_another_try(caplog: pytest.LogCaptureFixture) -> None:
    told: list[bytes] = []
    steps, previews = Steps(), nothing_owed(told)

    def broken(_latents: torch.Tensor) -> Image.Image:
        raise RuntimeError("no such colour")

    previews.watch(steps, lambda latents: latents, broken)
    assert steps.step(LATENTS, AT, LATENTS) is LATENTS
    assert steps.step(LATENTS, AT, LATENTS) is LATENTS
    assert told == []
    assert len([record for record in caplog.records if record.exc_info]) == 1
