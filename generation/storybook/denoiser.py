"""Text encoder and UNet of the storybook, trained together on the latents of the autoencoder.

The UNet gets the words twice: by attention where its grid is coarse, and pooled into every block through the
time embedding (`addition_embed_type="text"`), which is how colour and place reach the fine levels cheaply.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generation.storybook.autoencoder import FACTOR, NATIVE, halved, learning_rate, update_average
from generation.storybook.captions import describe
from generation.storybook.optimizer import Muon
from generation.storybook.palette import COLOUR_NAMES
from generation.storybook.scenes import CELLS, SHAPES, Scene, Size, pick, seeded
from generation.storybook.vocabulary import LENGTH

TEXT_WIDTH = 128
BATCH = 32
EMPTY_SHARE = 0.1
STRAY_SHARE = 0.06
REPAINTED = 5  # of so many pictures one is a repaint
HOLDING = 6  # and in one of so many somebody holds something, or sits on it, beside those that do by chance
REPAINT_TIMES = (200, 700)


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A fresh text encoder of three layers."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=TEXT_WIDTH * 3,
            projection_dim=TEXT_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="eager",
        )
    )


def build_unet() -> UNet2DConditionModel:
    """A fresh UNet on 32 by 32 latents, thin where the grid is fine; plain attention is faster on a CPU."""
    unet = UNet2DConditionModel(
        sample_size=NATIVE // FACTOR,
        in_channels=4,
        out_channels=4,
        block_out_channels=(32, 96, 128, 160),
        layers_per_block=(0, 1, 1, 1),
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )
    unet.set_attn_processor(AttnProcessor())
    return unet


def build_scheduler() -> DDIMScheduler:
    """The noise schedule: linear, so noisy at its end that nothing of the picture is left, v-prediction."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.0001,
        beta_end=0.02,
        beta_schedule="linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


@dataclass(frozen=True, kw_only=True)
class Repaints:
    """Some scenes of a pool, by their index `of`, with their figure in another colour, and latents of that."""

    of: list[int]
    scenes: list[Scene]
    latents: Tensor


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Scenes of one shape, and their latents (count, 4, height / 8, width / 8)."""

    scenes: list[Scene]
    latents: Tensor
    repaints: Repaints | None = None

    @cached_property
    def holding(self) -> list[list[int]]:
        """The indices of the scenes with each item."""
        found: dict[str, list[int]] = {}
        for index, scene in enumerate(self.scenes):
            for item in {figure.item for figure in scene.figures if figure.item}:
                found.setdefault(item, []).append(index)
        return list(found.values())


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns: noise is put on `given`, and `clean` is wanted, for the words of `tokens`.

    The two differ where a figure is to be repainted; `times` are the timesteps (count,).
    """

    given: Tensor
    clean: Tensor
    tokens: Tensor
    times: Tensor


Pools = dict[tuple[int, int], Pool]


