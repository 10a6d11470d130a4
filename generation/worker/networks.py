"""The denoising networks of the families, as far as drawing with one differs from drawing with another."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from generation.mode import Mode
from generation.model import Family
from generation.recipe import Recipe
from generation.worker import noise
from generation.worker.noise import Source
from generation.worker.prompts import Conditioning


class Unet:
    """The UNet of Stable Diffusion 1, 2 and XL, in any `pipeline` that has one."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def guided(self, recipe: Recipe) -> bool:
        """Whether it is asked twice a step, once with the negative prompt."""
        return recipe.guidance_scale > 1 and self._pipeline.unet.config.time_cond_proj_dim is None

    def arguments(self, recipe: Recipe, told: Conditioning) -> dict[str, Any]:
        """What its pipelines are told besides the steps and what they start from."""
        return {
            **told.arguments(),
            "num_images_per_prompt": len(recipe.seeds),
            "guidance_scale": recipe.guidance_scale,
        }

    def noise(self, recipe: Recipe, sources: Sequence[Source], like: torch.Tensor) -> torch.Tensor:
        """What a picture of words alone begins with, with the device and dtype of `like`."""
        factor = self._pipeline.vae_scale_factor
        return noise.draw((self._channels, recipe.height // factor, recipe.width // factor), sources, like)

    def latents(self, ended: torch.Tensor, recipe: Recipe) -> torch.Tensor:  # noqa: ARG002 (others look at its size)
        """What a pipeline ended with, as (pictures, channels, height, width)."""
        return ended

    @property
    def _channels(self) -> int:
        return int(self._pipeline.unet.config.in_channels)


class Transformer(Unet):
    """The transformer of Stable Diffusion 3."""

    def guided(self, recipe: Recipe) -> bool:
        return recipe.guidance_scale > 1

    def arguments(self, recipe: Recipe, told: Conditioning) -> dict[str, Any]:
        # Its pipelines say what is encoded already to the first picture alone.
        each = {name: value.repeat_interleave(len(recipe.seeds), 0) for name, value in told.arguments().items()}
        arguments = {**each, "guidance_scale": recipe.guidance_scale}
        if recipe.mode in {Mode.IMAGE_TO_IMAGE, Mode.BLEND}:  # a UNet takes that of the picture
            arguments |= {"width": recipe.width, "height": recipe.height}
        return arguments

    @property
    def _channels(self) -> int:
        return int(self._pipeline.transformer.config.in_channels)


class PackedTransformer(Transformer):
    """The transformer of FLUX, which has four neighbouring latents in one.

    One that was trained to be told the guidance is told; any other one is asked twice, as those of all families.
    """

    def guided(self, recipe: Recipe) -> bool:
        return super().guided(recipe) and not self._is_told

    def arguments(self, recipe: Recipe, told: Conditioning) -> dict[str, Any]:
        arguments = super().arguments(recipe, told)
        if not self._is_told:
            arguments["true_cfg_scale"] = arguments.pop("guidance_scale")
        return arguments

    def noise(self, recipe: Recipe, sources: Sequence[Source], like: torch.Tensor) -> torch.Tensor:
        drawn = super().noise(recipe, sources, like)
        packed: torch.Tensor = self._pipeline._pack_latents(drawn, *drawn.shape)  # noqa: SLF001 (nowhere else)
        return packed

    def latents(self, ended: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        unpacked: torch.Tensor = self._pipeline._unpack_latents(  # noqa: SLF001 (nowhere else)
            ended, recipe.height, recipe.width, self._pipeline.vae_scale_factor
        )
        return unpacked

    @property
    def _channels(self) -> int:
        return super()._channels // 4

    @property
    def _is_told(self) -> bool:
        return bool(self._pipeline.transformer.config.guidance_embeds)


NETWORKS: Mapping[Family, type[Unet]] = {
    Family.SD1: Unet,
    Family.SD2: Unet,
    Family.SDXL: Unet,
    Family.SD3: Transformer,
    Family.FLUX: PackedTransformer,
}
