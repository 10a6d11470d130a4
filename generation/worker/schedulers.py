"""The diffusers class and settings behind each scheduler's name."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)

from generation.schedulers import Scheduler

# Latents are not confined to -1..1, so a class whose own default clips them must be told not to.
_LATENT = {"clip_sample": False, "thresholding": False}
_PLAIN_SIGMAS = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
_DPM = {
    **_LATENT,
    **_PLAIN_SIGMAS,
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "final_sigmas_type": "zero",
}

_CLASSES: Mapping[Scheduler, tuple[Any, Mapping[str, Any]]] = {
    Scheduler.DDIM: (DDIMScheduler, _LATENT),
    Scheduler.PLMS: (PNDMScheduler, {"skip_prk_steps": True}),
    Scheduler.EULER: (EulerDiscreteScheduler, _PLAIN_SIGMAS),
    Scheduler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Scheduler.HEUN: (HeunDiscreteScheduler, {**_PLAIN_SIGMAS, "clip_sample": False}),
    Scheduler.DPM_2M: (DPMSolverMultistepScheduler, _DPM),
    Scheduler.DPM_2M_KARRAS: (DPMSolverMultistepScheduler, {**_DPM, "use_karras_sigmas": True}),
    Scheduler.UNIPC: (UniPCMultistepScheduler, {**_PLAIN_SIGMAS, "thresholding": False}),
    Scheduler.LCM: (LCMScheduler, _LATENT),
}
_LCM_STEPS = 50  # what latent consistency models are distilled from; more steps than that need a longer list


def build(scheduler: Scheduler, trained_with: Mapping[str, Any], *, steps: int, dtype: torch.dtype) -> Any:
    """A fresh diffusers scheduler for `steps` steps.

    `trained_with` is the model's own scheduler configuration: its betas and what it predicts are kept. In half
    precision each step is still computed in fp32, so that the noise that some schedulers add is drawn in fp32 too.
    """
    kind, changes = _CLASSES[scheduler]
    settings = {**trained_with, **changes}
    if scheduler is Scheduler.LCM:
        settings["original_inference_steps"] = max(_LCM_STEPS, steps)
    built = kind.from_config(settings)
    if dtype is not torch.float32:
        built.step = _in_float32(built.step)
    return built


def _in_float32(step: Callable[..., tuple[torch.Tensor, ...]]) -> Callable[..., tuple[torch.Tensor, ...]]:
    # wraps: pipelines look into the signature to see which arguments a scheduler takes
    @functools.wraps(step)
    def step_in_float32(
        model_output: torch.Tensor, timestep: Any, sample: torch.Tensor, **options: Any
    ) -> tuple[torch.Tensor, ...]:
        first, *rest = step(model_output.float(), timestep, sample.float(), **options)
        return (first.to(sample.dtype), *rest)

    return step_in_float32
