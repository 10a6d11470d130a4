"""`easel models`: the catalogue as the operator sees it; what is added to it, forgotten, and tried."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from bot import adaptations
from bot.adaptations import Purpose
from bot.settings import Settings
from bot.wording import models as wording
from generation import (
    Adapters,
    Catalogue,
    Failed,
    Generate,
    GenerationError,
    LoadFailed,
    Loading,
    Mode,
    Model,
    ModelUnavailable,
    Place,
    Request,
    Size,
    Supervisor,
    UnknownChoice,
    Use,
    WorkerDied,
    add_entry,
    complete,
    fetch,
    find_model,
    inspect,
    known_controls,
    read_entries,
    remove_entry,
    repository_of,
    size_on_disk,
)

_MODES = {
    Use.TEXT: (Mode.TEXT_TO_IMAGE,),
    Use.IMAGE: (Mode.IMAGE_TO_IMAGE,),
    Use.INPAINT: (Mode.INPAINT, Mode.OUTPAINT),
    Use.DEPTH: (Mode.DEPTH,),
    Use.UPSCALE: (Mode.UPSCALE,),
}
_WIDE = 140  # characters to a line: as many as a row of the list takes
_NO_SOURCE = "0" * 64  # the hash of a source image that is in no store


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One thing that Easel can draw with; `size` is empty where it is not on this machine."""

    name: str
    title: str
    family: str
    purpose: str
    licence: str = ""
    size: str = ""
    memory: str = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One thing that was tried; `ok` is None where there was nothing to try."""

    name: str
    family: str
    origin: str
    mode: str
    ok: bool | None
    result: str


def commands(
    settings_of: Callable[[], Settings], finish: Callable[[Coroutine[Any, Any, None]], None]
) -> typer.Typer:
    """The command group; `finish` runs a coroutine and turns its errors into sentences and an exit code."""
    group = typer.Typer(help="What Easel can draw with: list, add, remove, check.", no_args_is_help=True)
    console = Console(highlight=False)

    @group.command("list")
    def list_() -> None:
        """Show every model, LoRA, embedding and ControlNet, and which are on this machine."""

        async def work() -> None:
            listed = await asyncio.to_thread(_listed, settings_of())
            console.print(_table(listed) if console.width >= _WIDE else _stacked(listed))

        finish(work())

    @group.command()
    def add(
        source: Annotated[
            str,
            typer.Argument(help="A name of the catalogue, a Hugging Face id, a folder or a single file."),
        ],
        name: Annotated[str | None, typer.Option(help="What to call it; its own name by default.")] = None,
        purpose: Annotated[
            Purpose | None, typer.Option("--for", help="What a ControlNet follows, if its name does not tell.")
        ] = None,
    ) -> None:
        """Add a model, LoRA, embedding or ControlNet. Files stay where they are; hub models are fetched."""
        finish(_add(source, name, purpose, settings_of(), console))

    @group.command()
    def remove(
        name: Annotated[str, typer.Argument(help="The name of what was added, or of a model that was fetched.")],
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before files are deleted.")] = False,
    ) -> None:
        """Forget what was added, and delete what Easel downloaded for it; your own files stay."""

        def sure() -> bool:
            return yes or typer.confirm(wording.SURE)

        async def work() -> None:
            await asyncio.to_thread(_remove, name, settings_of(), sure, console)

        finish(work())

    @group.command()
    def check(
        name: Annotated[str | None, typer.Argument(help="One model; all of them by default.")] = None,
    ) -> None:
        """Load each model that is here and draw with it once in each mode."""
        trials: list[Trial] = []

        async def work() -> None:
            trials.extend(await try_out(settings_of(), name, console))

        finish(work())
        console.print(_trials(trials))
        if any(trial.ok is False for trial in trials):
            raise typer.Exit(1)

    return group


def _catalogue(settings: Settings) -> Catalogue:
    return Catalogue.read(default=settings.model, own=own_file(settings))


def own_file(settings: Settings) -> Path:
    """The operator's own catalogue file."""
    return settings.data_dir / "models" / "models.toml"


# list ------------------------------------------------------------------------------------------------------------


def _listed(settings: Settings) -> list[Listed]:
    listed = []
    for model in _catalogue(settings).values():
        path = find_model(model)
        listed.append(
            Listed(
                name=model.name,
                title=model.title,
                family=str(model.family),
                purpose=wording.made_for(model),
                licence=wording.licence(model),
                size=wording.gigabytes(size_on_disk(path)) if path is not None else "",
                memory=wording.gigabytes(model.memory("float16")),
            )
        )
    there = set[str]()
    for kind, path in adaptations.everything(_folder(settings)):
        name, size = adaptations.called(path), wording.gigabytes(size_on_disk(path))
        there.add(name)
        purpose = f"{kind} ({path.parent.name})" if path.parent.name in set(Purpose) else str(kind)
        listed.append(Listed(name=name, title=str(path.resolve()), family="", purpose=purpose, size=size))
    return listed + [
        Listed(
            name=entry.name,
            title=entry.title,
            family=str(entry.family or ""),
            purpose=wording.purpose(entry),
            licence=entry.licence,
        )
        for entry in known_controls().values()
        if entry.name not in there
    ]


