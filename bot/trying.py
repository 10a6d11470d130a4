"""What `easel models check` does: everything that is here is drawn with once, each model in each of its modes."""

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from bot import adaptations
from bot.content import ContentFilter
from bot.settings import Settings
from bot.wording import models as wording
from generation import (
    Adapters,
    Catalogue,
    Describe,
    Failed,
    Failure,
    FailureKind,
    Family,
    Finds,
    Found,
    Generate,
    GenerationError,
    Kind,
    LoadFailed,
    Mode,
    Model,
    ModelUnavailable,
    Request,
    Size,
    Supervisor,
    UnknownChoice,
    Use,
    WorkerDied,
    complete,
    find_model,
    finds_in,
    inspect,
)

_PROMPT = "a red house"
_FROM_WORDS = Request(prompt=_PROMPT, mode=Mode.TEXT_TO_IMAGE)
_TWO_PASSES = "two passes"
_WAYS = {
    Use.TEXT: {"text to image": _FROM_WORDS, "variation": replace(_FROM_WORDS, variation=0.5)},
    Use.IMAGE: {
        "image to image": Request(prompt=_PROMPT, mode=Mode.IMAGE_TO_IMAGE),
        "blend": Request(prompt=_PROMPT, mode=Mode.BLEND),
        _TWO_PASSES: _FROM_WORDS,
    },
    Use.INPAINT: {
        "inpaint": Request(prompt=_PROMPT, mode=Mode.INPAINT),
        "outpaint": Request(prompt=_PROMPT, mode=Mode.OUTPAINT),
    },
    Use.DEPTH: {"depth": Request(prompt=_PROMPT, mode=Mode.DEPTH)},
    Use.UPSCALE: {"upscale": Request(prompt=_PROMPT, mode=Mode.UPSCALE)},
}
_NAMED = {Kind.LORA: "<lora:{}:1>", Kind.EMBEDDING: "{}"}  # how a prompt names them
_TRIED_SIDE = 256  # pixels of the picture that a captioner is tried with
_NO_SOURCE = "0" * 64  # the hash of a source image that is in no store

