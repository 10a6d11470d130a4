"""Noise that means the same on every device: drawn on the CPU in fp32, one generator for each picture."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionXLImg2ImgPipeline


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator for each of `seeds`, on the CPU."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def draw(shape: Sequence[int], sources: Sequence[torch.Generator], like: torch.Tensor) -> torch.Tensor:
    """Noise of (len(sources), *shape), with the device and dtype of `like`."""
    noise = [torch.randn((1, *shape), generator=source, dtype=torch.float32) for source in sources]
    return torch.cat(noise).to(like.device, like.dtype)


@contextmanager
def full_precision(vae: Any) -> Iterator[None]:
    """Have `vae` in fp32 for a while."""
    before = vae.dtype
    vae.to(torch.float32)
    try:
        yield
    finally:
        vae.to(before)


def scale(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """From what `vae` encodes to what the denoising network sees."""
    if (shift := _shift(vae, latents)) is not None:
        mean, deviation = shift
        scaled: torch.Tensor = (latents - mean) * vae.config.scaling_factor / deviation
        return scaled
    return latents * float(vae.config.scaling_factor)


def unscale(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Undo `scale`."""
    if (shift := _shift(vae, latents)) is not None:
        mean, deviation = shift
        unscaled: torch.Tensor = latents * deviation / vae.config.scaling_factor + mean
        return unscaled
    return latents / float(vae.config.scaling_factor)


def _shift(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Mean and deviation of each latent channel, for the autoencoders that were trained with them."""
    values = (getattr(vae.config, "latents_mean", None), getattr(vae.config, "latents_std", None))
    if values[0] is None or values[1] is None:
        return None
    mean, deviation = (like.new_tensor(value).view(1, -1, 1, 1) for value in values)
    return mean, deviation


def noised_source(
    pipeline: Any,
    image: torch.Tensor,
    timestep: torch.Tensor,
    sources: Sequence[torch.Generator],
    like: torch.Tensor,
) -> torch.Tensor:
    """Latents of one source `image` (1, 3, height, width), with the noise of `timestep` for each generator.

    An autoencoder encodes to a distribution; each picture draws its own sample of it, and its noise after that.
    """
    vae = pipeline.vae
    if like.dtype is torch.float16 and vae.config.force_upcast:
        with full_precision(vae):
            encoded = vae.encode(image.to(like.device, torch.float32)).latent_dist
    else:
        encoded = vae.encode(image.to(like.device, like.dtype)).latent_dist
    mean, deviation = encoded.mean.float(), encoded.std.float()
    shape = mean.shape[1:]
    latents = scale(vae, mean + deviation * draw(shape, sources, mean))
    noised: torch.Tensor = pipeline.scheduler.add_noise(latents, draw(shape, sources, mean), timestep)
    return noised.to(like.dtype)


class ImageToImage(StableDiffusionImg2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """Image to image for Stable Diffusion 1.x and 2.x, with this module's noise."""

    def prepare_latents(
        self,
        image: torch.Tensor,
        timestep: torch.Tensor,
        batch_size: int,  # noqa: ARG002 (the caller's signature)
        num_images_per_prompt: int,  # noqa: ARG002
        dtype: torch.dtype,
        device: torch.device,
        generator: Sequence[torch.Generator] = (),
    ) -> torch.Tensor:
        return noised_source(self, image, timestep, generator, torch.empty(0, device=device, dtype=dtype))


class ImageToImageXL(StableDiffusionXLImg2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """Image to image for Stable Diffusion XL, with this module's noise."""

    def prepare_latents(
        self,
        image: torch.Tensor,
        timestep: torch.Tensor,
        batch_size: int,  # noqa: ARG002 (the caller's signature)
        num_images_per_prompt: int,  # noqa: ARG002
        dtype: torch.dtype,
        device: torch.device,
        generator: Sequence[torch.Generator] = (),
        add_noise: bool = True,  # noqa: ARG002 (only a second stage leaves the noise out)
    ) -> torch.Tensor:
        return noised_source(self, image, timestep, generator, torch.empty(0, device=device, dtype=dtype))
