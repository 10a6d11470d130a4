"""`easel draw`: the same studio, queue, worker and history, with a progress bar instead of Discord."""

import asyncio
import shutil
from collections.abc import Awaitable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bot import updates, wording
from bot.app import House, is_running, open_house
from bot.attachments import look, read_bytes, read_mask_bytes
from bot.errors import AlreadyRunning, DrawingFailed, NoRecipe, NotWritten
from bot.flags import read_mode
from bot.history import Generation
from bot.place import OPERATOR_ID, Viewer
from bot.redraw import redrawn_here
from bot.settings import Settings
from bot.verify import Findings, verify
from generation import (
    BadPicture,
    Direction,
    JobState,
    Mode,
    PictureFault,
    Request,
    UnknownChoice,
    read_recipe,
)

OPERATOR = Viewer(member_id=OPERATOR_ID, age_restricted=True)  # nobody else looks on
_LOOK_AGAIN = 0.5  # seconds
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What was typed: `options` by Request's field names, None where nothing was said.

    What is not said is taken from the picture `recipe`, if one is named.
    """

    prompt: str | None
    recipe: Path | None = None
    model: str | None = None
    output: Path | None
    image: Path | None
    mask: Path | None = None
    mode: str | None = None
    direction: str | None = None
    seed: str | None
    variation_seed: str | None = None
    options: dict[str, Any]


async def draw_in_shell(drawing: Drawing, *, settings: Settings, errors: Console) -> None:
    """Draw, show how far it is, and write the pictures. Beside a running Easel that one draws, as long as it runs.

    Raises InvalidRequest, EaselError or DatabaseError.
    """
    generation_id: str | None = None
    while True:
        try:
            async with open_house(settings) as house, asyncio.TaskGroup() as tasks:
                if generation_id is None:
                    generation_id = await _ask(drawing, house, errors)
                running = tasks.create_task(house.studio.run(), name="studio")
                with _bar(errors) as bar:
                    await _cancelling_with_us(house, generation_id, _watch(house, generation_id, bar))
                await _hand_out(drawing, house, generation_id, errors)
                running.cancel()
                return
        except AlreadyRunning:
            async with open_house(settings, beside=True) as house:
                if generation_id is None:
                    generation_id = await _ask(drawing, house, errors)
                with _bar(errors) as bar:
                    wait = _wait_beside(house, generation_id, bar)
                    if await _cancelling_with_us(house, generation_id, wait):
                        await _hand_out(drawing, house, generation_id, errors)
                        return


async def verify_in_shell(file: Path, *, settings: Settings) -> Findings:
    """Say what tells that a picture was made here, or that nothing does. Raises what `draw_in_shell` does."""
    try:
        data = await asyncio.to_thread(file.read_bytes)
    except OSError:
        raise BadPicture(PictureFault.MISSING, name=str(file)) from None
    image = await look(data, name=file.name)
    async with open_house(settings, beside=True) as house:
        return await verify(data, image, viewer=OPERATOR, history=house.history)


async def _ask(drawing: Drawing, house: House, errors: Console) -> str:
    """Submit what was typed; returns the generation's id."""
    request = await _request(drawing, house, errors)
    return (await house.studio.submit(request, viewer=OPERATOR, address=None)).generation_id


async def _cancelling_with_us(house: House, generation_id: str, wait: Awaitable[T]) -> T:
    """Await `wait`; if this command is interrupted, so is the job."""
    try:
        return await wait
    except asyncio.CancelledError:
        await house.studio.cancel(generation_id, OPERATOR)
        raise


async def _hand_out(drawing: Drawing, house: House, generation_id: str, errors: Console) -> None:
    """Write the pictures where they are wanted, and say so. Raises DrawingFailed or NotWritten."""
    generation = await house.history.recall(generation_id, OPERATOR)
    if generation.state is not JobState.FINISHED:
        raise DrawingFailed(generation.failure)
    for written in await asyncio.to_thread(_write, generation, drawing.output):
        Console(highlight=False, soft_wrap=True, emoji=False).print(str(written), markup=False)
    errors.print(wording.drawn_in_shell(generation), style="dim", markup=False)


def _bar(errors: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    return Progress(*columns, console=errors, transient=True)


async def _request(drawing: Drawing, house: House, errors: Console) -> Request:
    options = {name: value for name, value in drawing.options.items() if value is not None}
    if drawing.prompt is not None:
        options["prompt"] = drawing.prompt
    if drawing.model is not None:
        options["model"] = house.studio.catalogue.default  # a path has a name of its own in the catalogue
    if drawing.mode is not None:
        options["mode"] = read_mode(drawing.mode)
    if drawing.recipe is not None:
        found = await asyncio.to_thread(read_recipe, BytesIO(await _read(drawing.recipe)))
        if found is None:
            raise NoRecipe(str(drawing.recipe))
        has_image = drawing.image is not None
        again = await redrawn_here(found, options, house.studio.recipes, OPERATOR, has_image=has_image)
        for line in wording.redrawn(found, again):
            errors.print(line, style="dim", markup=False)
        options = again.options
    if drawing.direction is not None:
        options["direction"] = _direction(drawing.direction)
    options |= await _given_pictures(drawing, house, errors, mode=options.get("mode"))
    seeds = {"seed": drawing.seed, "variation_seed": drawing.variation_seed}
    options |= {name: await house.seeds.read(OPERATOR, seed) for name, seed in seeds.items() if seed is not None}
    return Request(**{"prompt": "", **options})


async def _given_pictures(drawing: Drawing, house: House, errors: Console, *, mode: Mode | None) -> dict[str, str]:
    """The files that were named, kept; by Request's field names. Raises BadPicture."""
    given: dict[str, str] = {}
    if drawing.image is not None:
        source = await read_bytes(
            await _read(drawing.image),
            name=drawing.image.name,
            pictures=house.pictures,
            with_holes=mode is Mode.INPAINT and drawing.mask is None,
        )
        given["source"] = source.sha256
        if source.holes is not None:
            given["mask"] = source.holes
        for correction in source.corrections:
            errors.print(wording.corrected(correction), style="dim", markup=False)
    if drawing.mask is not None:
        mask = await read_mask_bytes(await _read(drawing.mask), name=drawing.mask.name, pictures=house.pictures)
        given["mask"] = mask.sha256
    return given


async def _read(file: Path) -> bytes:
    try:
        return await asyncio.to_thread(file.read_bytes)
    except OSError:
        raise BadPicture(PictureFault.MISSING, name=str(file)) from None


def _direction(typed: str) -> Direction:
    try:
        return Direction(typed.strip().casefold())
    except ValueError:
        raise UnknownChoice("direction", typed, choices=tuple(Direction)) from None


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


async def _wait_beside(house: House, generation_id: str, bar: Progress) -> bool:
    """Wait for a job that another process draws: only its state is on record, not its steps.

    Returns whether it has ended; False when the other process is gone.
    """
    task = bar.add_task(wording.SHELL_WAITING, total=None)
    while not (generation := await house.history.recall(generation_id, OPERATOR)).state.ended:
        if not is_running(house.settings):
            return False
        if generation.state is JobState.RUNNING:
            bar.update(task, description=wording.SHELL_DRAWING)
        await asyncio.sleep(_LOOK_AGAIN)
    return True


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
