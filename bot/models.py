"""`easel models`: the catalogue as the operator sees it; what is added to it, and forgotten."""

import asyncio
import re
import shutil
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from bot import adaptations
from bot.adaptations import Purpose
from bot.settings import Settings
from bot.trying import Trial, try_out, worker_of
from bot.wording import models as wording
from generation import (
    Catalogue,
    Family,
    Kind,
    Loaded,
    LoadFailed,
    Loading,
    Model,
    ModelUnavailable,
    Place,
    UnknownChoice,
    add_entry,
    fetch,
    find_model,
    finds_in,
    inspect,
    known_controls,
    read_entries,
    remove_entry,
    repository_of,
    size_on_disk,
)

_WIDE = 140  # characters to a line: as many as a row of the list takes
_PATH = re.compile(r"[/\\]|\.(safetensors|ckpt|pth?|bin|gguf)$")  # as no name of the catalogue is written
_NAME = re.compile(r"\w(?:[\w .+()-]*[\w.+)])?")  # what may be the name of a file, and of an entry


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


def commands(
    settings_of: Callable[[], Settings], finish: Callable[[Coroutine[Any, Any, None]], None]
) -> typer.Typer:
    """The command group; `finish` runs a coroutine and turns its errors into sentences and an exit code."""
    group = typer.Typer(help="What Easel can draw with: list, add, remove, check.", no_args_is_help=True)

    @group.command("list")
    def list_() -> None:
        """Show every model, LoRA, embedding and ControlNet, and which are on this machine."""
        console = _console()

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
        finish(_add(source, name, purpose, settings_of(), _console()))

    @group.command()
    def remove(
        name: Annotated[str, typer.Argument(help="The name of what was added, or of a model that was fetched.")],
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before files are deleted.")] = False,
    ) -> None:
        """Forget what was added, and delete what Easel downloaded for it; your own files stay."""

        def sure() -> bool:
            return yes or typer.confirm(wording.SURE)

        async def work() -> None:
            await asyncio.to_thread(_remove, name, settings_of(), sure, _console())

        finish(work())

    @group.command()
    def check(
        name: Annotated[str | None, typer.Argument(help="One of them; all that are here by default.")] = None,
    ) -> None:
        """Draw once in each mode of each model, and with each LoRA, embedding and ControlNet."""
        console, trials = _console(), list[Trial]()

        async def work() -> None:
            settings = settings_of()
            with console.status("") as status:
                known = _catalogue(settings)
                trials.extend(await try_out(settings, known, name, lambda each: status.update(Text(each))))

        finish(work())
        console.print(_trials(trials))
        if any(trial.ok is False for trial in trials):
            raise typer.Exit(1)

    return group


def _console() -> Console:
    """The terminal as wide as it is now."""
    return Console(highlight=False, emoji=False)


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
                size=_size(model, path),
                memory=wording.gigabytes(model.memory("float16")),
            )
        )
    there = set[str]()
    for kind, path in adaptations.everything(_folder(settings)):
        name, size = adaptations.called(path), wording.gigabytes(size_on_disk(path))
        there.add(name)
        follows = path.parent.name if path.parent.name in set(Purpose) else finds_in(path)
        purpose = wording.follows(kind, follows)
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


def _size(model: Model, path: Path | None) -> str:
    if model.family is Family.LANCZOS:
        return wording.NO_FILES
    return "" if path is None else wording.gigabytes(size_on_disk(path))


def _table(listed: Sequence[Listed]) -> Table:
    """A line each."""
    table = Table(*wording.LIST_HEAD, box=None, pad_edge=False)
    for each in listed:
        cells = (each.name, each.title, each.family, each.purpose, each.licence, each.size or wording.NOT_HERE)
        table.add_row(*map(Text, cells), each.memory, style=None if each.size else "dim")
    return table