class DenoiserTraining:
    """Trains text encoder and UNet step by step; what `state` gives, `restore` takes back."""

    def __init__(
        self,
        *,
        pools: Pools,
        tokenizer: CLIPTokenizer,
        device: torch.device,
        seed: int,
        highest_rate: float = 2.5e-3,
        batch: int = BATCH,
    ) -> None:
        torch.manual_seed(seed)
        self.pools, self.tokenizer, self.device = pools, tokenizer, device
        self.highest_rate, self.batch = highest_rate, batch
        self.model = nn.ModuleDict({"text": build_text_encoder(tokenizer), "unet": build_unet()}).to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's types lack it
        self.average = copy.deepcopy(self.model).requires_grad_(requires_grad=False)
        self.optimizer = Muon(self.model, plain=("embedding", "conv_in", "conv_out"), weight_decay=0.01)
        self.alphas = build_scheduler().alphas_cumprod.to(device)
        self.random = seeded(seed)
        self.choice = np.random.default_rng(seed)
        self.noise = torch.Generator().manual_seed(seed)
        self.steps = 0

    def start_from(self, folder: Path) -> None:
        """Begins with the weights of a model folder of the same shape instead of fresh ones."""
        for model in (self.model, self.average):
            text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", dtype=torch.float32)
            unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", dtype=torch.float32)
            model["text"].load_state_dict(text.state_dict())
            model["unet"].load_state_dict(unet.state_dict())

    def _caption(self, scene: Scene) -> str:
        """A caption of the scene, at times empty, at times with a word in it that nobody knows."""
        if self.random.random() < EMPTY_SHARE:
            return ""
        words = describe(scene, self.random).split()
        if self.random.random() < STRAY_SHARE:
            letters = "".join(self.random.choices("aeioulnrstdmckpghb", k=self.random.randint(3, 8)))
            words.insert(self.random.randrange(len(words) + 1), letters)
        return " ".join(words)

    def batch_of(self) -> Batch:
        """Some scenes of one shape."""
        shape = pick(self.random, SHAPES)
        pool = self.pools[shape]
        count = self.batch * CELLS * CELLS // (shape[0] * shape[1])
        indices = self.choice.integers(len(pool.scenes), size=count)
        if pool.holding:
            indices[::HOLDING] = [
                self.random.choice(self.random.choice(pool.holding)) for _ in range(0, count, HOLDING)
            ]
        captions = [self._caption(pool.scenes[index]) for index in indices.tolist()]
        clean = pool.latents[torch.from_numpy(indices)].float()
        given, times = clean.clone(), self.times(count)
        if pool.repaints is not None:
            for place in range(REPAINTED - 1, count, REPAINTED):
                self._repaint(pool, pool.repaints, place, captions, given, clean, times)
        return Batch(
            given=given.to(self.device, memory_format=torch.channels_last),
            clean=clean.to(self.device, memory_format=torch.channels_last),
            tokens=self.tokens(captions),
            times=times.to(self.device),
        )

    def _repaint(
        self,
        pool: Pool,
        repaints: Repaints,
        place: int,
        captions: list[str],
        given: Tensor,
        clean: Tensor,
        times: Tensor,
    ) -> None:
        """Put a repaint at `place` of a batch: image to image, of which words alone would teach nothing.

        What is given is the old picture, or some of it, as it is after a few steps. Where the figure is, and how
        large, has to be seen in it: the caption is that of an ordinary one in the middle.
        """
        which = self.random.randrange(len(repaints.of))
        scene = repaints.scenes[which]
        plain = [
            replace(figure, size=Size.NORMAL, left=(scene.columns - figure.side) / 2) for figure in scene.figures
        ]
        caption = describe(replace(scene, figures=tuple(plain)), self.random)
        if not any(name in caption for figure in scene.figures for name in COLOUR_NAMES[figure.colour]):
            return
        captions[place] = caption
        clean[place] = repaints.latents[which].float()
        left = min(1.0, 2 * self.random.random())
        given[place] = torch.lerp(clean[place], pool.latents[repaints.of[which]].float(), left)
        times[place] = self.random.randrange(*REPAINT_TIMES)

    def tokens(self, captions: list[str]) -> Tensor:
        """The tokens (count, 40) of captions."""
        found: Tensor = self.tokenizer(
            captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
        return found.to(self.device)

    def times(self, count: int) -> Tensor:
        """Timesteps (count,): every second one spread evenly, the others crowded around two fifths of the way.

        There a shape is decided; the noise at both ends says less about it.
        """
        spread = (torch.arange(count) + torch.rand(count, generator=self.noise)) / count
        spread[1::2] = torch.sigmoid(torch.special.ndtri(spread[1::2].clamp(1e-4, 1 - 1e-4)) * 0.9 - 0.4)
        return (spread * len(self.alphas)).long()

    def step(self, share: float) -> float:
        """One step of training at this share of the time; returns the loss."""
        batch = self.batch_of()
        kept = self.alphas[batch.times].sqrt().view(-1, 1, 1, 1)
        added = (1 - self.alphas[batch.times]).sqrt().view(-1, 1, 1, 1)
        noise = torch.randn(batch.clean.shape, generator=self.noise).to(batch.clean)
        noisy = kept * batch.given + added * noise
        noise += kept / added * (batch.given - batch.clean)  # all that has to go
        with halved(self.device):
            words = self.model["text"](batch.tokens).last_hidden_state
            made = self.model["unet"](noisy, batch.times, encoder_hidden_states=words).sample
        loss = functional.mse_loss(made.float(), kept * noise - added * batch.clean)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step(learning_rate(share, highest=self.highest_rate))
        self.steps += 1
        update_average(self.average, self.model, min(0.998, 1 - 1 / (10 + self.steps)))
        return float(loss.detach())

    def state(self) -> dict[str, object]:
        """Everything needed to go on later."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.getstate(),
            "choice": self.choice.bit_generator.state,
            "noise": self.noise.get_state(),
            "steps": self.steps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.setstate(state["random"])
        self.choice.bit_generator.state = state["choice"]
        self.noise.set_state(state["noise"])
        self.steps = state["steps"]
