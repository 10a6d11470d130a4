"""The diffusers class and settings behind each scheduler's name."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    HeunDiscreteScheduler,
    KDPM2AncestralDiscreteScheduler,
    KDPM2DiscreteScheduler,
    LCMScheduler,
    LMSDiscreteScheduler,
    PNDMScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)

from generation.schedulers import FLOW_SCHEDULERS, Scheduler

_NEARLY_ONE = 1 - 1e-6  # the strongest noise of which solvers can still take a logarithm


class _Tcd(TCDScheduler):  # type: ignore[misc] # diffusers is untyped
    """TCD with the share of noise that its authors advise; a pipeline that saw it would set it to none."""

    def step(
        self,
        model_output: torch.Tensor,
        timestep: Any,
        sample: torch.Tensor,
        generator: Any = None,
        return_dict: bool = True,
    ) -> Any:
        return super().step(model_output, timestep, sample, generator=generator, return_dict=return_dict)


class _AlongTheFlow:
    """For solvers that go along a rectified flow: their steps are those of the model's own scheduler.

    Whatever that does to its steps (a shift by the size of the picture) is done once, for all of them.
    """

    own: FlowMatchEulerDiscreteScheduler
    sigmas: torch.Tensor
    timesteps: torch.Tensor
    add_noise: Callable[..., torch.Tensor]

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: Any = None,
        sigmas: Sequence[float] | None = None,
        mu: float | None = None,
    ) -> None:
        self.own.set_timesteps(num_inference_steps, device=device, sigmas=sigmas, mu=mu)
        super().set_timesteps(self.own.num_inference_steps, device=device)  # type: ignore[misc] # of the other base
        self.sigmas = self.own.sigmas.clamp(max=_NEARLY_ONE).cpu()
        self.timesteps = self.own.timesteps

    def scale_noise(self, sample: torch.Tensor, timestep: Any, noise: torch.Tensor) -> torch.Tensor:
        return self.add_noise(sample, noise, timestep)


class _DpmFlow(_AlongTheFlow, DPMSolverMultistepScheduler):  # type: ignore[misc] # diffusers is untyped
    """DPM-Solver++ for a model of rectified flow."""


class _UniPcFlow(_AlongTheFlow, UniPCMultistepScheduler):  # type: ignore[misc] # diffusers is untyped
    """UniPC for a model of rectified flow."""


class _HeunFlow(FlowMatchHeunDiscreteScheduler):  # type: ignore[misc] # diffusers is untyped
    """Heun for a model of rectified flow: every step of its own scheduler but the last is taken twice."""

    own: FlowMatchEulerDiscreteScheduler

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: Any = None,
        sigmas: Sequence[float] | None = None,
        mu: float | None = None,
    ) -> None:
        self.own.set_timesteps(num_inference_steps, device=device, sigmas=sigmas, mu=mu)
        super().set_timesteps(self.own.num_inference_steps, device=device)
        first, *rest = self.own.timesteps.split(1)
        self.timesteps = torch.cat([first, *(each for each in rest for _ in range(2))])
        start, *middle, end = self.own.sigmas.split(1)
        self.sigmas = torch.cat([start, *(each for each in middle for _ in range(2)), end])


# Latents are not confined to -1..1, so a class whose own default clips them must be told not to.
_LATENT = {"clip_sample": False, "thresholding": False}
_PLAIN = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
_KARRAS = {**_PLAIN, "use_karras_sigmas": True}
_EXPONENTIAL = {**_PLAIN, "use_exponential_sigmas": True}
_DPM = {
    **_LATENT,
    **_PLAIN,
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "final_sigmas_type": "zero",
    "lower_order_final": True,
}
_SDE = {**_DPM, "algorithm_type": "sde-dpmsolver++"}
_SDE_3 = {**_SDE, "solver_order": 3}

_CLASSES: Mapping[Scheduler, tuple[Any, Mapping[str, Any]]] = {
    Scheduler.DDIM: (DDIMScheduler, _LATENT),
    Scheduler.PLMS: (PNDMScheduler, {"skip_prk_steps": True}),
    Scheduler.EULER: (EulerDiscreteScheduler, _PLAIN),
    Scheduler.EULER_KARRAS: (EulerDiscreteScheduler, _KARRAS),
    Scheduler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Scheduler.HEUN: (HeunDiscreteScheduler, {**_PLAIN, "clip_sample": False}),
    Scheduler.DPM2: (KDPM2DiscreteScheduler, _PLAIN),
    Scheduler.DPM2_KARRAS: (KDPM2DiscreteScheduler, _KARRAS),
    Scheduler.DPM2_A: (KDPM2AncestralDiscreteScheduler, _PLAIN),
    Scheduler.DPM2_A_KARRAS: (KDPM2AncestralDiscreteScheduler, _KARRAS),
    Scheduler.LMS: (LMSDiscreteScheduler, _PLAIN),
    Scheduler.DPM_2M: (DPMSolverMultistepScheduler, _DPM),
    Scheduler.DPM_2M_KARRAS: (DPMSolverMultistepScheduler, {**_DPM, **_KARRAS}),
    # Not DPMSolverSDEScheduler, which draws its noise from a tree of seeds of its own and not from the picture's.
    Scheduler.DPM_SDE: (DPMSolverSinglestepScheduler, _SDE),
    Scheduler.DPM_SDE_KARRAS: (DPMSolverSinglestepScheduler, {**_SDE, **_KARRAS}),
    Scheduler.DPM_2M_SDE: (DPMSolverMultistepScheduler, _SDE),
    Scheduler.DPM_2M_SDE_KARRAS: (DPMSolverMultistepScheduler, {**_SDE, **_KARRAS}),
    Scheduler.DPM_2M_SDE_EXPONENTIAL: (DPMSolverMultistepScheduler, {**_SDE, **_EXPONENTIAL}),
    Scheduler.DPM_3M_SDE: (DPMSolverMultistepScheduler, _SDE_3),
    Scheduler.DPM_3M_SDE_EXPONENTIAL: (DPMSolverMultistepScheduler, {**_SDE_3, **_EXPONENTIAL}),
    Scheduler.DEIS: (
        DEISMultistepScheduler,
        {**_PLAIN, "thresholding": False, "algorithm_type": "deis", "solver_type": "logrho", "solver_order": 2},
    ),
    Scheduler.UNIPC: (UniPCMultistepScheduler, {**_PLAIN, "thresholding": False}),
    Scheduler.DDPM: (DDPMScheduler, {**_LATENT, "variance_type": "fixed_small"}),
    Scheduler.LCM: (LCMScheduler, _LATENT),
    Scheduler.TCD: (_Tcd, _LATENT),
}
_DISTILLED_STEPS = 50  # what consistency models are distilled from; more steps than that need a longer list

_FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_FLOW_CLASSES: Mapping[Scheduler, tuple[Any, Mapping[str, Any]]] = {
    Scheduler.HEUN: (_HeunFlow, {}),
    Scheduler.DPM_2M: (_DpmFlow, _FLOW),
    Scheduler.UNIPC: (_UniPcFlow, _FLOW),
}


def build(scheduler: Scheduler, trained_with: Mapping[str, Any], *, steps: int, dtype: torch.dtype) -> Any:
    """A fresh diffusers scheduler for `steps` steps.

    `trained_with` is the model's own scheduler configuration: its betas and what it predicts are kept. In half
    precision each step is still computed in fp32, so that the noise that some schedulers add is drawn in fp32 too.
    Raises ValueError for one that does not go with a model of rectified flow.
    """
    if "shift" in trained_with:  # how a rectified flow is told
        built = _along_the_flow(scheduler, trained_with)
    else:
        kind, changes = _CLASSES[scheduler]
        settings = {**trained_with, **changes}
        if scheduler in {Scheduler.LCM, Scheduler.TCD}:
            settings["original_inference_steps"] = max(_DISTILLED_STEPS, steps)
        built = kind.from_config(settings)
    if dtype is not torch.float32:
        built.step = _in_float32(built.step)
    return built


def _along_the_flow(scheduler: Scheduler, trained_with: Mapping[str, Any]) -> Any:
    own = FlowMatchEulerDiscreteScheduler.from_config({**trained_with, "stochastic_sampling": False})
    if scheduler is Scheduler.EULER:
        return own
    if scheduler not in _FLOW_CLASSES:
        raise ValueError(f"{scheduler} is for no model of rectified flow; these are: {', '.join(FLOW_SCHEDULERS)}")
    kind, settings = _FLOW_CLASSES[scheduler]
    built = kind(num_train_timesteps=own.config.num_train_timesteps, **settings)
    built.own = own
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