def _stacked(listed: Sequence[Listed]) -> Table:
    """Some lines each, for a terminal that has no room for more beside a name."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for each in listed:
        facts = (each.family, each.purpose, wording.here(each.size), wording.in_memory(each.memory))
        lines = (each.title, "; ".join(filter(None, facts)), each.licence)
        words = "\n".join(filter(None, lines))
        table.add_row(Text(each.name), Text(words), style=None if each.size else "dim")
    return table


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "models"


# add -------------------------------------------------------------------------------------------------------------


async def _add(
    source: str, name: str | None, purpose: Purpose | None, settings: Settings, console: Console
) -> None:
    known = dict(_catalogue(settings))
    if name is not None and not _NAME.fullmatch(name):
        raise ModelUnavailable(name, wording.BAD_NAME)
    if source in known:
        await _add_listed(known[source], name, purpose, settings, console)
        return
    if (entry := known_controls().get(source)) is not None:
        follows = Purpose(entry.mode) if entry.mode is not None else None
        if purpose not in {None, follows}:
            raise ModelUnavailable(source, wording.other_purpose(follows))
        await _add_adaptation(source, entry.places, name or entry.name, follows, settings, console)
        return
    if _PATH.search(source) is None and not await asyncio.to_thread(Path(source).exists):
        raise UnknownChoice(wording.ANYTHING, source, choices=(*known, *known_controls()))
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
    report = await _load(model, settings, console)
    await asyncio.to_thread(add_entry, own_file(settings), model)
    _say(wording.added(model, report, own_file(settings)), console)


async def _add_listed(
    model: Model, name: str | None, purpose: Purpose | None, settings: Settings, console: Console
) -> None:
    """Bring a `model` of the catalogue onto this machine, under the name that it has there."""
    if name not in {None, model.name}:
        raise ModelUnavailable(model.name, wording.no_name(model.name))
    if purpose is not None:
        raise ModelUnavailable(model.name, wording.no_purpose(Kind.MODEL))
    report = await _load(model, settings, console)
    _say(wording.fetched(model, report), console)


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
    _say([wording.linked(found, link)], console)


def _bar(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _say(lines: Sequence[str], console: Console) -> None:
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


async def _load(model: Model, settings: Settings, console: Console) -> Loaded:
    """Fetch and load `model` in a worker. Raises ModelUnavailable or WorkerDied."""
    supervisor = worker_of(settings)
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
    return report


# remove ----------------------------------------------------------------------------------------------------------


def _remove(name: str, settings: Settings, sure: Callable[[], bool], console: Console) -> None:
    known = _catalogue(settings)
    for _, adaptation in adaptations.everything(_folder(settings)):
        if name == adaptations.called(adaptation):
            _remove_adaptation(adaptation, settings, sure, console)
            return
    if name not in known:
        others = (adaptations.called(path) for _, path in adaptations.everything(_folder(settings)))
        raise UnknownChoice(wording.ANYTHING, name, choices=(*known, *others))
    model = known[name]
    own = name in read_entries(own_file(settings))
    fetched = list(_fetched(model, known, settings))
    if not own and not fetched:
        raise ModelUnavailable(name, wording.nothing_to_remove(name))
    for folder in fetched:
        _say([wording.to_delete(folder, _weight(folder))], console)
    if fetched and not sure():
        return
    if own:
        remove_entry(own_file(settings), name)  # first: an entry that has to stay keeps its files
    for folder in fetched:
        shutil.rmtree(folder)
    path = model.folder
    _say([wording.forgotten(name, str(path) if path is not None else None)], console)


def _remove_adaptation(path: Path, settings: Settings, sure: Callable[[], bool], console: Console) -> None:
    name, kept = adaptations.called(path), str(path.resolve())
    if not path.is_symlink():
        raise ModelUnavailable(name, wording.not_ours(path))
    downloaded = adaptations.downloaded(path, _folder(settings))
    if downloaded is not None:
        _say([wording.to_delete(downloaded, _weight(downloaded))], console)
        if not sure():
            return
        shutil.rmtree(downloaded)
    path.unlink()
    _say([wording.forgotten(name, kept if downloaded is None else None)], console)


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


def _trials(trials: list[Trial]) -> Table:
    table = Table(*wording.CHECK_HEAD, box=None, pad_edge=False)
    for trial in trials:
        style = {True: "green", False: "red", None: "yellow"}[trial.ok]
        cells = (trial.name, trial.family, trial.origin, trial.mode)
        table.add_row(*map(Text, cells), Text(trial.result, style=style))
    return table
