"""The storybook's preview decoder: latents to a rough picture, for a GPU to show while it is drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor
from torch.nn import functional

from generation.storybook.autoencoder import Pictures, as_tensor, halved, learning_rate
from generation.storybook.scenes import CELLS

BATCH = 8
PATCH = 64


def build_preview_decoder() -> AutoencoderTiny:
    """A fresh tiny autoencoder, of which only the decoder is trained and used."""
    return AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(24, 24, 24, 24),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
        scaling_factor=1.0,
    )


class PreviewTraining:
    """Teaches the preview decoder the pictures of the autoencoder's latents."""

    def __init__(
        self,
        *,
        autoencoder: AutoencoderKL,
        pictures: Pictures,
        device: torch.device,
        seed: int,
        highest_rate: float = 2e-3,
    ) -> None:
        torch.manual_seed(seed)
        self.autoencoder, self.pictures, self.device = autoencoder, pictures, device
        self.highest_rate = highest_rate
        self.model = build_preview_decoder().to(device)
        self.optimizer = torch.optim.AdamW(self.model.decoder.parameters(), betas=(0.9, 0.99))
        self.random = np.random.default_rng(seed)

    def _batch(self) -> Tensor:
        crops = []
        for index in self.random.integers(len(self.pictures), size=BATCH):
            x, y = (self.random.integers((self.pictures.shape[1] - PATCH) // CELLS + 1, size=2) * CELLS).tolist()
            crops.append(self.pictures[index, y : y + PATCH, x : x + PATCH])
        return as_tensor(np.stack(crops), self.device)

    def step(self, share: float) -> float:
        """One step of training at this share of the time; returns the loss."""
        pictures = self._batch()
        with halved(self.device):
            with torch.no_grad():
                latents = self.autoencoder.encode(pictures).latent_dist.mode()
            made = self.model.decode(latents).sample
        loss = functional.l1_loss(made.float(), pictures)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(share, highest=self.highest_rate)
        self.optimizer.step()
        return float(loss.detach())

    def state(self) -> dict[str, object]:
        """Everything needed to go on later."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.bit_generator.state = state["random"]