_Adaptation = tuple[Kind, Path]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One thing that was tried; `ok` is None where there was nothing to try."""

    name: str
    family: str
    origin: str
    mode: str
    ok: bool | None
    result: str


def worker_of(settings: Settings) -> Supervisor:
    """A worker of its own that loads and draws as the one of `easel run` would."""
    return Supervisor(
        device=settings.device,
        threads=settings.threads,
        content_filter=settings.content_filter is not ContentFilter.OFF,
        memory=settings.memory,
        folder=settings.data_dir,
    )


async def try_out(
    settings: Settings, known: Catalogue, name: str | None, on_next: Callable[[str], None]
) -> list[Trial]:
    """Try what is called `name`, or everything; `on_next` is told the name of each. Raises UnknownChoice."""
    models, others = await asyncio.to_thread(_chosen, settings, known, name)
    adapters = Adapters(settings.data_dir / "models")
    trials: list[Trial] = []
    supervisor = worker_of(settings)
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = _Bench(
                supervisor=supervisor, folder=Path(folder), adapters=adapters, models=(*known.values(),)
            )
            for model in models:
                on_next(model.name)
                trials += await bench.try_model(model)
            for kind, path in others:
                on_next(adaptations.called(path))
                trials.append(await bench.try_adaptation(kind, path))
    finally:
        await supervisor.close()
    return trials


def _chosen(
    settings: Settings, known: Catalogue, name: str | None
) -> tuple[Sequence[Model], Sequence[_Adaptation]]:
    others = list(adaptations.everything(settings.data_dir / "models"))
    if name is None:
        return list(known.values()), others
    called = [each for each in others if adaptations.called(each[1]) == name]
    if name not in known and not called:
        raise UnknownChoice(
            wording.ANYTHING, name, choices=(*known, *(adaptations.called(path) for _, path in others))
        )
    return [known[name]] if name in known else [], called


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """A worker, a `folder` for its pictures, and what may be tried together: `models` with `adapters`."""

    supervisor: Supervisor
    folder: Path
    adapters: Adapters
    models: Sequence[Model]

    async def try_model(self, model: Model) -> list[Trial]:
        """Load `model`, and draw with it in each of its modes."""
        path = await asyncio.to_thread(find_model, model)

        def trial(mode: str, ok: bool | None, result: str) -> Trial:
            origin = "" if path is None or model.family is Family.LANCZOS else _origin(path)
            return Trial(name=model.name, family=str(model.family), origin=origin, mode=mode, ok=ok, result=result)

        if path is None:
            return [trial("", None, wording.not_checked(model))]
        try:
            report = await self.supervisor.load(model)
        except WorkerDied as error:
            return [trial("load", False, str(error))]
        if isinstance(report, LoadFailed):
            return [trial("load", False, report.failure.detail)]
        trials = []
        for way, request in (each for use in model.can for each in _WAYS[use].items()):
            try:
                failure = await self._draw(model, request, twice=way is _TWO_PASSES)
            except WorkerDied as error:  # the next mode gets another worker
                trials.append(trial(way, False, str(error)))
            else:
                trials.append(trial(way, failure is None, wording.DRAWN if failure is None else failure.detail))
        return trials

    async def try_adaptation(self, kind: Kind, path: Path) -> Trial:
        """Draw with what changes a model, on the first model that it goes with."""
        name, family = adaptations.called(path), ""
        mode = wording.follows(kind, path.parent.name if kind is Kind.CONTROLNET else finds_in(path))
        ok: bool | None
        try:
            found = await asyncio.to_thread(inspect, str(path))
            family = str(found.family or "")
            if kind is not Kind.DETECTOR:
                ok, words = await self._draw_with(name, found)
            elif found.finds is Finds.WORDS:
                ok, words = await self._caption(path)
            else:
                ok, words = True, wording.WHOLE
        except ModelUnavailable as error:
            ok, words = False, error.reason
        except WorkerDied as error:
            ok, words = False, str(error)
        return Trial(name=name, family=family, origin=_origin(path), mode=mode, ok=ok, result=words)

    async def _draw_with(self, name: str, found: Found) -> tuple[bool | None, str]:
        """Whether something that is called `name` can be drawn with; None where no model here goes with it."""
        why = ""
        for model, request in await asyncio.to_thread(lambda: list(self._requests(name, found))):
            failure = await self._draw(model, request)
            if failure is None:
                return True, wording.drawn_with(model)
            if failure.kind is not FailureKind.UNFIT:
                return False, failure.detail
            why = failure.detail
        return None, wording.nothing_goes_with(found, why)

    def _requests(self, name: str, found: Found) -> Iterator[tuple[Model, Request]]:
        """What may be asked of the models that are here, for what is called `name` to take part."""
        controls = self.adapters.controls
        mode = next((each.mode for each in controls.installed() if each.name == name), None)
        for model in self.models:
            fits = found.family in {None, model.family} and model.can[0] is Use.TEXT
            if not fits or find_model(model) is None:
                continue
            if found.kind is not Kind.CONTROLNET:
                yield model, replace(_FROM_WORDS, prompt=f"{_PROMPT}, {_NAMED[found.kind].format(name)}")
            elif mode is not None:
                chosen = controls.choose(mode, model, rather=name)
                if chosen is not None and chosen.name == name:
                    yield model, Request(prompt=_PROMPT, mode=mode, control=name)

    async def _draw(self, model: Model, request: Request, *, twice: bool = False) -> Failure | None:
        """Draw one small picture, or one and a larger one over it; returns what went wrong, or None."""
        side = max(model.size.minimum // model.size.grid, 1) * model.size.grid
        steps = int(min(max(2, model.steps.minimum), model.steps.maximum))
        source = mask = None
        mode = request.mode or Mode.TEXT_TO_IMAGE
        request = replace(request, num_inference_steps=steps, seed=7)
        if mode not in {Mode.OUTPAINT, Mode.UPSCALE}:
            request = replace(request, size=f"{side}x{side}")
        if mode.takes_source:
            # As the shape of what is to be drawn anew serves half of a picture.
            source, mask = (str(self.folder / f"{name}.png") for name in ("source", "mask"))
            gradient = Image.linear_gradient("L").resize((side, side))
            await asyncio.to_thread(gradient.save, mask)
            given = _strokes(side) if mode.controlled else gradient.convert("RGB").rotate(90)
            await asyncio.to_thread(given.save, source)
            request = replace(request, source=_NO_SOURCE, mask=_NO_SOURCE if mode is Mode.INPAINT else None)
        try:
            recipe = complete(
                request,
                model=model,
                source_size=Size(width=side, height=side),
                chance=random.Random(0),  # noqa: S311  (nothing is left to chance)
                controls=self.adapters.controls,
            )
            if twice:
                larger = side + model.size.grid
                recipe = replace(recipe, width=larger, height=larger, first_size=recipe.size)
            taking_part = await asyncio.to_thread(self.adapters.of, recipe)
        except GenerationError as error:
            return Failure(kind=FailureKind.BUG, detail=str(error))
        order = Generate(
            job="check",
            recipe=recipe,
            model=model,
            folder=str(self.folder),
            source_file=source,
            mask_file=mask,
            adapters=taking_part,
        )
        report = await self.supervisor.draw(order, lambda _: None)
        return report.failure if isinstance(report, Failed) else None

    async def _caption(self, path: Path) -> tuple[bool, str]:
        """Whether the captioner in a folder works, and what it says of a picture."""
        picture = BytesIO()
        _strokes(_TRIED_SIDE).save(picture, "PNG")
        folder = await asyncio.to_thread(path.absolute)
        order = Describe(job="check", picture=picture.getvalue(), captioner=str(folder))
        report = await self.supervisor.describe(order)
        if isinstance(report, Failed):
            return False, report.failure.detail
        return True, wording.says(report.prompts[0]) if report.prompts else wording.SAYS_NOTHING


def _strokes(side: int) -> Image.Image:
    """Lines of several colours on black, which have edges and pass for a skeleton."""
    picture = Image.new("RGB", (side, side))
    pen = ImageDraw.Draw(picture)
    colours = ("red", "yellow", "lime", "cyan", "blue", "magenta")
    for number, colour in enumerate(colours, start=1):
        at = side * number // (len(colours) + 1)
        pen.line((at, side // 8, side - at, side * 7 // 8), fill=colour, width=max(2, side // 48))
    return picture


def _origin(path: Path) -> str:
    if path.is_file():
        return path.suffix.removeprefix(".")
    return "hub" if path.parent.name == "snapshots" else "folder"
