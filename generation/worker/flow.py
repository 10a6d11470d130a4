"""Pipelines of rectified flow, Stable Diffusion 3 and FLUX, that begin with a picture and with Easel's noise."""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import (
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3InpaintPipeline,
)

from generation.worker.noise import FromSource, InPart, Source, draw, encode, put_on


class _Flow:
    """For pipelines of rectified flow that begin with a picture."""

    vae: Any
    scheduler: Any
    vae_scale_factor: int

    def get_timesteps(
        self,
        num_inference_steps: int,  # noqa: ARG002 (the caller's; it counts a step of second order twice)
        strength: float,
        device: torch.device,  # noqa: ARG002
    ) -> tuple[torch.Tensor, int]:
        """As many steps as `Recipe.steps_run` says; diffusers would round up here, and down for all others."""
        steps = self.scheduler.num_inference_steps
        run = min(int(steps * strength), steps)
        start = (steps - run) * self.scheduler.order
        self.scheduler.set_begin_index(start)
        return self.scheduler.timesteps[start:], run

    def prepare_mask_latents(self, mask: torch.Tensor, masked_image: torch.Tensor, *rest: Any) -> Any:
        """Nobody is told what the picture is like without its masked part, so it need not be encoded."""
        sides = (side // self.vae_scale_factor for side in masked_image.shape[2:])
        nothing = masked_image.new_zeros(1, self.vae.config.latent_channels, *sides)
        return super().prepare_mask_latents(mask, nothing, *rest)  # type: ignore[misc] # of the other base


class _Packed(_Flow):
    """For pipelines of FLUX, which has four neighbouring latents in one."""

    _pack_latents: Any
    _prepare_latent_image_ids: Any

    def _prepared(
        self, image: torch.Tensor, timestep: torch.Tensor, sources: Sequence[Source], like: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """What the steps begin with, its noise, the picture itself, and where in the picture each of them is."""
        encoded = encode(self.vae, image, sources, like)
        noise = draw(encoded.shape[1:], sources, encoded)
        first = put_on(encoded, noise, self.scheduler, timestep)
        height, width = (side // 2 for side in encoded.shape[2:])
        places = self._prepare_latent_image_ids(len(sources), height, width, like.device, like.dtype)
        return *(self._pack_latents(each.to(like.dtype), *each.shape) for each in (first, noise, encoded)), places


class _PackedInPart(_Packed):
    """Those that draw a part of it."""

    def prepare_latents(
        self,
        image: torch.Tensor,
        timestep: torch.Tensor,
        batch_size: int,  # noqa: ARG002 (the caller's signature)
        num_channels_latents: int,  # noqa: ARG002
        height: int,  # noqa: ARG002
        width: int,  # noqa: ARG002
        dtype: torch.dtype,
        device: torch.device,
        generator: Sequence[Source],
        latents: None = None,  # noqa: ARG002
    ) -> tuple[torch.Tensor, ...]:
        return self._prepared(image, timestep, generator, torch.empty(0, device=device, dtype=dtype))


class _PackedFromSource(_PackedInPart):
    """Those that draw the whole picture."""

    def prepare_latents(self, *given: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        first, _, _, places = super().prepare_latents(*given, **named)
        return first, places


class ImageToImage3(_Flow, FromSource, StableDiffusion3Img2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """Image to image for Stable Diffusion 3, with Easel's noise."""


class Inpaint3(_Flow, InPart, StableDiffusion3InpaintPipeline):  # type: ignore[misc] # diffusers is untyped
    """Inpainting for Stable Diffusion 3, with Easel's noise."""


class ImageToImageFlux(_PackedFromSource, FluxImg2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """Image to image for FLUX, with Easel's noise."""


class InpaintFlux(_PackedInPart, FluxInpaintPipeline):  # type: ignore[misc] # diffusers is untyped
    """Inpainting for FLUX, with Easel's noise."""