def _table(listed: Sequence[Listed]) -> Table:
    """A line each."""
    table = Table(*wording.LIST_HEAD, box=None, pad_edge=False)
    for each in listed:
        cells = (each.name, each.title, each.family, each.purpose, each.licence, each.size or wording.NOT_HERE)
        table.add_row(*map(_plain, cells), each.memory, style=None if each.size else "dim")
    return table


def _stacked(listed: Sequence[Listed]) -> Table:
    """Some lines each, for a terminal that has no room for more beside a name."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for each in listed:
        facts = (each.family, each.purpose, wording.here(each.size), wording.in_memory(each.memory))
        lines = (each.title, "; ".join(filter(None, facts)), each.licence)
        words = "\n".join(_plain(line) for line in lines if line)
        table.add_row(_plain(each.name), words, style=None if each.size else "dim")
    return table


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "models"


# add -------------------------------------------------------------------------------------------------------------


async def _add(
    source: str, name: str | None, purpose: Purpose | None, settings: Settings, console: Console
) -> None:
    known = dict(_catalogue(settings))
    if source in known:
        await _load(known[source], settings, console)
        console.print(wording.fetched(known[source]), markup=False)
        return
    if (entry := known_controls().get(source)) is not None:
        purpose = Purpose(entry.mode) if entry.mode is not None else None
        await _add_adaptation(source, entry.places, name or entry.name, purpose, settings, console)
        return
    found = await asyncio.to_thread(inspect, source)
    if found.model is None:
        places = (Place(source=source),) if found.path is None else ()
        await _add_adaptation(source, places, name or found.name, purpose, settings, console)
        return
    if purpose is not None:
        raise ModelUnavailable(found.name, wording.no_purpose(found.kind))
    model = found.model if name is None else replace(found.model, name=name)
    if model.name in known:
        raise ModelUnavailable(model.name, wording.taken(model.name))
    seconds = await _load(model, settings, console)
    await asyncio.to_thread(add_entry, own_file(settings), model)
    console.print(wording.added(model, seconds), markup=False)


async def _add_adaptation(
    source: str, places: Sequence[Place], name: str, purpose: Purpose | None, settings: Settings, console: Console
) -> None:
    """Link what is no model itself, once it is fetched from one of `places`, if there are any."""
    path = source
    if places:
        with _bar(console) as bar:
            task = bar.add_task(wording.FETCHING_MODEL, total=None)

            def on_bytes(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            path = str(await asyncio.to_thread(fetch, name, places, on_bytes))
    found = await asyncio.to_thread(inspect, path)
    link = await asyncio.to_thread(
        adaptations.link, found, _folder(settings), name=name, purpose=purpose, source=source
    )
    console.print(wording.linked(found, link), markup=False)


def _bar(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    return Progress(*columns, console=console, transient=True)


async def _load(model: Model, settings: Settings, console: Console) -> float:
    """Fetch and load `model` in a worker; returns the seconds. Raises ModelUnavailable or WorkerDied."""
    supervisor = Supervisor(device=settings.device, threads=settings.threads)
    try:
        with _bar(console) as bar:
            task = bar.add_task(wording.LOADING_MODEL, total=None)

            def on_report(report: Loading) -> None:
                if report.total:
                    description = wording.FETCHING_MODEL if report.done < report.total else wording.LOADING_MODEL
                    bar.update(task, description=description, completed=report.done, total=report.total)

            report = await supervisor.load(model, on_report)
    finally:
        await supervisor.close()
    if isinstance(report, LoadFailed):
        raise ModelUnavailable(model.name, report.failure.detail)
    return report.seconds


# remove ----------------------------------------------------------------------------------------------------------


def _remove(name: str, settings: Settings, sure: Callable[[], bool], console: Console) -> None:
    known = _catalogue(settings)
    for _, adaptation in adaptations.everything(_folder(settings)):
        if name == adaptations.called(adaptation):
            _remove_adaptation(adaptation, settings, sure, console)
            return
    if name not in known:
        raise UnknownChoice("model", name, choices=tuple(known))
    model = known[name]
    own = name in read_entries(own_file(settings))
    fetched = list(_fetched(model, known, settings))
    if not own and not fetched:
        raise ModelUnavailable(name, wording.nothing_to_remove(name))
    for folder in fetched:
        console.print(wording.to_delete(folder, _weight(folder)), markup=False)
    if fetched and not sure():
        return
    for folder in fetched:
        shutil.rmtree(folder)
    if own:
        remove_entry(own_file(settings), name)
    path = model.folder
    console.print(wording.forgotten(name, str(path) if path is not None else None), markup=False)


def _remove_adaptation(path: Path, settings: Settings, sure: Callable[[], bool], console: Console) -> None:
    name, kept = adaptations.called(path), str(path.resolve())
    if not path.is_symlink():
        raise ModelUnavailable(name, wording.not_ours(path))
    downloaded = adaptations.downloaded(path, _folder(settings))
    if downloaded is not None:
        console.print(wording.to_delete(downloaded, _weight(downloaded)), markup=False)
        if not sure():
            return
        shutil.rmtree(downloaded)
    path.unlink()
    console.print(wording.forgotten(name, kept if downloaded is None else None), markup=False)


def _fetched(model: Model, known: Catalogue, settings: Settings) -> Iterator[Path]:
    """What was downloaded for `model` into the data folder, and belongs to no other model."""
    others = {
        place.source
        for other in known.values()
        if other.name != model.name
        for place in (*other.places, *other.extras)
    }
    places = [*model.places, *model.extras]
    for source in dict.fromkeys(place.source for place in places):
        folder = next(repository_of(place) for place in places if place.source == source)
        if folder is not None and folder.is_relative_to(settings.data_dir) and source not in others:
            yield folder


def _weight(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


# check -----------------------------------------------------------------------------------------------------------


async def try_out(settings: Settings, name: str | None, console: Console) -> list[Trial]:
    """Load and draw with the model `name`, or with every one, and look at every other file.

    Raises UnknownChoice, and what reading the catalogue raises.
    """
    known = _catalogue(settings)
    models = list(known.values()) if name is None else [known.find(name)]
    trials: list[Trial] = []
    supervisor = Supervisor(device=settings.device, threads=settings.threads)
    try:
        with tempfile.TemporaryDirectory() as folder, console.status("") as status:
            for model in models:
                status.update(model.name)
                trials += await _try_model(model, supervisor, Path(folder), Adapters(_folder(settings)))
    finally:
        await supervisor.close()
    for kind, path in adaptations.everything(_folder(settings)) if name is None else ():
        try:
            await asyncio.to_thread(inspect, str(path))
            ok, words = True, wording.file_is_fine(kind)
        except ModelUnavailable as error:
            ok, words = False, error.reason
        own = adaptations.called(path)
        trials.append(Trial(name=own, family="", origin=_origin(path), mode=str(kind), ok=ok, result=words))
    return trials


async def _try_model(model: Model, supervisor: Supervisor, folder: Path, adapters: Adapters) -> list[Trial]:
    path = await asyncio.to_thread(find_model, model)

    def trial(mode: str, ok: bool | None, result: str) -> Trial:
        origin = "" if path is None else _origin(path)
        return Trial(name=model.name, family=str(model.family), origin=origin, mode=mode, ok=ok, result=result)

    if path is None:
        return [trial("", None, wording.not_checked(model.name))]
    try:
        report = await supervisor.load(model)
        if isinstance(report, LoadFailed):
            return [trial("load", False, report.failure.detail)]
        trials = []
        by_control = await asyncio.to_thread(adapters.controls.modes, model)
        for mode in (*(mode for use in model.can for mode in _MODES[use]), *sorted(by_control)):
            words = await _draw(model, mode, supervisor, folder, adapters)
            shown = mode.replace("_", " ")
            trials.append(trial(shown, words is None, wording.DRAWN if words is None else words))
    except WorkerDied as error:
        return [trial("load", False, str(error))]
    return trials


async def _draw(model: Model, mode: Mode, supervisor: Supervisor, folder: Path, adapters: Adapters) -> str | None:
    """Draw one small picture; returns what went wrong, in words, or None."""
    side = max(model.size.minimum // model.size.grid, 1) * model.size.grid
    steps = int(min(max(2, model.steps.minimum), model.steps.maximum))
    source = mask = None
    request = Request(prompt="a red house", mode=mode, num_inference_steps=steps, seed=7)
    if mode not in {Mode.OUTPAINT, Mode.UPSCALE}:
        request = replace(request, size=f"{side}x{side}")
    if mode.takes_source:
        # As the shape of what is to be drawn anew serves half of a picture.
        source, mask = (str(folder / f"{name}.png") for name in ("source", "mask"))
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
            controls=adapters.controls,
        )
        taking_part = await asyncio.to_thread(adapters.of, recipe)
    except GenerationError as error:
        return str(error)
    order = Generate(
        job="check",
        recipe=recipe,
        model=model,
        folder=str(folder),
        source_file=source,
        mask_file=mask,
        adapters=taking_part,
    )
    report = await supervisor.draw(order, lambda _: None)
    return report.failure.detail if isinstance(report, Failed) else None


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


def _trials(trials: list[Trial]) -> Table:
    table = Table(*wording.CHECK_HEAD, box=None, pad_edge=False)
    for trial in trials:
        style = {True: "green", False: "red", None: "yellow"}[trial.ok]
        table.add_row(trial.name, trial.family, trial.origin, trial.mode, f"[{style}]{_plain(trial.result)}[/]")
    return table


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
