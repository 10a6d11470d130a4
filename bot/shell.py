"""`easel draw`: the same studio, queue, worker and history, with a progress bar instead of Discord."""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bot import updates, wording
from bot.app import UNLIMITED, House, open_house
from bot.attachments import read_bytes
from bot.errors import DrawingFailed
from bot.history import Generation
from bot.place import Viewer
from bot.settings import Settings
from generation import BadPicture, JobState, PictureFault, Request

OPERATOR = Viewer(member_id=0)  # no member of Discord has this id


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What was typed: `options` by Request's field names, None where nothing was said."""

    prompt: str
    output: Path | None
    image: Path | None
    seed: str | None
    options: dict[str, Any]


async def draw_in_shell(drawing: Drawing, *, settings: Settings, errors: Console) -> None:
    """Draw, show how far it is, and write the pictures. Raises InvalidRequest, EaselError or DatabaseError."""
    async with open_house(settings, allowance=UNLIMITED) as house:
        request = await _request(drawing, house, errors)
        accepted = await house.studio.submit(request, viewer=OPERATOR, address=None)
        running = asyncio.create_task(house.studio.run(), name="studio")
        try:
            await _watch(house, accepted.generation_id, errors)
        except asyncio.CancelledError:
            await house.studio.cancel(accepted.generation_id, OPERATOR)
            raise
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        generation = await house.history.recall(accepted.generation_id, OPERATOR)
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


async def _watch(house: House, generation_id: str, errors: Console) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(wording.SHELL_WAITING, total=None)
        async for update in house.studio.follow(generation_id):
            match update:
                case updates.Drawing(loading=True):
                    bar.update(task, description=wording.SHELL_LOADING)
                case updates.Drawing(step=step, steps=steps) if steps:
                    bar.update(task, description=wording.SHELL_DRAWING, completed=step, total=steps)
                case _:
                    pass


def _write(generation: Generation, output: Path | None) -> list[Path]:
    """Copy the pictures out of the data folder: OUT.png, OUT-2.png and so on."""
    first = Path(generation.pictures[0].name) if output is None else output
    written = []
    for picture in generation.pictures:
        target = first if picture.number == 1 else first.with_stem(f"{first.stem}-{picture.number}")
        target.parent.mkdir(parents=True, exist_ok=True)
        written.append(Path(shutil.copyfile(picture.file, target)))
    return written
