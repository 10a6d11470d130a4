"""diffusers' schedulers behind the names that people know."""

import inspect
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, PNDMScheduler

from generation import Scheduler
from generation.worker.schedulers import build

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

V_MODEL = DDIMScheduler(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    prediction_type="v_prediction",
    clip_sample=True,
    steps_offset=1,
).config


def built(scheduler: Scheduler, *, dtype: torch.dtype = torch.float32, steps: int = 5) -> Any:
    made = build(scheduler, V_MODEL, steps=steps, dtype=dtype)
    made.set_timesteps(steps)
    return made


@pytest.mark.parametrize("scheduler", Scheduler)
def test_what_the_model_was_trained_with_is_kept(scheduler: Scheduler) -> None:
    config = built(scheduler).config

    assert config["prediction_type"] == "v_prediction"
    assert (config["beta_start"], config["beta_end"], config["beta_schedule"]) == (0.00085, 0.012, "scaled_linear")


@pytest.mark.parametrize("scheduler", Scheduler)
def test_latents_are_never_clipped(scheduler: Scheduler) -> None:
    made = built(scheduler)
    knows = inspect.signature(type(made).__init__).parameters

    for way in ("clip_sample", "thresholding"):
        assert way not in knows or not made.config[way]


def test_each_name_is_another_way() -> None:
    ways = set()
    for scheduler in Scheduler:
        made = built(scheduler, steps=7)
        sigmas = tuple(made.sigmas.tolist()) if hasattr(made, "sigmas") else ()
        ways.add((type(made).__name__, sigmas))

    assert len(ways) == len(Scheduler)


def test_settings_of_a_karras_model_do_not_leak_into_a_plain_name() -> None:
    karras = built(Scheduler.DPM_2M_KARRAS).config
    made = build(Scheduler.DPM_2M, karras, steps=5, dtype=torch.float32)

    assert not made.config["use_karras_sigmas"]


@pytest.mark.parametrize("scheduler", [Scheduler.EULER_A, Scheduler.LCM])
def test_noise_of_a_step_is_the_same_in_half_precision(scheduler: Scheduler) -> None:
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        made = built(scheduler, dtype=dtype)
        sample = torch.linspace(-1, 1, 64).view(1, 4, 4, 4).to(dtype)
        generator = [torch.Generator().manual_seed(0)]
        stepped = made.step(sample, made.timesteps[0], sample, generator=generator, return_dict=False)[0]
        assert stepped.dtype is dtype
        results.append(stepped.float())

    assert torch.allclose(*results, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("scheduler", Scheduler)
def test_pipelines_still_see_which_arguments_a_step_takes(scheduler: Scheduler) -> None:
    plain, half = (
        inspect.signature(built(scheduler, dtype=dtype).step) for dtype in (torch.float32, torch.bfloat16)
    )

    assert plain == half


def test_plms_needs_no_warming_up() -> None:
    slow = PNDMScheduler.from_config(V_MODEL, skip_prk_steps=False).config

    assert len(built(Scheduler.PLMS).timesteps) == 6
    assert build(Scheduler.PLMS, slow, steps=5, dtype=torch.float32).config["skip_prk_steps"]
