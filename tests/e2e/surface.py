"""What a member can do, walked as it is registered, and what of it the end-to-end tests did."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.flags import FLAG_NAMES
from bot.playground import Interaction, Stage
from bot.views import ALL_BUTTONS

Json = dict[str, Any]

_SUBCOMMAND = 1  # kinds, as Discord counts them
_SLASH, _MENU = 1, 3
_COMMAND, _CONTROL, _AUTOCOMPLETE, _MODAL = 2, 3, 4, 5
_LIKE_IMAGINE = ("/reroll", "/seed use")  # take its options by the same code, where those are used


@dataclass(kw_only=True)
class Used:
    """What persons did: the interactions, of which those count that were answered, and the texts they sent."""

    registered: list[Json] = field(default_factory=list)  # commands, as Discord was told of them
    interactions: list[Interaction] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def names(self) -> set[str]:
        """Everything that was done, by the names that `everything` has for it."""
        found = {f"--{name}" for text in self.texts for name in re.findall(r"--(\w+)", text)}
        for each in self.interactions:
            if each.stage is not Stage.ANSWERED:
                continue
            if each.kind == _COMMAND and each.data["type"] == _MENU:
                found.add(f"menu {each.data['name']}")
            elif each.kind in {_COMMAND, _AUTOCOMPLETE}:
                found |= _called(each.data, suggested=each.kind == _AUTOCOMPLETE)
            else:
                custom_id = each.data["custom_id"]
                found |= {name for name in _controls() if f"{custom_id}:".startswith(f"{name}:")}
                found |= {f"modal {custom_id}"} if each.kind == _MODAL else set()
        shared = {name.removeprefix("/imagine") for name in found if name.startswith("/imagine ")}
        return found | {f"{command}{option}" for command in _LIKE_IMAGINE for option in shared}


def everything(registered: list[Json]) -> set[str]:
    """All commands, options, suggestions and menus that Discord was told of; all controls and all flags."""
    menus = {f"menu {command['name']}" for command in registered if command["type"] == _MENU}
    slash = {name for command in registered if command["type"] == _SLASH for name in _offered(command, "/")}
    return menus | slash | set(_controls()) | {f"--{name}" for name in FLAG_NAMES}


def _offered(command: Json, before: str) -> Iterator[str]:
    """`/seed save`, `/seed save name:`, and `/seed save seed: suggested` where that has suggestions."""
    name = f"{before}{command['name']}"
    options = command.get("options", [])
    parts = [option for option in options if option["type"] == _SUBCOMMAND]
    for part in parts:
        yield from _offered(part, f"{name} ")
    if not parts:
        yield name
    for option in options if not parts else ():
        yield f"{name} {option['name']}:"
        if option.get("autocomplete"):
            yield f"{name} {option['name']}: suggested"


def _called(data: Json, *, suggested: bool) -> set[str]:
    name, options = f"/{data['name']}", data.get("options", [])
    while options and options[0]["type"] == _SUBCOMMAND:
        name, options = f"{name} {options[0]['name']}", options[0].get("options", [])
    if suggested:
        return {f"{name} {option['name']}: suggested" for option in options if option.get("focused")}
    return {name} | {f"{name} {option['name']}:" for option in options}


def _controls() -> Iterator[str]:
    """Buttons and menus that outlive a restart, by what their ids begin with, each of an id's few words apart."""
    for control in ALL_BUTTONS:
        pattern = control.__discord_ui_compiled_template__.pattern
        plain, _, group = pattern.partition(":(?P<")
        words = re.match(r"\w+>([a-z|]+)\)", group)
        yield from [plain] if words is None else [f"{plain}:{word}" for word in words[1].split("|")]
