"""One recipe -> its pictures, step by step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from generation import watermark
from generation.adapters import Adapter
from generation.prompt import read
from generation.recipe import Environment, Mode, Recipe
from generation.worker import noise, prompts
from generation.worker.adapters import Embedding
from generation.worker.pipelines import LoadedModel
from generation.worker.placement import Placement

OnStep = Callable[[int, int], None]


class SourceMissing(Exception):
    """The source image of a recipe is not there, or is no picture any more."""


class NoNumbers(Exception):
    """The model computed infinities or worse, in this precision, and there is no picture in them."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Pictures in the order of their recipe's seeds, finished: looked at and marked; and where they were drawn."""

    images: tuple[Image.Image, ...]
    flagged: tuple[bool, ...]  # by the content filter; all False where there is none
    environment: Environment


class Engine:
    """Draws recipes with models that are in memory; `versions` are the libraries' that have a part in it."""

    def __init__(self, placement: Placement, versions: dict[str, str], *, watermarked: bool = True) -> None:
        self._placement = placement
        self._versions = versions
        self._watermarked = watermarked

    def draw(
        self,
        loaded: LoadedModel,
        recipe: Recipe,
        source: Path | None,
        on_step: OnStep,
        adapters: Sequence[Adapter] = (),
    ) -> Drawn:
        """Draw every picture of `recipe`; `source` is the file of its source image, if it takes one.

        `adapters` are the files of the LoRAs and embeddings that its prompts name.

        `on_step` is told after each step which it was, from 1, and how many there are in all. An exception that it
        raises ends the drawing and reaches the caller; the model can be used again.
        Raises SourceMissing, NoNumbers and Unfit, and what PyTorch raises when memory is out.
        """
        embeddings = loaded.adapters.embeddings(adapters)
        loaded.adapters.put_on(read(recipe.prompt).loras, adapters)
        image = _read_source(source, recipe) if recipe.mode is Mode.IMAGE_TO_IMAGE else None
        batch_size = len(recipe.seeds) if self._placement.draws_batches else 1
        if image is not None and recipe.steps_run == 0:
            # Not a single step would run: what was asked for is the source itself.
            images = [image.copy() for _ in recipe.seeds]
        else:
            images = []
            batches = [recipe.seeds[at : at + batch_size] for at in range(0, len(recipe.seeds), batch_size)]
            for number, seeds in enumerate(batches):
                counter = _Counter(on_step, number=number, batches=len(batches))
                images += self._draw_batch(loaded, recipe, seeds, image, embeddings, counter)
        flagged = (False,) * len(images)
        if loaded.content_filter is not None:
            flagged = loaded.content_filter.flags(images)
        # What no step has touched is the member's own picture, and is not marked as a made one.
        mark = None
        if self._watermarked and (image is None or recipe.steps_run > 0):
            mark = watermark.watermark_of(loaded.model.family, images[0])
        if mark is not None:
            images = [watermark.mark(each, mark) for each in images]
        environment = Environment(
            device=str(self._placement),
            dtype=self._placement.dtype_name,
            threads=torch.get_num_threads(),
            batch_size=batch_size,
            model_revision=loaded.revision,
            versions=self._versions,
            watermark=mark,
            adapters={adapter.name: adapter.sha256 for adapter in adapters},
            unknown_words=prompts.unknown_words(
                loaded.pipelines[recipe.mode], recipe.prompt, recipe.negative_prompt, embeddings=embeddings
            ),
        )
        return Drawn(images=tuple(images), flagged=flagged, environment=environment)

    @torch.inference_mode()
    def _draw_batch(
        self,
        loaded: LoadedModel,
        recipe: Recipe,
        seeds: Sequence[int],
        source: Image.Image | None,
        embeddings: Mapping[str, Embedding],
        counter: "_Counter",
    ) -> list[Image.Image]:
        # 1. A pipeline with a scheduler of its own, and the generators, one a picture
        pipeline = loaded.pipeline(recipe.mode, recipe.scheduler, steps=recipe.num_inference_steps)
        generators = noise.generators(seeds)
        # 2. What the network is told
        guided = recipe.guidance_scale > 1 and pipeline.unet.config.time_cond_proj_dim is None
        told = prompts.encode(
            pipeline,
            recipe.prompt,
            recipe.negative_prompt,
            guided=guided,
            clip_skip=recipe.clip_skip,
            embeddings=embeddings,
        )
        # 3. What it starts from
        start: dict[str, Any]
        if source is None:
            factor = pipeline.vae_scale_factor
            shape = (pipeline.unet.config.in_channels, recipe.height // factor, recipe.width // factor)
            latents = noise.draw(shape, generators, told.prompt_embeds)
            start = {"latents": latents, "width": recipe.width, "height": recipe.height}
        else:
            start = {"image": source, "strength": recipe.strength}
        # 4. The steps
        try:
            latents = pipeline(
                **told.arguments(),
                **start,
                num_inference_steps=recipe.num_inference_steps,
                guidance_scale=recipe.guidance_scale,
                num_images_per_prompt=len(seeds),
                generator=generators,
                callback_on_step_end=counter,
                output_type="latent",
            ).images
        finally:
            pipeline.maybe_free_model_hooks()
        # 5. From latents to pictures
        return [_decode(pipeline, latent) for latent in latents.split(1)]


class _Counter:
    """Counts the steps of one batch for whoever watches the whole job."""

    def __init__(self, on_step: OnStep, *, number: int, batches: int) -> None:
        self._on_step = on_step
        self._number = number
        self._batches = batches

    def __call__(self, pipeline: Any, step: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        # Not the number that was asked for: Heun takes nearly twice as many, image to image fewer.
        steps = pipeline.num_timesteps
        self._on_step(self._number * steps + step + 1, self._batches * steps)
        return values


def _read_source(file: Path | None, recipe: Recipe) -> Image.Image:
    """The source image, upright and in colour, filling the recipe's size, with what stands over cut off evenly."""
    if file is None:
        raise SourceMissing("the order names no source file")
    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except FileNotFoundError as error:
        raise SourceMissing(f"{file} is gone") from error
    except (UnidentifiedImageError, SyntaxError) as error:
        raise SourceMissing(f"{file} is no picture any more") from error
    return ImageOps.fit(image, (recipe.width, recipe.height), method=Image.Resampling.LANCZOS)


def _decode(pipeline: Any, latent: torch.Tensor) -> Image.Image:
    """One picture from its latent (1, channels, height, width). Raises NoNumbers.

    Half precision overflows in some autoencoders: these are run in fp32, at once if they are known for it.
    """
    vae = pipeline.vae
    if not latent.isfinite().all():
        raise NoNumbers(f"the steps went beyond what {latent.dtype} can hold")
    latent = noise.unscale(vae, latent)
    overflows = latent.dtype is torch.float16 and vae.config.force_upcast
    decoded = None if overflows else vae.decode(latent, return_dict=False)[0]
    if decoded is None or (not decoded.isfinite().all() and latent.dtype is not torch.float32):
        with noise.full_precision(vae):
            decoded = vae.decode(latent.float(), return_dict=False)[0]
    if not decoded.isfinite().all():
        raise NoNumbers("the autoencoder decoded to no numbers, in fp32 too")
    image: Image.Image = pipeline.image_processor.postprocess(decoded, output_type="pil")[0]
    return image
