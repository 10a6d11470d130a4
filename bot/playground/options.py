"""A person's options for a slash command, checked as Discord's own app checks them before it sends anything."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .commands import NESTED, OptionKind
from .errors import NotPossible
from .files import Upload
from .guilds import Channel, Permission
from .rendering import Rendering
from .world import World

Json = dict[str, Any]

LONGEST_STRING = 6000
LARGEST_INTEGER = 2**53


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A command's options as an interaction carries them, with what their ids stand for."""

    options: list[Json]
    resolved: Json


def leaf(command: Json, path: list[str]) -> Json:
    """The command itself, or the subcommand that `path` names; NotPossible where there is none."""
    node = command
    for name in path:
        inner = {option["name"]: option for option in node.get("options") or () if option["type"] in NESTED}
        if name not in inner:
            raise NotPossible(f"/{command['name']} has no subcommand {name!r}, only {sorted(inner)}")
        node = inner[name]
    if any(option["type"] in NESTED for option in node.get("options") or ()):
        raise NotPossible(f"/{command['name']} must be called with one of its subcommands")
    return node


class OptionForm:
    """Fills in a command for a user in a channel; NotPossible names the option, the value and what would do."""

    def __init__(self, world: World, rendering: Rendering, *, user_id: int, channel: Channel) -> None:
        self._world = world
        self._rendering = rendering
        self._user_id = user_id
        self._channel = channel
        self._resolved: Json = {}

    @property
    def resolved(self) -> Json:
        """What the ids so far stand for."""
        return self._resolved

    def fill(
        self, command: Json, path: list[str], given: Mapping[str, object], *, focused: str | None = None
    ) -> Filled:
        """Options of the leaf under `path`; with `focused` (autocomplete) nothing is required."""
        node = leaf(command, path)
        known = {option["name"]: option for option in node.get("options") or ()}
        for name in given:
            if name not in known:
                raise NotPossible(
                    f"{name} is no option of /{command['name']}; there are {', '.join(known) or 'none'}"
                )
        if focused is not None and not known.get(focused, {}).get("autocomplete"):
            raise NotPossible(f"{focused} is no option of /{command['name']} with suggestions")
        filled = []
        for name, option in known.items():
            value = given.get(name)
            if name == focused:
                filled.append(
                    {
                        "name": name,
                        "type": option["type"],
                        "value": "" if value is None else str(value),
                        "focused": True,
                    }
                )
            elif value is not None:
                filled.append({"name": name, "type": option["type"], "value": self._value(option, value)})
            elif option.get("required") and focused is None:
                raise NotPossible(f"{name} is required by /{command['name']}")
        for depth, name in reversed(list(enumerate(path))):
            kind = OptionKind.SUBCOMMAND if depth == len(path) - 1 else OptionKind.SUBCOMMAND_GROUP
            filled = [{"name": name, "type": int(kind), "options": filled}]
        return Filled(options=filled, resolved=self._resolved)

    def _value(self, option: Json, value: object) -> object:
        name, kind = option["name"], option["type"]
        if kind == OptionKind.STRING:
            return self._string(option, value)
        if kind == OptionKind.BOOLEAN:
            if not isinstance(value, bool):
                raise NotPossible(f"{name} must be True or False, not {value!r}")
            return value
        if kind in {OptionKind.INTEGER, OptionKind.NUMBER}:
            return self._number(option, value)
        if kind == OptionKind.ATTACHMENT:
            return self._attachment(name, value)
        return self._thing(option, value)

    def _string(self, option: Json, value: object) -> str:
        name = option["name"]
        if not isinstance(value, str):
            raise NotPossible(f"{name} must be text, not {value!r}")
        choices = option.get("choices") or ()
        if choices:
            return str(self._chosen(name, choices, value))
        least, most = option.get("min_length") or 0, option.get("max_length") or LONGEST_STRING
        if not value:
            raise NotPossible(f"{name} must not be empty")
        if not least <= len(value) <= most:
            raise NotPossible(f"{name} must have {least} to {most} characters, not {len(value)}")
        return value

    def _number(self, option: Json, value: object) -> float:
        name, whole = option["name"], option["type"] == OptionKind.INTEGER
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise NotPossible(f"{name} must be a number, not {value!r}")
        if whole and (value != int(value) or abs(value) > LARGEST_INTEGER):
            raise NotPossible(f"{name} must be a whole number, not {value!r}")
        if option.get("choices"):
            chosen = self._chosen(name, option["choices"], value)
            assert isinstance(chosen, int | float)  # noqa: S101  # a numeric option has numeric choices
            return chosen
        least, most = option.get("min_value"), option.get("max_value")
        if (least is not None and value < least) or (most is not None and value > most):
            raise NotPossible(f"{name} must lie between {least} and {most}, not {value!r}")
        return int(value) if whole else value

    def _chosen(self, name: str, choices: list[Json], value: object) -> object:
        """A choice by its value or by the name that the person reads."""
        for choice in choices:
            if value in {choice["value"], choice["name"]}:
                return choice["value"]
        raise NotPossible(f"{name} must be one of {[choice['name'] for choice in choices]}, not {value!r}")

    def _attachment(self, name: str, value: object) -> str:
        if not isinstance(value, Upload):
            raise NotPossible(f"{name} must be a file, not {value!r}")
        limit = self._world.file_limit(self._channel)
        if len(value.data) > limit:
            raise NotPossible(f"{name} must have at most {limit} bytes, not {len(value.data)}")
        world = self._world
        kept = world.files.keep(world.ids.new(), self._channel.id, value, ephemeral=True)
        self._resolved.setdefault("attachments", {})[str(kept.id)] = world.files.payload(kept)
        return str(kept.id)

    def _thing(self, option: Json, value: object) -> str:
        """A user, a channel or a role, given by id."""
        return self.thing(option["name"], OptionKind(option["type"]), value, option.get("channel_types") or ())

    def thing(self, name: str, kind: OptionKind, value: object, channel_types: Collection[int] = ()) -> str:
        """The same, for an option or a menu called `name`; a channel is of one of the types, if there are any."""
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if not isinstance(value, int):
            raise NotPossible(f"{name} must be an id, not {value!r}")
        world = self._world
        guild = world.guild_of(self._channel)
        if kind in {OptionKind.USER, OptionKind.MENTIONABLE} and value in world.users:
            self._resolved.setdefault("users", {})[str(value)] = world.users[value].payload()
            if guild is not None and value in guild.members:
                permissions = str(int(guild.permissions_of(value, self._channel)))
                member = {**guild.members[value].payload(), "permissions": permissions}
                self._resolved.setdefault("members", {})[str(value)] = member
            return str(value)
        if kind in {OptionKind.ROLE, OptionKind.MENTIONABLE} and guild is not None:
            for role in guild.roles:
                if role.id == value:
                    self._resolved.setdefault("roles", {})[str(value)] = role.payload()
                    return str(value)
        if kind == OptionKind.CHANNEL and value in world.channels:
            channel = world.channels[value]
            here = channel.guild_id == self._channel.guild_id and channel.kind in (channel_types or {channel.kind})
            if here and Permission.VIEW_CHANNEL in world.permissions(self._user_id, channel):
                shown = self._rendering.channel(channel, asked_by=self._user_id)
                self._resolved.setdefault("channels", {})[str(value)] = shown
                return str(value)
        raise NotPossible(f"{name}: there is nothing with the id {value} here")
