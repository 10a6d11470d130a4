"""diffusers' schedulers behind the names that people know."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler, PNDMScheduler

from generation import Scheduler
from generation.schedulers import FLOW_SCHEDULERS
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
NOISE_MODEL = {**V_MODEL, "prediction_type": "epsilon"}
FLOW_MODEL = FlowMatchEulerDiscreteScheduler(shift=3.0).config
SHIFTED_BY_SIZE = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True).config
ADDS_NOISE = (
    Scheduler.EULER_A,
    Scheduler.DPM2_A,
    Scheduler.DPM2_A_KARRAS,
    Scheduler.DPM_SDE,
    Scheduler.DPM_SDE_KARRAS,
    Scheduler.DPM_2M_SDE,
    Scheduler.DPM_2M_SDE_KARRAS,
    Scheduler.DPM_2M_SDE_EXPONENTIAL,
    Scheduler.DPM_3M_SDE,
    Scheduler.DPM_3M_SDE_EXPONENTIAL,
    Scheduler.DDPM,
    Scheduler.LCM,
    Scheduler.TCD,
)
DISTILLED = (Scheduler.LCM, Scheduler.TCD)
MIDDLE, WIDTH = 0.3, 0.5  # of the values that the perfect networks below have learnt


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
        kept = (made.config.get("algorithm_type"), made.config.get("solver_order"))
        ways.add((type(made).__name__, sigmas, kept))

    assert len(ways) == len(Scheduler)
    assert len(Scheduler) <= 25  # choices of an option on Discord


def drawn(made: Any, predict: Any, *, values: int = 4096) -> torch.Tensor:
    """What `made` makes of noise with the network `predict`, a function of the latents and the time."""
    chance = torch.Generator().manual_seed(0)
    sample = torch.randn(1, values, generator=chance) * getattr(made, "init_noise_sigma", 1.0)
    takes = inspect.signature(made.step).parameters
    more = {"generator": [chance]} if "generator" in takes else {}
    for time in made.timesteps:
        scaled = made.scale_model_input(sample, time) if hasattr(made, "scale_model_input") else sample
        sample = made.step(predict(scaled, float(time)), time, sample, **more, return_dict=False)[0]
    return sample


def noise_in(latents: torch.Tensor, time: float) -> torch.Tensor:
    """What a perfect network says is noise in `latents` of a normal distribution."""
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0)
    alpha = float(np.exp(np.interp(time, np.arange(1000), np.log(alphas.numpy()))))
    variance = alpha * WIDTH**2 + 1 - alpha
    return (1 - alpha) ** 0.5 * (latents - alpha**0.5 * MIDDLE) / variance


def flow_in(latents: torch.Tensor, time: float) -> torch.Tensor:
    """Which way a perfect network of rectified flow says that `latents` came."""
    sigma = time / 1000
    variance = (1 - sigma) ** 2 * WIDTH**2 + sigma**2
    distance = latents - (1 - sigma) * MIDDLE
    return (sigma - (1 - sigma) * WIDTH**2) / variance * distance - MIDDLE


@pytest.mark.parametrize("scheduler", [each for each in Scheduler if each not in DISTILLED])
def test_a_perfect_network_is_drawn_as_it_is(scheduler: Scheduler) -> None:
    made = build(scheduler, NOISE_MODEL, steps=60, dtype=torch.float32)
    made.set_timesteps(60)
    sample = drawn(made, noise_in)
    assert sample.mean().item() == pytest.approx(MIDDLE, abs=0.03)
    # Those that add noise come nearer more slowly.
    assert sample.std().item() == pytest.approx(WIDTH, abs=0.07 if scheduler in ADDS_NOISE else 0.03)


@pytest.mark.parametrize("scheduler", DISTILLED)
def test_few_steps_suffice_for_a_network_that_knows_the_way(scheduler: Scheduler) -> None:
    made = build(scheduler, NOISE_MODEL, steps=4, dtype=torch.float32)
    made.set_timesteps(4)
    assert drawn(made, noise_in).mean().item() == pytest.approx(MIDDLE, abs=0.03)


@pytest.mark.parametrize("scheduler", FLOW_SCHEDULERS)
@pytest.mark.parametrize(("model", "told"), [(FLOW_MODEL, {}), (SHIFTED_BY_SIZE, {"mu": 0.8})])
def test_a_perfect_network_of_rectified_flow_is_drawn_as_it_is(
    scheduler: Scheduler, model: Any, told: dict[str, float]
) -> None:
    made = build(scheduler, model, steps=60, dtype=torch.float32)
    made.set_timesteps(60, **told)
    sample = drawn(made, flow_in)
    assert sample.mean().item() == pytest.approx(MIDDLE, abs=0.03)
    assert sample.std().item() == pytest.approx(WIDTH, abs=0.03)


@pytest.mark.parametrize("scheduler", FLOW_SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_few_steps_of_rectified_flow_end_in_numbers(scheduler: Scheduler, steps: int) -> None:
    made = build(scheduler, FLOW_MODEL, steps=steps, dtype=torch.float32)
    made.set_timesteps(steps)
    assert drawn(made, flow_in).isfinite().all()


def test_all_schedulers_of_rectified_flow_take_the_models_own_steps() -> None:
    for scheduler in FLOW_SCHEDULERS:
        made = build(scheduler, SHIFTED_BY_SIZE, steps=5, dtype=torch.float32)
        made.set_timesteps(sigmas=[1.0, 0.8, 0.6, 0.4, 0.2], mu=1.1)
        own = FlowMatchEulerDiscreteScheduler.from_config(SHIFTED_BY_SIZE)
        own.set_timesteps(sigmas=[1.0, 0.8, 0.6, 0.4, 0.2], mu=1.1)
        assert made.num_inference_steps == 5
        assert made.timesteps.unique().tolist() == own.timesteps.unique().tolist()


def test_a_scheduler_for_no_rectified_flow_is_refused() -> None:
    with pytest.raises(ValueError, match="these are: Euler, Heun, DPM\\+\\+ 2M, UniPC"):
        build(Scheduler.DDIM, FLOW_MODEL, steps=5, dtype=torch.float32)


def test_only_those_that_add_noise_ask_for_it() -> None:
    for scheduler in Scheduler:
        made = build(scheduler, NOISE_MODEL, steps=5, dtype=torch.float32)
        made.set_timesteps(5)
        chance = torch.Generator().manual_seed(0)
        untouched = chance.get_state()
        sample = torch.ones(1, 4, 4, 4) * made.init_noise_sigma
        takes = inspect.signature(made.step).parameters
        for time in made.timesteps[:2]:
            made.scale_model_input(sample, time)
            made.step(sample, time, sample, **({"generator": [chance]} if "generator" in takes else {}))
        assert torch.equal(chance.get_state(), untouched) == (scheduler not in ADDS_NOISE)


def test_settings_of_a_karras_model_do_not_leak_into_a_plain_name() -> None:
    karras = built(Scheduler.DPM_2M_KARRAS).config
    made = build(Scheduler.DPM_2M, karras, steps=5, dtype=torch.float32)

    assert not made.config["use_karras_sigmas"]


@pytest.mark.parametrize("scheduler", ADDS_NOISE)
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
