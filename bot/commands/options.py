"""The options that several commands share: their types, their suggestions, and how they become a Request."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any

import discord
from discord import app_commands

from bot.attachments import Source
from bot.desk import desk_of, viewer_of
from bot.history import Filter
from bot.wording import labels, shorten, title, titled
from generation import (
    AUTO,
    COUNT_LIMIT,
    MODES,
    NO_STYLE,
    PROMPT_LIMIT,
    UPSCALE_LIMIT,
    BadSize,
    Mode,
    Model,
    Scheduler,
    Size,
    Use,
)

log = logging.getLogger(__name__)

Prompt = app_commands.Range[str, 1, PROMPT_LIMIT]
NegativePrompt = app_commands.Range[str, 0, PROMPT_LIMIT]
Count = app_commands.Range[int, 1, COUNT_LIMIT]
Strength = app_commands.Range[float, 0.0, 1.0]
Interaction = discord.Interaction[Any]
Choice = app_commands.Choice[str]
Suggest = Callable[[Interaction, str], Coroutine[Any, Any, list[Choice]]]

Amount = app_commands.Range[float, 0.0, 1.0]
Scale = app_commands.Range[float, 1.0, UPSCALE_LIMIT]

# Upscaling has a command of its own.
MODE_CHOICES = [app_commands.Choice(name=name, value=name) for name in (AUTO, *MODES) if name != "upscale"]
SCHEDULERS = [app_commands.Choice(name=name.value, value=name.value) for name in Scheduler]

_SHOWN = 25  # choices: as many as Discord takes
_LONGEST = 100  # characters of a choice's name and of its value
_DEADLINE = 2.0  # seconds: Discord waits for three
_SHAPES = ("square", "portrait", "landscape", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "1:1")
_RENAMED = {"steps": "num_inference_steps", "guidance": "guidance_scale"}


def given(**options: Any) -> dict[str, Any]:
    """The options that were given, by Request's field names. None alone means not given: 0 is a value."""
    return {_RENAMED.get(name, name): value for name, value in options.items() if value is not None}


def pictures_given(source: Source | None, mask: Source | None) -> dict[str, Any]:
    """Uploads as a Request names them; a source's transparent parts are the mask where there is no other."""
    holes = None if source is None else source.holes
    found = {
        "source": None if source is None else source.sha256,
        "mask": holes if mask is None else mask.sha256,
    }
    return {name: sha256 for name, sha256 in found.items() if sha256 is not None}


def mode_given(mode: str | None) -> dict[str, Any]:
    """A way of drawing as a Request names it: None, for "auto", is for what was given to decide."""
    return {} if mode is None else {"mode": MODES.get(mode)}


def wants_holes(mode: str | None, mask: discord.Attachment | None) -> bool:
    """Whether what is transparent in a picture is to be its mask."""
    return mask is None and mode is not None and MODES.get(mode) is Mode.INPAINT


def offer_modes(tree: app_commands.CommandTree[Any], installed: Collection[Mode]) -> None:
    """Let every `mode` option of `tree` offer what can be drawn here, before Discord is told.

    A mode that takes a ControlNet is offered where one for it is `installed`; a reply's --mode takes it at once.
    """
    offered: list[Any] = [choice for choice in MODE_CHOICES if _is_drawn(MODES.get(choice.value), installed)]
    for command in tree.walk_commands():
        if isinstance(command, app_commands.Command) and command.get_parameter("mode") is not None:
            command._params["mode"].choices = offered  # noqa: SLF001  (choices can be set publicly at import alone)


def _is_drawn(mode: Mode | None, installed: Collection[Mode]) -> bool:
    return mode is None or not mode.controlled or mode in installed


def never_failing(suggest: Suggest) -> Suggest:
    """A suggestion that is late or fails is none: the option can still be typed."""

    @wraps(suggest)
    async def offer(interaction: Interaction, current: str) -> list[Choice]:
        try:
            async with asyncio.timeout(_DEADLINE):
                return (await suggest(interaction, current))[:_SHOWN]
        except Exception:
            log.exception("no suggestions for %r", current)
            return []

    return offer


@never_failing
async def suggest_known_model(interaction: Interaction, current: str) -> list[Choice]:
    return _models(desk_of(interaction).studio.catalogue.values(), current)


@never_failing
async def suggest_model(interaction: Interaction, current: str) -> list[Choice]:
    """Those that can be drawn with here at once, the default one first; enlarging has a command of its own."""
    recipes = desk_of(interaction).studio.recipes
    here = await asyncio.to_thread(recipes.models_here, recipes.servers.over(viewer_of(interaction)))
    return _models((model for model in here if model.can != (Use.UPSCALE,)), current)


def _models(models: Iterable[Model], current: str) -> list[Choice]:
    wanted = current.casefold()
    return [
        _choice(f"{model.name} · {model.title}", model.name)
        for model in models
        if wanted in model.name.casefold() or wanted in model.title.casefold()
    ]


