"""Noise that means the same on every device: drawn on the CPU in fp32, one generator for each picture."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers import (
    StableDiffusionDepth2ImgPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
)

from generation.recipe import Recipe


class Source(torch.Generator):
    """Numbers of one seed, on the CPU; its noise is turned towards that of others, each by an amount of 0 to 1."""

    turns: "tuple[tuple[Source, float], ...]" = ()
    blend: float = 0.0  # how far from the first of two pictures it starts

    @classmethod
    def of(cls, seed: int, *turns: tuple[int, float]) -> "Source":
        """`turns` are the seeds of the others, each with its amount, one after the other."""
        source = cls("cpu")
        source.manual_seed(seed)
        source.turns = tuple((cls.of(other), amount) for other, amount in turns)
        return source

    def draw(self, shape: Sequence[int]) -> torch.Tensor:
        """Noise of (1, *shape)."""
        noise = torch.randn((1, *shape), generator=self, dtype=torch.float32)
        for other, amount in self.turns:
            noise = slerp(noise, other.draw(shape), amount)
        return noise


def slerp(start: torch.Tensor, end: torch.Tensor, amount: float) -> torch.Tensor:
    """The noise that lies `amount` of the way from `start` to `end` on the arc between them.

    On the straight line it would be weaker than noise is, and give a dull picture.
    """
    cosine = torch.dot(start.flatten(), end.flatten()) / (start.norm() * end.norm())
    angle = torch.arccos(cosine.clamp(-1, 1))
    if amount == 0 or angle < 1e-4:
        return start
    if amount == 1:
        return end
    return (torch.sin((1 - amount) * angle) * start + torch.sin(amount * angle) * end) / torch.sin(angle)


def sources(recipe: Recipe) -> list[Source]:
    """A source of noise for each picture of `recipe`."""
    towards = [[(other, recipe.variation)] for other in recipe.variation_seeds] or [[] for _ in recipe.seeds]
    found = [Source.of(seed, *recipe.turned, *turn) for seed, turn in zip(recipe.seeds, towards, strict=True)]
    for source in found:
        source.blend = 0.0 if recipe.blend is None else recipe.blend
    return found


def draw(shape: Sequence[int], sources: Sequence[Source], like: torch.Tensor) -> torch.Tensor:
    """Noise of (len(sources), *shape), with the device and dtype of `like`."""
    return torch.cat([source.draw(shape) for source in sources]).to(like.device, like.dtype)


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
    return (latents - _middle(vae)) * float(vae.config.scaling_factor)


def unscale(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Undo `scale`."""
    if (shift := _shift(vae, latents)) is not None:
        mean, deviation = shift
        unscaled: torch.Tensor = latents * deviation / vae.config.scaling_factor + mean
        return unscaled
    return latents / float(vae.config.scaling_factor) + _middle(vae)


def _middle(vae: Any) -> float:
    """The mean of all latents, for the autoencoders that were trained with it."""
    shift = getattr(vae.config, "shift_factor", None)
    return 0.0 if shift is None else float(shift)


