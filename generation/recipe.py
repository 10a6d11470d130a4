"""Everything needed to draw a picture again."""

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from pydantic import TypeAdapter

from generation.catalogue import Family, Model
from generation.errors import NotForThisModel, OutOfRange, UnknownChoice
from generation.prompt import read
from generation.request import SEED_LIMIT, Request
from generation.schedulers import Scheduler
from generation.size import Range, Size


class Mode(StrEnum):
    """What a pipeline does with its inputs."""

    TEXT_TO_IMAGE = "text_to_image"
    IMAGE_TO_IMAGE = "image_to_image"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a recipe was drawn: what can change a picture although the recipe is the same.

    `adapters` are the LoRAs and embeddings that took part. `unknown_words` are those of the prompts that the
    model has never seen, where its vocabulary is small enough to tell; they are drawn as if they were not there.
    """

    device: str  # "cpu", "cuda:0 NVIDIA GeForce RTX 3060", ...
    dtype: str  # "float32", "float16" or "bfloat16"
    threads: int
    batch_size: int
    model_revision: str  # a hub commit, or the SHA-256 of the weights' names, sizes and headers
    versions: dict[str, str]  # library -> version
    watermark: str | None = None  # hidden in the picture
    adapters: dict[str, str] = field(default_factory=dict)  # name -> SHA-256 of the file
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A request with every hole filled; picture number n (from 0) is drawn from `seeds`[n].

    `strength` and `source` (SHA-256 of a stored source image) are None unless `mode` takes a source. `clip_skip`
    counts the text encoder's layers from its end: 1 skips none, 2 takes the last but one.
    `environment` is None until it has been drawn.
    """

    mode: Mode
    prompt: str
    negative_prompt: str
    model: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: Scheduler
    seeds: tuple[int, ...]
    source: str | None = None
    strength: float | None = None
    clip_skip: int = 1
    environment: Environment | None = field(default=None, compare=False)

    @property
    def size(self) -> Size:
        return Size(width=self.width, height=self.height)

    @property
    def steps_run(self) -> int:
        """Denoising steps that one picture takes: with a source, `strength` of them are run."""
        if self.strength is None:
            return self.num_inference_steps
        return min(int(self.num_inference_steps * self.strength), self.num_inference_steps)

    def drawn_in(self, environment: Environment) -> Self:
        return replace(self, environment=environment)

    def to_json(self) -> str:
        return _JSON.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Recipe":
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        return _JSON.validate_json(text)

    def to_request(self) -> Request:
        """The request whose holes this recipe fills: asking it again means the same picture."""
        return Request(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            model=self.model,
            size=str(self.size),
            count=len(self.seeds),
            source=self.source,
            strength=self.strength,
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            scheduler=self.scheduler,
            seed=self.seeds[0],
            clip_skip=self.clip_skip if self.clip_skip != 1 else None,
        )


_JSON = TypeAdapter(Recipe)


def complete(request: Request, *, model: Model, source_size: Size | None, chance: random.Random) -> Recipe:
    """Fill the holes of `request` from what `model` is best at, and draw a seed if none was named.

    `source_size` is the size of the source image, whose aspect is kept when no size is asked for.
    Raises UnknownChoice, OutOfRange, BadSize, BadPrompt or NotForThisModel.
    """
    for argument, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
        read(text or "", argument=argument)
    if request.source is None and request.strength is not None:
        raise NotForThisModel("strength", model=model.name)
    if request.size is not None:
        size = model.size.read(request.size)
    elif source_size is not None:
        size = model.size.shaped(source_size.width, source_size.height)
    else:
        size = model.size.native
    first_seed = chance.randrange(SEED_LIMIT) if request.seed is None else request.seed
    has_source = request.source is not None
    return Recipe(
        mode=Mode.IMAGE_TO_IMAGE if has_source else Mode.TEXT_TO_IMAGE,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt if request.negative_prompt is not None else "",
        model=model.name,
        width=size.width,
        height=size.height,
        num_inference_steps=int(_within("num_inference_steps", request.num_inference_steps, model.steps)),
        guidance_scale=float(_within("guidance_scale", request.guidance_scale, model.guidance)),
        scheduler=_scheduler(request.scheduler, model),
        seeds=tuple((first_seed + n) % SEED_LIMIT for n in range(request.count)),
        source=request.source,
        strength=_strength(request, model) if has_source else None,
        clip_skip=_clip_skip(request.clip_skip, model),
    )


def _strength(request: Request, model: Model) -> float:
    return model.strength if request.strength is None else request.strength


def _clip_skip(layer: int | None, model: Model) -> int:
    if layer is None:
        return 1
    if model.family is Family.SDXL and layer != 1:  # trained on the last layer but one of both its text encoders
        raise NotForThisModel("clip_skip", model=model.name)
    return layer


def _within(argument: str, value: float | None, bounds: Range) -> float:
    if value is None:
        return bounds.default
    if not bounds.minimum <= value <= bounds.maximum:
        raise OutOfRange(argument, value, minimum=bounds.minimum, maximum=bounds.maximum)
    return value


def _scheduler(name: str | None, model: Model) -> Scheduler:
    if name is None:
        return model.scheduler
    try:
        return Scheduler(name)
    except ValueError:
        raise UnknownChoice("scheduler", name, choices=tuple(Scheduler)) from None
