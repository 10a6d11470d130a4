"""Everything needed to draw a picture again."""

import random
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Self

from pydantic import TypeAdapter

from generation.controls import Controls
from generation.errors import (
    BadPicture,
    NotForThisModel,
    NotThisMode,
    NotThisScheduler,
    OutOfRange,
    PictureFault,
    UnknownChoice,
)
from generation.mode import Direction, Margins, Mode, canvas, choose
from generation.model import Model, Use
from generation.prompt import read
from generation.request import SEED_LIMIT, UPSCALE_LIMIT, Request
from generation.schedulers import Scheduler
from generation.size import Range, Size
from generation.styles import NO_STYLE, Style, Styles, Words, spell

SECOND_PASS = 0.35  # strength of the second pass: enough for details, too little for a second head
_NO_STYLES = Styles({})
_BETWEEN = 0.5  # of a blend: both pictures alike
_ROOM = 1.3  # times the pixels that a model has learnt: so many it draws well in one pass
_CONTROL = 0.5  # strength at which a ControlNet has its full say


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a recipe was drawn: what can change a picture although the recipe is the same.

    `adapters` are the LoRAs and embeddings that took part. `unknown_words` are those of the prompts that the
    model has never seen, where its vocabulary is small enough to tell; they are drawn as if they were not there.
    `placement` says how the model stood in memory, and `short_of_memory` that a faster way was tried and failed.
    """

    device: str  # "cpu", "cuda:0 NVIDIA GeForce RTX 3060", ...
    dtype: str  # "float32", "float16" or "bfloat16"
    threads: int
    batch_size: int
    model_revision: str  # a hub commit, or the SHA-256 of the weights' names, sizes and headers
    versions: dict[str, str]  # library -> version
    watermark: str | None = None  # hidden in the picture
    adapters: dict[str, str] = field(default_factory=dict)  # name, with its kind if two share it -> SHA-256
    unknown_words: tuple[str, ...] = ()
    placement: str = ""
    short_of_memory: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A request with every hole filled; picture number n (from 0) is drawn from `seeds`[n].

    `prompt` and `negative_prompt` are as typed. Where a `style` or a choice makes something else of them, `words`
    are what each picture is drawn from, in the order of `seeds`; otherwise there are none.
    `strength` and `source` (SHA-256 of a stored source image) are None unless `mode` takes a source, `mask` (of a
    stored one: white is drawn anew) unless it inpaints, `margins` unless it outpaints, `scale` (times the source's
    sides) unless it upscales, `blend` (how much of the right one) unless it is one of two pictures. `first_size`
    is that of a first pass, where the model was not made for a picture as large as this one. Each picture's noise
    is that of its seed, turned towards that of its `variation_seeds` by `variation`, 0 to 1; of a neighbour's
    neighbour it has been `turned` towards other seeds before, each by so much.
    `control` is the name of the ControlNet that draws, None where the model draws alone.
    `clip_skip` counts the text encoder's layers from its end: 1 skips none, 2 takes the last but one.
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
    mask: str | None = None
    margins: Margins | None = None
    scale: float | None = None
    blend: float | None = None
    first_size: Size | None = None
    variation: float = 0.0
    variation_seeds: tuple[int, ...] = ()
    turned: tuple[tuple[int, float], ...] = ()
    clip_skip: int = 1
    style: Style | None = None
    words: tuple[Words, ...] = ()
    control: str | None = None
    environment: Environment | None = field(default=None, compare=False)

    @property
    def size(self) -> Size:
        return Size(width=self.width, height=self.height)

    @property
    def stored(self) -> tuple[str, ...]:
        """The hashes of the stored pictures that it is drawn from."""
        return tuple(sha256 for sha256 in (self.source, self.mask) if sha256 is not None)

    @property
    def starts_from_source(self) -> bool:
        """Whether it is drawn over its source; a ControlNet only looks at it."""
        return self.control is None and self.mode.starts_from_source

    @property
    def steps_run(self) -> int:
        """Denoising steps of the last pass of one picture: from a source, `strength` of them are run."""
        if self.strength is None or not self.starts_from_source:
            return self.num_inference_steps
        return min(int(self.num_inference_steps * self.strength), self.num_inference_steps)

    @property
    def passes(self) -> tuple["Recipe", ...]:
        """The recipes of one pass each that this one is drawn in, the first one first: itself, or two."""
        if self.first_size is None:
            return (self,)
        first = replace(self, width=self.first_size.width, height=self.first_size.height, first_size=None)
        strength = max(SECOND_PASS, 1 / self.num_inference_steps)  # one step at least
        last = replace(self, mode=Mode.IMAGE_TO_IMAGE, strength=strength, first_size=None)
        return (first, replace(last, variation=0.0, variation_seeds=(), turned=()))

    @property
    def texts(self) -> tuple[str, ...]:
        """The prompt of each picture with its choices made, without the style."""
        return tuple(words.text for words in self.words) or (self.prompt,) * len(self.seeds)

    def spelled_out(self) -> tuple[Self, ...]:
        """Recipes without style and choices that draw the same pictures one after the other.

        Neighbours of the same words are in one, and what has neither is itself.
        """
        if not self.words:
            return (self,)
        runs = groupby(range(len(self.seeds)), key=lambda number: self.words[number])
        found = []
        for words, numbers in runs:
            first, *others = numbers
            part = self.part(first, first + 1 + len(others))
            found.append(
                replace(part, prompt=words.prompt, negative_prompt=words.negative_prompt, style=None, words=())
            )
        return tuple(found)

    def part(self, start: int, stop: int) -> Self:
        """The pictures from number `start` to before `stop`, counted from 0, of this recipe alone."""
        return replace(
            self,
            seeds=self.seeds[start:stop],
            words=self.words[start:stop],
            variation_seeds=self.variation_seeds[start:stop],
        )

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
            style=NO_STYLE if self.style is None else self.style,
            size=None if self.mode is Mode.UPSCALE else str(self.size),
            count=len(self.seeds),
            source=self.source,
            strength=self.strength,
            mode=self.mode,
            mask=self.mask,
            margins=self.margins,
            scale=self.scale,
            blend=self.blend,
            variation=self.variation if self.variation_seeds else None,
            variation_seed=self.variation_seeds[0] if self.variation_seeds else None,
            turned=self.turned or None,
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            scheduler=self.scheduler,
            seed=self.seeds[0],
            control=self.control,
            clip_skip=self.clip_skip if self.clip_skip != 1 else None,
        )


_JSON = TypeAdapter(Recipe)


def complete(
    request: Request,
    *,
    model: Model,
    source_size: Size | None,
    chance: random.Random,
    styles: Styles = _NO_STYLES,
    controls: Controls | None = None,
) -> Recipe:
    """Fill the holes of `request` from what `model` is best at, and draw a seed if none was named.

    `source_size` is the size of the source image, whose aspect is kept when no size is asked for. `controls` tells
    which ControlNets are there.
    Raises UnknownChoice, OutOfRange, BadSize, BadPrompt, TooLong, BadPicture, NotForThisModel, NotThisScheduler,
    NotThisMode or NeedsPicture.
    """
    control = None
    if controls is not None and request.mode is not None:
        control = controls.choose(request.mode, model, rather=request.control)
    try:
        mode = choose(
            request.mode,
            model=model,
            source=request.source is not None,
            mask=request.mask is not None,
            direction=request.direction is not None,
            by_control=() if control is None else (control.mode,),
        )
    except NotThisMode as error:
        wanted = None if controls is None or request.mode is None else controls.wanted(request.mode, model)
        raise NotThisMode(str(error.value), model=error.model, control=wanted) from None
    _refuse_what_has_no_use(request, mode, model)
    if mode is Mode.BLEND and source_size is not None:
        source_size = Size(width=source_size.width // 2, height=source_size.height)
    size, margins = _size(request, mode, model, source_size)
    first_seed = chance.randrange(SEED_LIMIT) if request.seed is None else request.seed
    count = 1 if request.count is None else request.count
    seeds = _counted(first_seed, count)
    variation, variation_seeds = 0.0, tuple[int, ...]()
    if request.variation is not None:
        towards = chance.randrange(SEED_LIMIT) if request.variation_seed is None else request.variation_seed
        seeds, variation, variation_seeds = (first_seed,) * count, request.variation, _counted(towards, count)
    style = styles.find(request.style)
    words = _words(request, style, seeds)
    return Recipe(
        mode=mode,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt if request.negative_prompt is not None else "",
        model=model.name,
        width=size.width,
        height=size.height,
        num_inference_steps=int(_within("num_inference_steps", request.num_inference_steps, model.steps)),
        guidance_scale=float(_within("guidance_scale", request.guidance_scale, model.guidance)),
        scheduler=_scheduler(request.scheduler, model),
        seeds=seeds,
        source=request.source,
        strength=_strength(request, mode, model, controlled=control is not None),
        mask=request.mask if mode is Mode.INPAINT else None,
        margins=margins,
        scale=_scale(request, model, source_size) if mode is Mode.UPSCALE and source_size is not None else None,
        blend=(_BETWEEN if request.blend is None else request.blend) if mode is Mode.BLEND else None,
        first_size=_first_size(size, mode, model),
        variation=variation,
        variation_seeds=variation_seeds,
        turned=request.turned if variation_seeds and request.turned is not None else (),
        clip_skip=_clip_skip(request.clip_skip, model),
        style=style,
        words=words,
        control=None if control is None else control.name,
    )


def _counted(first: int, count: int) -> tuple[int, ...]:
    return tuple((first + n) % SEED_LIMIT for n in range(count))


def _words(request: Request, style: Style | None, seeds: tuple[int, ...]) -> tuple[Words, ...]:
    """What each picture is drawn from, none where that is what was typed. Raises BadPrompt."""
    typed = Words(text=request.prompt, prompt=request.prompt, negative_prompt=request.negative_prompt or "")
    words = tuple(spell(typed.prompt, typed.negative_prompt, style, seed) for seed in seeds)
    for each in words:
        read(each.prompt)
        read(each.negative_prompt, argument="negative_prompt")
    return () if all(each == typed for each in words) else words


def _refuse_what_has_no_use(request: Request, mode: Mode, model: Model) -> None:
    useless = {
        "strength": request.strength is not None and (not mode.takes_source or mode is Mode.UPSCALE),
        "mask": request.mask is not None and mode is not Mode.INPAINT,
        "direction": request.direction is not None and mode is not Mode.OUTPAINT,
        "scale": request.scale is not None and mode is not Mode.UPSCALE,
        "blend": request.blend is not None and mode is not Mode.BLEND,
        "variation": request.variation is not None and mode is Mode.UPSCALE,
    }
    for argument, is_useless in useless.items():
        if is_useless:
            raise NotForThisModel(argument, model=model.name)


def _size(request: Request, mode: Mode, model: Model, source: Size | None) -> tuple[Size, Margins | None]:
    """The size of the picture, and for outpainting what of it is new. Raises BadSize, OutOfRange or BadPicture."""
    bounds = model.size
    if mode is Mode.UPSCALE and source is not None:
        scale = _scale(request, model, source)
        return Size(width=round(source.width * scale), height=round(source.height * scale)), None
    asked = None if request.size is None else bounds.read(request.size)
    if mode is Mode.OUTPAINT and source is not None:
        if request.margins is not None and asked is not None:
            return asked, request.margins
        return canvas(bounds, source, request.direction or Direction.ALL, asked)
    if asked is not None:
        return asked, None
    return (bounds.native if source is None else bounds.shaped(source.width, source.height)), None


def _scale(request: Request, model: Model, source: Size) -> float:
    """How many times as large the source becomes; as large as the model can, where nobody said how large.

    Raises OutOfRange, and BadPicture where the source is as large as that already.
    """
    longest = max(source.width, source.height)
    most = model.size.maximum / longest
    if most < 1:
        raise BadPicture(PictureFault.TOO_LONG, value=source, limit=model.size.maximum)
    scale = min(UPSCALE_LIMIT, most) if request.scale is None else request.scale
    if scale > most:
        raise OutOfRange("scale", scale, minimum=1.0, maximum=int(most * 100) / 100)
    return scale


def _first_size(size: Size, mode: Mode, model: Model) -> Size | None:
    """The size of a first pass for what is so large that the model would draw everything twice in it."""
    learnt = (model.size.native, *model.size.trained)
    if mode is not Mode.TEXT_TO_IMAGE or Use.IMAGE not in model.can or size in learnt:
        return None
    if size.pixels <= _ROOM * max(each.pixels for each in learnt):
        return None
    return model.size.shaped(size.width, size.height)


def _strength(request: Request, mode: Mode, model: Model, *, controlled: bool) -> float | None:
    if not mode.takes_source or mode is Mode.UPSCALE:
        return None
    if request.strength is not None:
        return request.strength
    if mode in {Mode.INPAINT, Mode.OUTPAINT}:
        return 1.0
    return _CONTROL if controlled else model.strength


def _clip_skip(layer: int | None, model: Model) -> int:
    if layer is None:
        return 1
    if not model.skips_layers and layer != 1:
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
        scheduler = Scheduler(name)
    except ValueError:
        raise UnknownChoice("scheduler", name, choices=model.schedulers) from None
    if scheduler not in model.schedulers:
        raise NotThisScheduler(scheduler, model=model.name, choices=model.schedulers)
    return scheduler
