"""`easel draw`: the same studio, queue, worker and history, with a progress bar instead of Discord."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bot import updates, wording
from bot.app import House, open_house
from bot.attachments import read_bytes
from bot.errors import AlreadyRunning, DrawingFailed, NotWritten
from bot.history import Generation
from bot.place import OPERATOR_ID, Viewer
from bot.settings import Settings
from generation import BadPicture, JobState, PictureFault, Request

OPERATOR = Viewer(member_id=OPERATOR_ID)
_LOOK_AGAIN = 0.5  # seconds

_Wait = Callable[[House, str, Progress], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What was typed: `options` by Request's field names, None where nothing was said."""

    prompt: str
    output: Path | None
    image: Path | None
    seed: str | None
    options: dict[str, Any]


async def draw_in_shell(drawing: Drawing, *, settings: Settings, errors: Console) -> None:
    """Draw, show how far it is, and write the pictures; beside a running Easel, that one draws.

    Raises InvalidRequest, EaselError or DatabaseError.
    """
    try:
        async with open_house(settings) as house, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(house.studio.run(), name="studio")
            await _draw(drawing, house, errors, _watch)
            running.cancel()
    except AlreadyRunning:
        async with open_house(settings, beside=True) as house:
            await _draw(drawing, house, errors, _wait_beside)


async def _draw(drawing: Drawing, house: House, errors: Console, wait: _Wait) -> None:
    """Ask, wait until it has ended, and write down what came of it."""
    request = await _request(drawing, house, errors)
    generation_id = (await house.studio.submit(request, viewer=OPERATOR, address=None)).generation_id
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=errors, transient=True) as bar:
            await wait(house, generation_id, bar)
    except asyncio.CancelledError:
        await house.studio.cancel(generation_id, OPERATOR)
        raise
    generation = await house.history.recall(generation_id, OPERATOR)
    if generation.state is not JobState.FINISHED:
        raise DrawingFailed(generation.failure)
    for written in await asyncio.to_thread(_write, generation, drawing.output):
        Console(highlight=False, soft_wrap=True).print(str(written), markup=False)
    errors.print(wording.drawn_in_shell(generation), style="dim", markup=False)


async def _request(drawing: Drawing, house: House, errors: Console) -> Request:
    options = dict(drawing.options)
    if drawing.image is not None:
        try:
            data = await asyncio.to_thread(drawing.image.read_bytes)
        except OSError:
            raise BadPicture(PictureFault.MISSING, name=str(drawing.image)) from None
        source = await read_bytes(data, name=drawing.image.name, pictures=house.pictures)
        options["source"] = source.sha256
        for correction in source.corrections:
            errors.print(wording.corrected(correction), style="dim", markup=False)
    if drawing.seed is not None:
        options["seed"] = await house.seeds.read(OPERATOR, drawing.seed)
    return Request(prompt=drawing.prompt, **options)


async def _watch(house: House, generation_id: str, bar: Progress) -> None:
    """Follow a job of this process."""
    task = bar.add_task(wording.SHELL_WAITING, total=None)
    async for update in house.studio.follow(generation_id):
        match update:
            case updates.Drawing(loading=True):
                bar.update(task, description=wording.SHELL_LOADING)
            case updates.Drawing(step=step, steps=steps) if steps:
                bar.update(task, description=wording.SHELL_DRAWING, completed=step, total=steps)
            case _:
                pass


async def _wait_beside(house: House, generation_id: str, bar: Progress) -> None:
    """Wait for a job that another process draws: only its state is on record, not its steps."""
    task = bar.add_task(wording.SHELL_WAITING, total=None)
    while not (generation := await house.history.recall(generation_id, OPERATOR)).state.ended:
        if generation.state is JobState.RUNNING:
            bar.update(task, description=wording.SHELL_DRAWING)
        await asyncio.sleep(_LOOK_AGAIN)


def _write(generation: Generation, output: Path | None) -> list[Path]:
    """Copy the pictures out of the data folder: OUT.png, OUT-2.png and so on. Raises NotWritten."""
    first = Path(generation.pictures[0].name) if output is None else output
    written = []
    for picture in generation.pictures:
        target = first if picture.number == 1 else first.with_stem(f"{first.stem}-{picture.number}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            written.append(Path(shutil.copyfile(picture.file, target)))
        except OSError as error:
            reason = error.strerror or str(error)
            raise NotWritten(str(target), reason=reason, kept=str(picture.file)) from None
    return written
