"""The menus and buttons of `/server`: where pictures are drawn, by which models, where starred ones go; the log.

Whoever presses them is looked at anew: a message of before outlives the right to set anything.
"""

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Self

import discord

from bot import wording
from bot.acknowledge import take_note
from bot.desk import Desk, desk_of, moderator_of
from bot.errors import BadRule, RuleFault
from bot.place import Viewer
from bot.rules import Rules
from bot.views.buttons import GenerationButton, LastingItem, View
from bot.wording import labels
from generation import Model, Use

_MENU = 25  # entries, as many as Discord takes
_MENUS = 4  # of models: a message has five rows, the last one is for the button
_NAME_SHOWN = 100  # characters of an entry
_DRAWN_IN = [  # Discord's menus have no media channels: those are chosen by their category
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.category,
]
_SHOWN_IN = [discord.ChannelType.text, discord.ChannelType.news]
_NEEDED = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "attach_files": "Attach Files",
}

Turned = dict[str, Any]  # what a message needs, by discord.py's names


class ChannelMenu(LastingItem[discord.ui.ChannelSelect[Any]], template=r"easel:rule:(?P<rule>channels|showcase)"):
    """Sets the channels that pictures are drawn in, or the one of the showcase; none of them lifts the rule."""

    def __init__(self, rule: str, chosen: Collection[int] = ()) -> None:
        several = rule == "channels"
        super().__init__(
            discord.ui.ChannelSelect(
                custom_id=f"easel:rule:{rule}",
                placeholder=labels.RULE_MENUS[rule],
                channel_types=_DRAWN_IN if several else _SHOWN_IN,
                min_values=0,
                max_values=_MENU if several else 1,
                default_values=[
                    discord.SelectDefaultValue(id=each, type=discord.SelectDefaultValueType.channel)
                    for each in sorted(chosen)
                ],
            )
        )
        self._rule = rule

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        moderator, chosen = moderator_of(interaction), frozenset(channel.id for channel in self.item.values)
        await take_note(interaction)
        servers = desk_of(interaction).studio.servers
        if self._rule == "channels":
            rules = await servers.change(moderator, lambda rules: replace(rules, channels=chosen))
            await interaction.edit_original_response(**channels_message(rules))
            return
        for channel_id in chosen:
            _check_may_show(interaction.guild, channel_id)
        rules = await servers.change(moderator, lambda rules: replace(rules, showcase=next(iter(chosen), None)))
        await interaction.edit_original_response(**showcase_message(rules))


class ModelMenu(LastingItem[discord.ui.Select[Any]], template=r"easel:rule:models:(?P<part>\d)"):
    """Sets which of the models of one menu may draw, beside those of the other menus.

    What the menu showed is read off its message: the models here may be others by now.
    """

    def __init__(self, part: str | int, models: Sequence[Model] = (), chosen: Collection[str] = ()) -> None:
        select: discord.ui.Select[Any] = discord.ui.Select(
            custom_id=f"easel:rule:models:{part}",
            placeholder=labels.RULE_MENUS["models"],
            min_values=0,
            max_values=max(1, len(models)),
        )
        for model in models:
            label, meaning = (wording.shorten(text, _NAME_SHOWN) for text in (model.name, model.title))
            value, default = _value(model.name), model.name in chosen
            select.add_option(label=label, value=value, description=meaning, default=default)
        super().__init__(select)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        menu = await super().from_custom_id(interaction, item, match)
        if isinstance(item, discord.ui.Select):
            menu.item.options = item.options
        return menu

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        moderator = moderator_of(interaction)
        await take_note(interaction)
        recipes = desk_of(interaction).studio.recipes
        here = await asyncio.to_thread(recipes.models_here)
        names = {_value(model.name): model.name for model in recipes.catalogue.values()}
        shown = frozenset(names.get(option.value, option.value) for option in self.item.options)
        chosen = frozenset(names.get(value, value) for value in self.item.values)

        def edit(rules: Rules) -> Rules:
            models = (rules.models - shown) | chosen
            default = rules.default_model
            keeps = default is None or not models or default in models
            rules = replace(rules, models=models, default_model=default if keeps else None)
            recipes.check_first_choice(rules, here)
            return rules

        rules = await recipes.servers.change(moderator, edit)
        await interaction.edit_original_response(**await models_message(desk_of(interaction), rules))


