"""The `easel` command."""

import asyncio
import logging
import os
from collections.abc import Coroutine, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler

from bot import models
from bot.errors import EaselError
from bot.folder import written
from bot.settings import Settings, read_settings
from db import DatabaseError
from generation import GenerationError

app = typer.Typer(
    name="easel",
    help="Draws pictures on this machine, for a Discord server or for the shell.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_errors = Console(stderr=True, highlight=False, emoji=False)


@app.command()
def run() -> None:
    """Start the bot; without a token, the playground at http://127.0.0.1:8765."""
    from bot.app import run as run_bot

    settings = _settings()
    _log_to_terminal(settings.log_level)

    async def work() -> None:
        _log_to_file(settings)
        await run_bot(settings)

    _finish(work())


@app.command()
def draw(
    prompt: Annotated[str | None, typer.Argument(help="What to draw.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The PNG to write; the generation's id by default.")
    ] = None,
    image: Annotated[Path | None, typer.Option(help="A picture to start from.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="A picture of Easel, AUTOMATIC1111 or ComfyUI to draw again, but for what else is said."
        ),
    ] = None,
    strength: Annotated[float | None, typer.Option(help="How far to leave that picture, 0.0 to 1.0.")] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="How the picture is used: auto, image, depth, inpaint, outpaint, edges, sketch, pose, upscale."
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="A picture: what it shows white is drawn anew, what it shows black is kept."),
    ] = None,
    direction: Annotated[
        str | None, typer.Option(help="Where the picture grows: left, right, up, down or all.")
    ] = None,
    scale: Annotated[float | None, typer.Option(help="Of upscaling: how many times as wide and high.")] = None,
    variation: Annotated[
        float | None, typer.Option(help="How far to leave the seed for the variation seed, 0.0 to 1.0.")
    ] = None,
    variation_seed: Annotated[
        str | None, typer.Option(help="The seed that a variation goes towards; a new one by default.")
    ] = None,
    negative_prompt: Annotated[
        str | None, typer.Option("--negative-prompt", "--no", help="What to keep out.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A model of the catalogue.")] = None,
    style: Annotated[str | None, typer.Option(help="A ready-made look, such as ink or watercolour.")] = None,
    size: Annotated[str | None, typer.Option(help="512x512, 16:9, square, portrait or landscape.")] = None,
    count: Annotated[int | None, typer.Option(help="How many pictures, 1 to 4.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely to follow the prompt.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A noise scheduler, such as DDIM or Euler a.")] = None,
    clip_skip: Annotated[
        int | None, typer.Option(help="Layers of the text encoder from its end: 1 is all of it, 2 skips the last.")
    ] = None,
    seed: Annotated[str | None, typer.Option(help="A number, or the name of a saved seed.")] = None,
) -> None:
    """Draw a picture from the shell."""
    from bot.shell import Drawing, draw_in_shell

    settings = _settings(model=model)
    _log_to_terminal("ERROR")
    drawing = Drawing(
        prompt=prompt,
        recipe=recipe,
        model=model,
        output=output,
        image=image,
        mask=mask,
        mode=mode,
        direction=direction,
        seed=seed,
        variation_seed=variation_seed,
        options={
            "scale": scale,
            "variation": variation,
            "strength": strength,
            "negative_prompt": negative_prompt,
            "style": style,
            "size": size,
            "count": count,
            "num_inference_steps": steps,
            "guidance_scale": guidance,
            "scheduler": scheduler,
            "clip_skip": clip_skip,
        },
    )
    _finish(draw_in_shell(drawing, settings=settings, errors=_errors))


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="A picture.")]) -> None:
    """Say what tells that a picture was made here: its watermark, its recipe, and the records.

    The exit code is 0 where something does, 1 where nothing does, and 2 where the file cannot be read.
    """
    from bot.shell import verify_in_shell
    from bot.wording import findings, sentence

    settings = _settings()
    _log_to_terminal("ERROR")
    try:
        found = asyncio.run(verify_in_shell(file, settings=settings))
    except (EaselError, GenerationError, DatabaseError) as error:
        _errors.print(sentence(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    _say(findings(found))
    if not found.made_here:
        raise typer.Exit(1)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The file to write; an older backup is replaced.")]) -> None:
    """Write records, pictures and source images to one file, also while Easel runs."""
    from bot.backup import back_up
    from bot.wording import backed_up

    settings = _settings_in_quiet()

    async def work() -> None:
        _say(backed_up(await asyncio.to_thread(back_up, file, data_dir=settings.data_dir), str(file)))

    _finish(work())


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup, or the easel.db.before-… that an update left behind.")],
) -> None:
    """Put a backup in the place of what is there, which is kept aside. Easel must not be running."""
    from bot.backup import restore as put_back
    from bot.wording import restored

    settings = _settings_in_quiet()

    async def work() -> None:
        _say(restored(await put_back(file, data_dir=settings.data_dir), str(file)))

    _finish(work())


@app.command()
def doctor() -> None:
    """Check device, memory, models, database, disk, token and permissions, and say what to do."""
    from bot.doctor import examine, show

    settings = _settings()
    _log_to_terminal("CRITICAL")
    findings = asyncio.run(examine(settings))
    show(findings, Console(highlight=False, emoji=False))
    if any(finding.advice for finding in findings if not finding.ok):
        raise typer.Exit(1)


def main() -> None:
    app()


def _settings(**overrides: Any) -> Settings:
    from bot.wording import sentence

    try:
        settings = read_settings(**overrides)
    except EaselError as error:
        _errors.print(sentence(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    keep_models_in(settings.data_dir)
    return settings


def keep_models_in(data_dir: Path) -> None:
    """Have what is downloaded from Hugging Face kept in the data folder, by this process and its worker.

    The operator's own HF_HOME or HF_HUB_CACHE stays, and so does an ordinary cache that is there already, so that
    nothing is downloaded twice. Only the cache moves, not the login that `hf auth login` leaves in HF_HOME.
    """
    if any(os.environ.get(name) for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")):
        return
    # Path.expanduser raises for a user without a home, as in some containers.
    ordinary = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111
    if not (ordinary / "huggingface" / "hub").is_dir():
        os.environ["HF_HUB_CACHE"] = str(data_dir / "models" / "huggingface" / "hub")


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end; what went wrong on purpose is one sentence and exit code 1."""
    from bot.wording import sentence

    try:
        asyncio.run(work)
    except* (EaselError, GenerationError, DatabaseError) as group:
        for error in _leaves(group):
            _errors.print(sentence(error), style="red", markup=False, soft_wrap=True)
        code = 1
    except* KeyboardInterrupt:
        code = 130
    else:
        return
    raise typer.Exit(code)


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        Console(highlight=False, soft_wrap=True, emoji=False).print(line, markup=False)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


def _log_to_file(settings: Settings) -> None:
    """Keep the log in the data folder as well, at most some megabytes of it. Raises FolderUnusable."""
    folder = settings.data_dir / "logs"
    with written(folder):
        kept = RotatingFileHandler(folder / "easel.log", maxBytes=2**20, backupCount=4, encoding="utf-8")
    kept.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(kept)


def _log_to_terminal(level: str) -> None:
    logging.basicConfig(
        level=level,
        format="%(message)s",
        datefmt="%H:%M:%S",
        handlers=[RichHandler(console=_errors, show_path=False, rich_tracebacks=False)],
    )
    # discord.py tells of each heartbeat and each request at INFO.
    logging.getLogger("discord").setLevel(max(logging.getLevelName(level), logging.WARNING))


def _settings_in_quiet() -> Settings:
    settings = _settings()
    _log_to_terminal("ERROR")
    return settings


app.add_typer(models.commands(_settings_in_quiet, _finish), name="models")
