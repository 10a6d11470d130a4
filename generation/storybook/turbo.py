"""Storybook-turbo: the storybook's UNet taught to go in four steps, without guidance, where it went in twenty.

The teacher draws as it always does. Its way from noise to picture is cut into four stretches, and the student
learns to cover each in one DDIM step: after it, four steps of a plain pipeline end where the teacher ended
(progressive distillation, https://arxiv.org/abs/2202.00512, in one round and with the guidance included).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn
from torch.nn import functional

from generation.storybook.autoencoder import halved, learning_rate, update_average
from generation.storybook.denoiser import DenoiserTraining, build_scheduler
from generation.storybook.optimizer import Muon

STEPS = 4
STRETCH = 5
GUIDANCE = 2.0
WALKERS = 8
KEPT = 4096


def ddim(scheduler: DDIMScheduler, noisy: Tensor, made: Tensor, time: int, after: int) -> Tensor:
    """The latents at time `after` (-1: the clean picture) that a DDIM step makes of those at `time`.

    `made` is the model's v-prediction; both are tensors (n, 4, height, width).
    """
    kept, added, kept_after, added_after = _levels(scheduler, time, after)
    clean, noise = kept * noisy - added * made, added * noisy + kept * made
    return kept_after * clean + added_after * noise


def wanted(scheduler: DDIMScheduler, noisy: Tensor, reached: Tensor, time: int, after: int) -> Tensor:
    """The v-prediction with which one DDIM step leads from `noisy` to `reached`: `ddim` turned round."""
    kept, added, kept_after, added_after = _levels(scheduler, time, after)
    along = kept_after * kept + added_after * added
    return (reached - along * noisy) / (added_after * kept - kept_after * added)


def _levels(scheduler: DDIMScheduler, time: int, after: int) -> tuple[float, float, float, float]:
    """How much of the picture and of the noise is there at one time and at the other."""
    left = float(scheduler.alphas_cumprod[time])
    left_after = float(scheduler.alphas_cumprod[after]) if after >= 0 else float(scheduler.final_alpha_cumprod)
    return left**0.5, (1 - left) ** 0.5, left_after**0.5, (1 - left_after) ** 0.5


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Latents (4, height, width) before and after a stretch of the way, and the tokens of its caption."""

    before: Tensor
    after: Tensor
    tokens: Tensor
    stretch: int

    def goal(self, scheduler: DDIMScheduler, times: list[int]) -> Tensor:
        """The v-prediction that covers the stretch in one step; `times` are those of the teacher's steps."""
        start = self.stretch * STRETCH
        return wanted(scheduler, self.before, self.after, times[start], times[start + STRETCH])


class TurboTraining:
    """Teaches a copy of the teacher's UNet; what `state` gives, `restore` takes back.

    Some walkers go the teacher's way without end. Each stretch that they cover is a lesson, kept among the last
    `KEPT` ones, and every step learns the newest lessons and some of the old.
    """

    def __init__(self, teacher: DenoiserTraining, *, seed: int, highest_rate: float = 1e-3) -> None:
        torch.manual_seed(seed)
        self.teacher, self.device, self.highest_rate = teacher, teacher.device, highest_rate
        self.text, self.guide = teacher.average["text"], teacher.average["unet"]
        self.model = copy.deepcopy(self.guide).requires_grad_(requires_grad=True)
        self.average = copy.deepcopy(self.guide)
        self.optimizer = Muon(self.model, plain=("embedding", "conv_in", "conv_out"))
        self.scheduler = build_scheduler()
        self.scheduler.set_timesteps(STEPS * STRETCH)
        self.times = [*self.scheduler.timesteps.tolist(), -1]
        self.noise = torch.Generator().manual_seed(seed)
        self.lessons: list[Lesson] = []
        self.steps = 0
        self.stretch = 0
        self.latents, self.tokens = self._begin()

    def _begin(self) -> tuple[Tensor, Tensor]:
        """Fresh noise and captions for all walkers, in the shape of some pool."""
        batch = self.teacher.batch_of()
        latents = batch.clean[:WALKERS]
        return torch.randn(latents.shape, generator=self.noise).to(self.device), batch.tokens[:WALKERS]

    @torch.no_grad()
    def walk(self) -> list[Lesson]:
        """All walkers go one stretch, guided, and leave their lessons."""
        empty = self.teacher.tokens([""] * len(self.tokens))
        with halved(self.device):
            words = self.text(torch.cat([empty, self.tokens])).last_hidden_state
        start, latents = self.stretch * STRETCH, self.latents
        for index in range(start, start + STRETCH):
            time, after = self.times[index], self.times[index + 1]
            with halved(self.device):
                twice = torch.cat([latents, latents])
                plain, told = self.guide(twice, time, encoder_hidden_states=words).sample.float().chunk(2)
            latents = ddim(self.scheduler, latents, plain + GUIDANCE * (told - plain), time, after)
        fresh = [
            Lesson(before=before, after=after, tokens=tokens, stretch=self.stretch)
            for before, after, tokens in zip(self.latents, latents, self.tokens, strict=True)
        ]
        self.lessons = [*self.lessons, *fresh][-KEPT:]
        self.latents, self.stretch = latents, (self.stretch + 1) % STEPS
        if self.stretch == 0:
            self.latents, self.tokens = self._begin()
        return fresh

    def step(self, share: float) -> float:
        """One stretch of the teacher and one step of training at this share of the time; returns the loss."""
        fresh = self.walk()
        alike = [lesson for lesson in self.lessons if lesson.before.shape == fresh[0].before.shape]
        order = torch.randperm(len(alike), generator=self.noise)[: 3 * WALKERS].tolist()
        chosen = [*fresh, *(alike[index] for index in order)]
        noisy = torch.stack([lesson.before for lesson in chosen])
        goals = torch.stack([lesson.goal(self.scheduler, self.times) for lesson in chosen])
        times = torch.tensor([self.times[lesson.stretch * STRETCH] for lesson in chosen], device=self.device)
        with halved(self.device):
            with torch.no_grad():
                words = self.text(torch.stack([lesson.tokens for lesson in chosen])).last_hidden_state
            made = self.model(noisy, times, encoder_hidden_states=words).sample
        loss = functional.mse_loss(made.float(), goals)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step(learning_rate(share, highest=self.highest_rate))
        self.steps += 1
        update_average(self.average, self.model, min(0.99, 1 - 1 / (10 + self.steps)))
        return float(loss.detach())

    def state(self) -> dict[str, object]:
        """Everything needed to go on later; the lessons are made anew."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "noise": self.noise.get_state(),
            "steps": self.steps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.noise.set_state(state["noise"])
        self.steps = state["steps"]