class LiftButton(LastingItem[discord.ui.Button[View]], template=r"easel:lift:(?P<rule>channels|models|showcase)"):
    """Lifts a rule, whatever its menu shows."""

    def __init__(self, rule: str) -> None:
        super().__init__(discord.ui.Button(label=labels.LIFT[rule], custom_id=f"easel:lift:{rule}"))
        self._rule = rule

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        moderator = moderator_of(interaction)
        await take_note(interaction)
        desk = desk_of(interaction)
        lifted: dict[str, Any] = {self._rule: None if self._rule == "showcase" else frozenset()}
        here = await asyncio.to_thread(desk.studio.recipes.models_here)

        def edit(rules: Rules) -> Rules:
            rules = replace(rules, **lifted)
            if self._rule == "models":  # then another one may be the first choice
                desk.studio.recipes.check_first_choice(rules, here)
            return rules

        rules = await desk.studio.servers.change(moderator, edit)
        match self._rule:
            case "channels":
                message = channels_message(rules)
            case "models":
                message = await models_message(desk, rules)
            case _:
                message = showcase_message(rules)
        await interaction.edit_original_response(**message)


class LogButton(GenerationButton, template=r"easel:log:(?P<id>[on]\d{1,18})"):
    """Turns to another page of a server's log; its id says where that begins."""

    action = "log"
    label = labels.OLDER

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        moderator = moderator_of(interaction)
        await take_note(interaction)
        message = await log_message(desk_of(interaction), moderator, self.generation_id)
        await interaction.edit_original_response(**message)


def channels_message(rules: Rules) -> Turned:
    """Where pictures are drawn, and the menu that sets it."""
    shown = rules.channels if len(rules.channels) <= _MENU else ()
    return {
        "content": wording.channels_asked(rules),
        "view": _of(ChannelMenu("channels", shown), LiftButton("channels")),
    }


def showcase_message(rules: Rules) -> Turned:
    """Where starred pictures are posted, and the menu that sets it."""
    shown = () if rules.showcase is None else (rules.showcase,)
    return {
        "content": wording.showcase_asked(rules),
        "view": _of(ChannelMenu("showcase", shown), LiftButton("showcase")),
    }


async def models_message(desk: Desk, rules: Rules) -> Turned:
    """Which models draw, and the menus that set it: of those on this machine, a hundred."""
    menus = [ModelMenu(number, part, rules.models) for number, part in enumerate(await _parts(desk))]
    return {"content": wording.models_asked(rules), "view": _of(*menus, LiftButton("models"))}


async def log_message(desk: Desk, moderator: Viewer, turn: str = "") -> Turned:
    """A page of the log of the moderator's server."""
    if moderator.guild_id is None:
        raise ValueError("a log is of a server")
    page = await desk.studio.servers.log(moderator.guild_id, turn)
    turns = ((page.newer, labels.NEWER), (page.older, labels.OLDER))
    buttons = [LogButton(to, label=label) for to, label in turns if to is not None]
    return {"embeds": [wording.server_log(page)], "view": _of(*buttons)}


async def _parts(desk: Desk) -> list[tuple[Model, ...]]:
    """The models that draw here, by menu."""
    here = await asyncio.to_thread(desk.studio.recipes.models_here)
    models = tuple(model for model in here if model.can != (Use.UPSCALE,))[: _MENU * _MENUS]
    return [models[start : start + _MENU] for start in range(0, len(models), _MENU)]


def _value(name: str) -> str:
    """What stands for a model in a menu: its name as far as Discord takes it."""
    return name[:_NAME_SHOWN]


def _check_may_show(guild: discord.Guild | None, channel_id: int) -> None:
    """Raises BadRule where Easel may not post pictures in a channel."""
    channel = None if guild is None else guild.get_channel(channel_id)
    if guild is None or channel is None:  # Easel does not even see it
        raise BadRule(RuleFault.CANNOT_POST, value=_NEEDED["view_channel"])
    may = channel.permissions_for(guild.me)
    missing = [name for right, name in _NEEDED.items() if not getattr(may, right)]
    if missing:
        raise BadRule(RuleFault.CANNOT_POST, value=", ".join(missing))


def _of(*items: discord.ui.Item[Any]) -> View:
    view = View(timeout=None)
    for item in items:
        view.add_item(item)
    return view


SERVER_ITEMS = (ChannelMenu, ModelMenu, LiftButton, LogButton)
