"""The message and the modals of `/settings`; what is typed into them is read from the interaction."""

import asyncio
from collections.abc import Mapping
from typing import Any

import discord

from bot import wording
from bot.acknowledge import take_note
from bot.desk import Desk, desk_of, viewer_of
from bot.preferences import Defaults
from bot.views.buttons import LastingItem, View
from bot.views.modal import OPEN_FOR, read_modal
from bot.wording import labels
from generation import COUNT_LIMIT, PROMPT_LIMIT, OutOfRange, Range, Scheduler, Use

_PREFIX = "easel:settings:"
_LONGEST_MENU = 25  # as many as Discord takes
_LONGEST_NAME = 100  # characters of a menu's entry


class SettingsButton(
    LastingItem[discord.ui.Button[View]], template=r"easel:settings:(?P<action>look|numbers|reset)"
):
    """Opens some of the settings for change, or forgets all of them."""

    def __init__(self, action: str) -> None:
        style = discord.ButtonStyle.danger if action == "reset" else discord.ButtonStyle.primary
        super().__init__(
            discord.ui.Button(label=labels.SETTINGS[action], style=style, custom_id=f"{_PREFIX}{action}")
        )
        self._action = action

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        if self._action != "reset":
            defaults = await desk.studio.recipes.defaults(viewer)
            modal = await look(defaults, desk) if self._action == "look" else numbers(defaults)
            await interaction.response.send_modal(modal)
            return
        await take_note(interaction)
        await desk.preferences.reset(viewer)
        await interaction.edit_original_response(**settings_message(Defaults()))


def settings_message(defaults: Defaults) -> dict[str, Any]:
    """What is set, and what may be done about it."""
    view = View(timeout=None)
    for action in labels.SETTINGS:
        view.add_item(SettingsButton(action))
    return {"embeds": [wording.settings(defaults)], "view": view}


async def look(defaults: Defaults, desk: Desk) -> discord.ui.Modal:
    """What decides how pictures look; of the models those that draw from words, here and at once."""
    modal = discord.ui.Modal(title=labels.SETTINGS_LOOK, custom_id=f"{_PREFIX}look", timeout=OPEN_FOR)
    here = await asyncio.to_thread(desk.studio.recipes.models_here)
    models = {model.name: model.title for model in here if Use.TEXT in model.can}
    styles = {name: style.title for name, style in desk.studio.styles.items()}
    _ask(modal, "model", _choice("model", defaults.model, models))
    _ask(modal, "style", _choice("style", defaults.style, styles))
    _ask(modal, "size", _text("size", defaults.size))
    _ask(modal, "scheduler", _choice("scheduler", defaults.scheduler, {str(each): "" for each in Scheduler}))
    _ask(modal, "negative_prompt", _text("negative_prompt", defaults.negative_prompt, longest=PROMPT_LIMIT))
    return modal


def numbers(defaults: Defaults) -> discord.ui.Modal:
    """What decides how long drawing takes, how many pictures come of it, and who sees them."""
    modal = discord.ui.Modal(title=labels.SETTINGS_NUMBERS, custom_id=f"{_PREFIX}numbers", timeout=OPEN_FOR)
    count = None if defaults.count is None else str(defaults.count)
    private = None if defaults.private is None else wording.YES if defaults.private else wording.NO
    guidance = None if defaults.guidance_scale is None else f"{defaults.guidance_scale:g}"
    steps = None if defaults.num_inference_steps is None else str(defaults.num_inference_steps)
    _ask(modal, "steps", _text("steps", steps))
    _ask(modal, "guidance", _text("guidance", guidance))
    _ask(modal, "count", _choice("count", count, {str(number): "" for number in range(1, COUNT_LIMIT + 1)}))
    _ask(modal, "private", _choice("private", private, {wording.YES: "", wording.NO: ""}))
    return modal


def read_settings_modal(interaction: discord.Interaction[Any]) -> Mapping[str, str] | None:
    """What was filled in, by field, empty for nothing, if `interaction` answers one of these modals."""
    answer = read_modal(interaction, _PREFIX)
    return None if answer is None else answer[1]


def read_number(name: str, typed: str, bounds: Range, *, whole: bool = False) -> float | None:
    """The number that was typed, None for nothing. Raises OutOfRange for what is none, or not a `whole` one."""
    if not typed.strip():
        return None
    try:
        return int(typed) if whole else float(typed.strip().replace(",", "."))
    except ValueError:
        raise OutOfRange(name, typed, minimum=bounds.minimum, maximum=bounds.maximum) from None


def _ask(modal: discord.ui.Modal, field: str, box: discord.ui.Item[Any]) -> None:
    label, hint = labels.SETTINGS_FIELDS[field]
    modal.add_item(discord.ui.Label(text=label, description=hint, component=box))


def _choice(field: str, value: str | None, entries: Mapping[str, str]) -> discord.ui.Item[Any]:
    """A menu of entries and what they mean; a text where Discord would not take so many."""
    if len(entries) > _LONGEST_MENU:
        return _text(field, value)
    options = [
        discord.SelectOption(
            label=wording.shorten(name, _LONGEST_NAME),
            value=name,
            description=wording.shorten(meaning, _LONGEST_NAME) or None,
            default=name == value,
        )
        for name, meaning in entries.items()
    ]
    return discord.ui.Select(
        custom_id=field, options=options, placeholder=wording.NOT_SET, min_values=0, required=False
    )


def _text(field: str, value: str | None, *, longest: int = 40) -> discord.ui.Item[Any]:
    return discord.ui.TextInput(
        custom_id=field,
        default=value or None,
        required=False,
        max_length=longest,
        style=discord.TextStyle.short if longest <= _LONGEST_NAME else discord.TextStyle.paragraph,
    )
