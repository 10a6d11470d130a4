"""The options that several commands share: their types, their suggestions, and how they become a Request."""

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import discord
from discord import app_commands

from bot.desk import desk_of, viewer_of
from bot.errors import NotFound
from bot.history import Generation
from bot.wording import labels, shorten
from generation import COUNT_LIMIT, PROMPT_LIMIT, BadSize, Scheduler

log = logging.getLogger(__name__)

Prompt = app_commands.Range[str, 1, PROMPT_LIMIT]
NegativePrompt = app_commands.Range[str, 0, PROMPT_LIMIT]
Count = app_commands.Range[int, 1, COUNT_LIMIT]
Strength = app_commands.Range[float, 0.0, 1.0]
Interaction = discord.Interaction[Any]
Choice = app_commands.Choice[str]
Suggest = Callable[[Interaction, str], Coroutine[Any, Any, list[Choice]]]

SCHEDULERS = [app_commands.Choice(name=name.value, value=name.value) for name in Scheduler]

_SHOWN = 25  # choices: as many as Discord takes
_LONGEST = 100  # characters of a choice's name and of its value
_DEADLINE = 2.0  # seconds: Discord waits for three
_SHAPES = ("square", "portrait", "landscape", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "1:1")
_RENAMED = {"steps": "num_inference_steps", "guidance": "guidance_scale"}


def given(**options: Any) -> dict[str, Any]:
    """The options that were given, by Request's field names. None alone means not given: 0 is a value."""
    return {_RENAMED.get(name, name): value for name, value in options.items() if value is not None}


def read_id(typed: str) -> str:
    """A generation's id, also where its file's name was pasted: "abc", "abc.png", "abc-2.png"."""
    return read_picture(typed)[0]


def read_picture(typed: str) -> tuple[str, int]:
    """A generation's id and which of its pictures is meant, from 1, as in "abc-2.png"; "abc" is the first."""
    generation_id, _, number = typed.strip(" `").partition(".")[0].partition("-")
    return generation_id, int(number) if re.fullmatch(r"\d{1,9}", number) else 1


def seed_of(generation: Generation, number: int) -> int:
    """The seed of a generation's picture `number`, counted from 1. Raises NotFound where there is none."""
    seeds = generation.recipe.seeds
    if not 1 <= number <= len(seeds):
        raise NotFound("generation", f"{generation.id}-{number}")
    return seeds[number - 1]


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
async def suggest_model(interaction: Interaction, current: str) -> list[Choice]:
    wanted = current.casefold()
    return [
        _choice(f"{model.name} · {model.title}", model.name)
        for model in desk_of(interaction).studio.catalogue.values()
        if wanted in model.name.casefold() or wanted in model.title.casefold()
    ]


@never_failing
async def suggest_size(interaction: Interaction, current: str) -> list[Choice]:
    catalogue = desk_of(interaction).studio.catalogue
    model = catalogue.get(str(interaction.namespace.model or ""), catalogue.find(None))
    wanted = current.strip().casefold()
    choices = [_choice(f"{shape} ({model.size.read(shape)})", shape) for shape in _SHAPES if wanted in shape]
    if choices or not wanted:
        return choices
    try:
        return [_choice(str(model.size.read(current)), current.strip())]
    except BadSize as error:
        return [_choice(f"{error.closest} (the closest to {current})", error.closest)]


@never_failing
async def suggest_seed(interaction: Interaction, current: str) -> list[Choice]:
    saved = await desk_of(interaction).seeds.suggest(viewer_of(interaction), current)
    typed = [_choice(current.strip(), current.strip())] if current.strip().isdecimal() else []
    return typed + [_choice(f"{seed.name} ({seed.seed})", seed.name) for seed in saved]


@never_failing
async def suggest_saved_seed(interaction: Interaction, current: str) -> list[Choice]:
    saved = await desk_of(interaction).seeds.suggest(viewer_of(interaction), current)
    return [_choice(f"{seed.name} ({seed.seed})", seed.name) for seed in saved]


@never_failing
async def suggest_generation(interaction: Interaction, current: str) -> list[Choice]:
    page = await desk_of(interaction).history.page(viewer_of(interaction), limit=_SHOWN)
    wanted = current.strip().casefold()
    return [
        _choice(f"{generation.id} · {generation.recipe.prompt}", generation.id)
        for generation in page.generations
        if wanted in generation.id or wanted in generation.recipe.prompt.casefold()
    ]


def _choice(name: str, value: str) -> Choice:
    return app_commands.Choice(name=shorten(name, _LONGEST), value=value[:_LONGEST])


def described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Descriptions, choices and suggestions for the options that `/imagine` and its kin share."""
    has = inspect.signature(command).parameters
    for decorate in (
        app_commands.describe(**{name: text for name, text in labels.OPTIONS.items() if name in has}),
        app_commands.choices(scheduler=SCHEDULERS),
        app_commands.autocomplete(model=suggest_model, size=suggest_size),
    ):
        command = decorate(command)
    return command