@never_failing
async def suggest_style(interaction: Interaction, current: str) -> list[Choice]:
    wanted = current.strip().casefold()
    styles = desk_of(interaction).studio.styles.values()
    found = [style for style in styles if wanted in style.name or wanted in style.title.casefold()]
    none = [_choice(labels.NO_STYLE, NO_STYLE)] if NO_STYLE.startswith(wanted) else []
    return [_choice(f"{style.name} · {style.title}", style.name) for style in found[: _SHOWN - len(none)]] + none


@never_failing
async def suggest_size(interaction: Interaction, current: str) -> list[Choice]:
    """Shapes as the model that was named would draw them, or the one that draws where none is."""
    recipes, wanted = desk_of(interaction).studio.recipes, current.strip().casefold()
    model = recipes.catalogue.get(str(interaction.namespace.model or ""))
    if model is None:
        model = recipes.catalogue.find(await recipes.first_choice(viewer_of(interaction)))
    model = recipes.servers.over(viewer_of(interaction)).lowered(model)
    shapes = ((shape, size) for shape, size in _shapes(model) if wanted in shape)
    choices = [_choice(f"{shape} ({size})", shape) for shape, size in shapes]
    if choices or not wanted:
        return choices
    try:
        return [_choice(str(model.size.read(current)), current.strip())]
    except BadSize as error:
        return [_choice(labels.closest(error.closest, current), error.closest)]


def _shapes(model: Model) -> Iterator[tuple[str, Size]]:
    """The shapes that a model can draw, each as it draws it."""
    for shape in _SHAPES:
        with suppress(BadSize):
            yield shape, model.size.read(shape)


@never_failing
async def suggest_seed(interaction: Interaction, current: str) -> list[Choice]:
    """A number that was typed, saved seeds by their names, and the newest pictures' by number or words."""
    desk, viewer, wanted = desk_of(interaction), viewer_of(interaction), current.strip().casefold()
    offered = {wanted: wanted} if wanted.isdecimal() else {}
    offered |= {seed.name: f"{seed.name} ({seed.seed})" for seed in await desk.seeds.suggest(viewer, current)}
    for each in (await desk.history.page(viewer, limit=_SHOWN)).generations:
        seed, words = str(each.recipe.seeds[0]), titled(title(each.recipe))
        if any(word.startswith(wanted) for word in (seed, *words.casefold().split())):
            offered.setdefault(seed, f"{seed} · {words}")
    return [_choice(name, value) for value, name in offered.items()]


@never_failing
async def suggest_scheduler(interaction: Interaction, current: str) -> list[Choice]:  # noqa: ARG001  (discord.py's)
    wanted = current.strip().casefold()
    return [choice for choice in SCHEDULERS if wanted in choice.name.casefold()]


@never_failing
async def suggest_saved_seed(interaction: Interaction, current: str) -> list[Choice]:
    saved = await desk_of(interaction).seeds.suggest(viewer_of(interaction), current)
    return [_choice(f"{seed.name} ({seed.seed})", seed.name) for seed in saved]


@never_failing
async def suggest_generation(interaction: Interaction, current: str) -> list[Choice]:
    history, viewer = desk_of(interaction).history, viewer_of(interaction)
    wanted = current.strip().casefold()
    newest = (await history.page(viewer, limit=_SHOWN)).generations
    found = {generation.id: generation for generation in newest if wanted in generation.id}
    searched = await history.page(viewer, Filter(search=wanted), limit=_SHOWN)
    found |= {generation.id: generation for generation in searched.generations}
    return [_choice(f"{each.id} · {titled(title(each.recipe))}", each.id) for each in found.values()]


def in_list(suggest: Suggest) -> Suggest:
    """Suggestions for the last part of a comma list: whole lists, with what stands before it."""

    @wraps(suggest)
    async def offer(interaction: Interaction, current: str) -> list[Choice]:
        before, comma, last = current.rpartition(",")
        parts = [part.strip() for part in before.split(",") if part.strip()]
        taken = {part.casefold() for part in parts} if comma else set()
        found = [choice.value for choice in await suggest(interaction, last.strip())]
        lists = [", ".join([*parts, value]) for value in found if value.casefold() not in taken]
        return [Choice(name=each, value=each) for each in lists if len(each) <= _LONGEST]

    return offer


suggest_schedulers = in_list(suggest_scheduler)
suggest_models = in_list(suggest_model)
suggest_seeds = in_list(suggest_seed)


def _choice(name: str, value: str) -> Choice:
    return app_commands.Choice(name=shorten(name, _LONGEST), value=value[:_LONGEST])


def described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Descriptions, choices and suggestions for the options that `/imagine` and its kin share."""
    has = inspect.signature(command).parameters
    choices = {"scheduler": SCHEDULERS, "mode": MODE_CHOICES}
    for decorate in (
        app_commands.describe(**{name: text for name, text in labels.OPTIONS.items() if name in has}),
        app_commands.choices(**{name: offered for name, offered in choices.items() if name in has}),
        app_commands.autocomplete(model=suggest_model, style=suggest_style, size=suggest_size),
    ):
        command = decorate(command)
    return command
