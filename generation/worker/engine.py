"""One recipe -> its pictures, step by step."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from generation import watermark
from generation.adapters import Adapter
from generation.mode import Mode
from generation.prompt import read
from generation.recipe import Environment, Recipe
from generation.worker import controls, hints, kernels, noise, prompts, upscaling
from generation.worker.adapters import Embedding
from generation.worker.modes import Materials
from generation.worker.networks import NETWORKS
from generation.worker.pipelines import LoadedModel
from generation.worker.placement import Placement
from generation.worker.previews import Previews, Sketchers

OnStep = Callable[[int, int], None]


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
        self._sketchers = Sketchers(placement)

    def draw(
        self,
        loaded: LoadedModel,
        recipe: Recipe,
        source: Path | None,
        on_step: OnStep,
        adapters: Sequence[Adapter] = (),
        *,
        mask: Path | None = None,
        previews: Previews | None = None,
    ) -> Drawn:
        """Draw every picture of `recipe`; `source` and `mask` are the files of what it takes.

        `adapters` are the files of the LoRAs and embeddings that its prompts name, of its ControlNet, and of what
        prepares the source for that.

        `on_step` is told after each step which it was, from 1, and how many there are in all. An exception that it
        raises ends the drawing and reaches the caller; the model can be used again. `previews` look on; there are
        none of what a content filter has yet to look at, and none of tiles.
        Raises SourceMissing, NoNumbers and Unfit, and what PyTorch raises when memory is out.
        """
        embeddings = loaded.adapters.embeddings(adapters)
        materials = Materials.of(recipe, source, mask)
        if recipe.control is not None:
            materials = controls.shown(recipe, materials, adapters, self._placement.device)
        batch_size = len(recipe.seeds) if self._placement.draws_batches and recipe.mode is not Mode.UPSCALE else 1
        untouched = materials.source is not None and recipe.starts_from_source and recipe.steps_run == 0
        if materials.source is not None and untouched:
            # Not a single step would run: what was asked for is the source itself.
            images = [materials.source.copy() for _ in recipe.seeds]
        else:
            images = []
            batches = [
                plain.part(at, at + batch_size)
                for plain in recipe.spelled_out()
                for at in range(0, len(plain.seeds), batch_size)
            ]
            counter = _Counter(on_step, [steps for batch in batches for steps in _runs(batch, materials)])
            for batch in batches:
                loaded.adapters.put_on(read(batch.prompt).loras, adapters)
                with kernels.faster(loaded.placement, recipe.width * recipe.height):
                    images += self._draw_batch(loaded, batch, materials, embeddings, counter, previews)
        flagged = (False,) * len(images)
        if loaded.content_filter is not None:
            flagged = loaded.content_filter.flags(images)
        # What no step has touched is the member's own picture, and is not marked as a made one.
        mark = None
        if self._watermarked and not untouched:
            mark = watermark.watermark_of(loaded.model.family, images[0])
        if mark is not None:
            images = [watermark.mark(each, mark) for each in images]
        environment = Environment(
            device=str(self._placement),
            dtype=self._placement.dtype_name,
            threads=torch.get_num_threads(),
            batch_size=batch_size,
            model_revision=loaded.revision,
            versions=self._versions | ({} if recipe.control is None else hints.versions(recipe.mode)),
            watermark=mark,
            adapters={_called(adapter, adapters): adapter.sha256 for adapter in adapters},
            unknown_words=prompts.unknown_words(
                loaded.pipelines.get(recipe.mode, loaded.whole),
                *(text for plain in recipe.spelled_out() for text in (plain.prompt, plain.negative_prompt)),
                embeddings=embeddings,
            ),
        )
        return Drawn(images=tuple(images), flagged=flagged, environment=environment)

    def _draw_batch(
        self,
        loaded: LoadedModel,
        recipe: Recipe,
        materials: Materials,
        embeddings: Mapping[str, Embedding],
        counter: "_Counter",
        previews: Previews | None,
    ) -> list[Image.Image]:
        first, *later = recipe.passes
        images = self._draw_pass(loaded, first, materials, embeddings, counter, previews)
        for recipe_of_pass in later:
            size = (recipe_of_pass.width, recipe_of_pass.height)
            images = [
                finer
                for number, image in enumerate(images)
                for finer in self._draw_pass(
                    loaded,
                    recipe_of_pass.part(number, number + 1),
                    Materials(source=image.resize(size, Image.Resampling.LANCZOS)),
                    embeddings,
                    counter,
                    previews,
                )
            ]
        return images

    @torch.inference_mode()
    def _draw_pass(
        self,
        loaded: LoadedModel,
        recipe: Recipe,
        materials: Materials,
        embeddings: Mapping[str, Embedding],
        counter: "_Counter",
        previews: Previews | None,
    ) -> list[Image.Image]:
        # 1. A pipeline with a scheduler of its own, and the sources of noise, one a picture
        pipeline = loaded.pipeline(
            recipe.mode, recipe.scheduler, steps=recipe.num_inference_steps, control=materials.control
        )
        sources = noise.sources(recipe)
        # 2. What the network is told
        network = NETWORKS[loaded.model.family](pipeline)
        told = prompts.encode(
            pipeline,
            recipe.prompt,
            recipe.negative_prompt,
            guided=network.guided(recipe),
            clip_skip=recipe.clip_skip,
            embeddings=embeddings,
        )

        # 3. The steps, those who watch them, and from latents to pictures
        if previews is not None and loaded.content_filter is None and recipe.mode is not Mode.UPSCALE:
            sketch = self._sketchers.of(loaded.model, pipeline, loaded.decoder)
            if sketch is not None:
                unpack = functools.partial(network.latents, recipe=recipe)
                previews.watch(pipeline.scheduler, unpack, sketch)

        def run(start: Mapping[str, Any]) -> list[Image.Image]:
            try:
                ended = pipeline(
                    **network.arguments(recipe, told),
                    **start,
                    num_inference_steps=recipe.num_inference_steps,
                    generator=sources,
                    **counter.of(pipeline, recipe.mode),
                    output_type="latent",
                ).images
            finally:
                pipeline.maybe_free_model_hooks()
            latents = network.latents(ended, recipe)
            return [_decode(pipeline, latents[n : n + 1], loaded.decoder) for n in range(len(latents))]

        # 4. What they start from
        size = {"width": recipe.width, "height": recipe.height}
        match recipe.mode:
            case Mode.TEXT_TO_IMAGE:
                return run({"latents": network.noise(recipe, sources, told.prompt_embeds), **size})
            case _ if materials.control is not None:
                latents = network.noise(recipe, sources, told.prompt_embeds)
                return run({**materials.arguments(), **controls.arguments(recipe), "latents": latents, **size})
            case Mode.UPSCALE if materials.source is not None:
                drawn = upscaling.upscale(pipeline, materials.source, sources, run, told.prompt_embeds)
                return [each.resize((recipe.width, recipe.height), Image.Resampling.LANCZOS) for each in drawn]
            case Mode.INPAINT | Mode.OUTPAINT:
                drawn = run({**materials.arguments(), "strength": recipe.strength, **size})
                return [materials.over(each) for each in drawn]
            case _:
                return run({**materials.arguments(), "strength": recipe.strength})


def _called(adapter: Adapter, among: Sequence[Adapter]) -> str:
    """The name of `adapter`, with its kind where one of another kind has the same."""
    alone = sum(other.name == adapter.name for other in among) == 1
    return adapter.name if alone else f"{adapter.kind} {adapter.name}"


def _runs(recipe: Recipe, materials: Materials) -> list[int]:
    """The steps of each run of a pipeline that a batch takes, as far as they are known before."""
    if recipe.mode is Mode.UPSCALE and materials.source is not None:
        return [recipe.steps_run] * upscaling.runs(materials.source)
    first, *later = recipe.passes
    return [first.steps_run] + [each.steps_run for each in later for _ in each.seeds]


class _Counter:
    """Counts the steps of all runs of pipelines for whoever watches the whole job.

    `expected` are the steps asked for of each run. It is not what runs: Heun takes nearly twice as many.
    """

    def __init__(self, on_step: OnStep, expected: Sequence[int]) -> None:
        self._on_step = on_step
        self._expected = list(expected)
        self._taken = 0

    def of(self, pipeline: Any, mode: Mode) -> dict[str, Any]:
        """What to hand to `pipeline` so that its next run is counted."""
        asked = self._expected.pop(0)
        before = self._taken

        def count(step: int) -> None:
            steps = len(pipeline.scheduler.timesteps) if mode is Mode.UPSCALE else pipeline.num_timesteps
            after = round(sum(self._expected) * steps / max(1, asked))
            self._taken = before + step + 1
            self._on_step(self._taken, before + steps + after)

        def on_step_end(_pipeline: Any, step: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            count(step)
            return values

        if mode is Mode.UPSCALE:  # the one pipeline that has only the old way
            return {"callback": lambda step, _timestep, _latents: count(step), "callback_steps": 1}
        return {"callback_on_step_end": on_step_end}


def _decode(pipeline: Any, latent: torch.Tensor, small: Any | None) -> Image.Image:
    """One picture from its latent (1, channels, height, width), by the `small` decoder if any. Raises NoNumbers.

    Half precision overflows in some autoencoders: these are run in fp32, at once if they are known for it.
    """
    vae = pipeline.vae
    if not latent.isfinite().all():
        raise NoNumbers(f"the steps went beyond what {latent.dtype} can hold")
    if small is not None:
        return _picture(pipeline, small.decode(latent, return_dict=False)[0])
    latent = noise.unscale(vae, latent)
    overflows = latent.dtype is torch.float16 and vae.config.force_upcast
    decoded = None if overflows else vae.decode(latent, return_dict=False)[0]
    if decoded is None or (not decoded.isfinite().all() and latent.dtype is not torch.float32):
        with noise.full_precision(vae):
            decoded = vae.decode(latent.float(), return_dict=False)[0]
    return _picture(pipeline, decoded)


def _picture(pipeline: Any, decoded: torch.Tensor) -> Image.Image:
    if not decoded.isfinite().all():
        raise NoNumbers("the autoencoder decoded to no numbers, in fp32 too")
    image: Image.Image = pipeline.image_processor.postprocess(decoded, output_type="pil")[0]
    return image