def _shift(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Mean and deviation of each latent channel, for the autoencoders that were trained with them."""
    values = (getattr(vae.config, "latents_mean", None), getattr(vae.config, "latents_std", None))
    if values[0] is None or values[1] is None:
        return None
    mean, deviation = (like.new_tensor(value).view(1, -1, 1, 1) for value in values)
    return mean, deviation


def encode(vae: Any, image: torch.Tensor, sources: Sequence[Source], like: torch.Tensor) -> torch.Tensor:
    """Latents of `image` (1, 3, height, width) for each of `sources`, in fp32, on the device of `like`.

    Of two images (2, 3, height, width) those that lie between theirs, as far as each source says.

    An autoencoder encodes to a distribution, and each picture draws its own sample of it.
    """
    if len(image) > 1:
        first, second = (encode(vae, each[None], sources, like) for each in image)
        ends = zip(first, second, sources, strict=True)
        return torch.stack([slerp(start, end, source.blend) for start, end, source in ends])
    if like.dtype is torch.float16 and vae.config.force_upcast:
        with full_precision(vae):
            encoded = vae.encode(image.to(like.device, torch.float32)).latent_dist
    else:
        encoded = vae.encode(image.to(like.device, like.dtype)).latent_dist
    mean, deviation = encoded.mean.float(), encoded.std.float()
    return scale(vae, mean + deviation * draw(mean.shape[1:], sources, mean))


def put_on(latents: torch.Tensor, noise: torch.Tensor, scheduler: Any, timestep: torch.Tensor) -> torch.Tensor:
    """`latents` with as much of `noise` as `scheduler` has at `timestep`."""
    noised: torch.Tensor
    if hasattr(scheduler, "scale_noise"):  # of rectified flows
        noised = scheduler.scale_noise(latents, timestep, noise)
    else:
        noised = scheduler.add_noise(latents, noise, timestep)
    return noised


class FromSource:
    """For pipelines that begin with a picture and noise on it."""

    vae: Any
    scheduler: Any

    def prepare_latents(
        self,
        image: torch.Tensor,
        timestep: torch.Tensor,
        batch_size: int,  # noqa: ARG002 (the caller's signature)
        num_images_per_prompt: int,  # noqa: ARG002
        dtype: torch.dtype,
        device: torch.device,
        generator: Sequence[Source] = (),
        add_noise: bool = True,  # noqa: ARG002 (only a second stage of XL leaves the noise out)
    ) -> torch.Tensor:
        latents = encode(self.vae, image, generator, torch.empty(0, device=device, dtype=dtype))
        noise = draw(latents.shape[1:], generator, latents)
        return put_on(latents, noise, self.scheduler, timestep).to(dtype)


class InPart:
    """For pipelines that draw a part of a picture anew."""

    vae: Any
    scheduler: Any
    vae_scale_factor: int

    def prepare_latents(
        self,
        batch_size: int,  # noqa: ARG002 (the caller's signature)
        num_channels_latents: int,
        height: int,
        width: int,
        dtype: torch.dtype,
        device: torch.device,
        generator: Sequence[Source],
        latents: None = None,  # noqa: ARG002
        image: torch.Tensor | None = None,
        timestep: torch.Tensor | None = None,
        is_strength_max: bool = True,
        add_noise: bool = True,  # noqa: ARG002
        return_noise: bool = False,  # noqa: ARG002 (it always is, and is not looked at where it is not wanted)
        return_image_latents: bool = False,
    ) -> tuple[torch.Tensor, ...]:
        like = torch.empty(0, device=device)
        encoded = None
        if return_image_latents or not is_strength_max:
            encoded = encode(self.vae, _of(image), generator, like.to(dtype))
        shape = (num_channels_latents, height // self.vae_scale_factor, width // self.vae_scale_factor)
        noise = draw(shape, generator, like)
        if is_strength_max or encoded is None:
            first = noise * getattr(self.scheduler, "init_noise_sigma", 1.0)
        else:
            first = put_on(encoded, noise, self.scheduler, _of(timestep))
        found = (first.to(dtype), noise.to(dtype))
        return (*found, _of(encoded).to(dtype)) if return_image_latents else found

    def _encode_vae_image(self, image: torch.Tensor, generator: Sequence[Source]) -> torch.Tensor:
        return encode(self.vae, image, generator, image).to(image.dtype)


def _of(tensor: torch.Tensor | None) -> torch.Tensor:
    if tensor is None:
        raise ValueError("inpainting was given no picture")
    return tensor


class ImageToImage(FromSource, StableDiffusionImg2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """Image to image for Stable Diffusion 1.x and 2.x, with this module's noise."""


class ImageToImageXL(FromSource, StableDiffusionXLImg2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """Image to image for Stable Diffusion XL, with this module's noise."""


class DepthToImage(FromSource, StableDiffusionDepth2ImgPipeline):  # type: ignore[misc] # diffusers is untyped
    """A picture with the depth of another for Stable Diffusion 2, with this module's noise."""

    def prepare_depth_map(
        self, image: Any, depth_map: torch.Tensor | None, batch_size: int, guided: bool, dtype: Any, device: Any
    ) -> torch.Tensor:
        if depth_map is None and dtype is torch.float32:  # for which a CPU knows no autocast, and warns
            pixels = self.feature_extractor(images=image, return_tensors="pt").pixel_values
            depth_map = self.depth_estimator(pixels.to(device, dtype)).predicted_depth
        found: torch.Tensor = super().prepare_depth_map(image, depth_map, batch_size, guided, dtype, device)
        return found


class Inpaint(InPart, StableDiffusionInpaintPipeline):  # type: ignore[misc] # diffusers is untyped
    """Inpainting for Stable Diffusion 1.x and 2.x, trained for it or not, with this module's noise."""


class InpaintXL(InPart, StableDiffusionXLInpaintPipeline):  # type: ignore[misc] # diffusers is untyped
    """Inpainting for Stable Diffusion XL, with this module's noise."""
