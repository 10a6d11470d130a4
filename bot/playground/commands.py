"""The application's commands as Discord registers them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any

from .changes import Change, ChangeKind
from .errors import invalid_form, unknown_command
from .guilds import Channel, Permission
from .world import World

Json = dict[str, Any]

CHAT_NAME = re.compile(r"^[-_'\w]{1,32}$")
MOST_BY_KIND = {1: 100, 2: 15, 3: 15}
MOST_OPTIONS = 25
MOST_CHARACTERS = 8000


class CommandKind(IntEnum):
    """Where a command is called from."""

    CHAT = 1
    USER = 2
    MESSAGE = 3


class OptionKind(IntEnum):
    """Types of a slash command's options."""

    SUBCOMMAND = 1
    SUBCOMMAND_GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


NESTED = frozenset({OptionKind.SUBCOMMAND, OptionKind.SUBCOMMAND_GROUP})
CHOOSABLE = frozenset({OptionKind.STRING, OptionKind.INTEGER, OptionKind.NUMBER})


class CommandBook:
    """What is registered, globally and by server; the rules of registering; what a person is offered where."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._books: dict[int | None, dict[int, Json]] = {None: {}}

    def registered(self, guild_id: int | None) -> list[Json]:
        return list(self._books.get(guild_id, {}).values())

    def find(self, guild_id: int | None, command_id: int) -> Json:
        found = self._books.get(guild_id, {}).get(command_id)
        if found is None:
            raise unknown_command()
        return found

    def replace_all(self, guild_id: int | None, bodies: list[Json]) -> list[Json]:
        """Register exactly these; a command that keeps its name and type keeps its id."""
        _check_together(bodies)
        for index, body in enumerate(bodies):
            _check_command(body, str(index))
        known = {(command["name"], command["type"]): command for command in self.registered(guild_id)}
        made = [self._made(guild_id, body, known) for body in bodies]
        self._books[guild_id] = {int(command["id"]): command for command in made}
        self._world.changes.tell(Change(kind=ChangeKind.COMMANDS))
        return made

    def put(self, guild_id: int | None, body: Json) -> Json:
        """Register one more, or replace the one of the same name and type."""
        _check_command(body, "")
        known = {(command["name"], command["type"]): command for command in self.registered(guild_id)}
        made = self._made(guild_id, body, known)
        self._books.setdefault(guild_id, {})[int(made["id"])] = made
        self._world.changes.tell(Change(kind=ChangeKind.COMMANDS))
        return made

    def remove(self, guild_id: int | None, command_id: int) -> None:
        self.find(guild_id, command_id)
        del self._books[guild_id][command_id]
        self._world.changes.tell(Change(kind=ChangeKind.COMMANDS))

    def offered(self, user_id: int, channel: Channel) -> list[Json]:
        """What this user's app offers in this channel: by place, installation, permission and age."""
        world = self._world
        guild = world.guild_of(channel)
        member_bot = guild is not None and world.bot_id in guild.members
        user = world.users[user_id]
        context = 0 if guild is not None else 1
        held = world.permissions(user_id, channel)
        offered: dict[tuple[str, int], Json] = {}
        for command in (*self.registered(None), *(self.registered(guild.id) if guild is not None else ())):
            contexts, installs = command["contexts"], command["integration_types"]
            if contexts is not None and context not in contexts:
                continue
            if guild is None and contexts is None and not command["dm_permission"]:
                continue
            by_guild = 0 in installs and (member_bot or guild is None)
            by_user = 1 in installs and user.installed
            if not by_guild and not by_user:
                continue
            needed = command["default_member_permissions"]
            if guild is not None and needed is not None:
                wanted = Permission(int(needed))
                if wanted not in held or (not wanted and Permission.ADMINISTRATOR not in held):
                    continue
            if command["nsfw"] and not (user.adult and (channel.nsfw or guild is None)):
                continue
            if guild is not None and Permission.USE_APPLICATION_COMMANDS not in held:
                continue
            offered[command["name"], command["type"]] = command
        return list(offered.values())

    def _made(self, guild_id: int | None, body: Json, known: dict[tuple[str, int], Json]) -> Json:
        world = self._world
        kind = int(body.get("type") or CommandKind.CHAT)
        old = known.get((body["name"], kind))
        permissions = body.get("default_member_permissions")
        command: Json = {
            "id": str(world.ids.new()) if old is None else old["id"],
            "application_id": str(world.application.id),
            "version": str(world.ids.new()),
            "type": kind,
            "name": body["name"],
            "name_localizations": body.get("name_localizations"),
            "description": body.get("description") or "",
            "description_localizations": body.get("description_localizations"),
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": body.get("dm_permission") is not False,
            "contexts": body.get("contexts"),
            "integration_types": body.get("integration_types") or [0],
            "nsfw": bool(body.get("nsfw")),
        }
        if kind == CommandKind.CHAT and body.get("options"):
            command["options"] = body["options"]
        if guild_id is not None:
            command["guild_id"] = str(guild_id)
        return command


def _check_together(bodies: list[Json]) -> None:
    counts = Counter(int(body.get("type") or CommandKind.CHAT) for body in bodies)
    for kind, count in counts.items():
        if count > MOST_BY_KIND.get(kind, 0):
            message = f"Maximum number of application commands of this type reached ({MOST_BY_KIND.get(kind, 0)})."
            raise invalid_form("", "APPLICATION_COMMANDS_MAXIMUM_REACHED", message)
    names = Counter((body.get("name"), int(body.get("type") or CommandKind.CHAT)) for body in bodies)
    for index, body in enumerate(bodies):
        if names[body.get("name"), int(body.get("type") or CommandKind.CHAT)] > 1:
            message = "Application command names must be unique"
            raise invalid_form(str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)


def _check_command(body: Json, path: str) -> None:
    name = body.get("name")
    kind = int(body.get("type") or CommandKind.CHAT)
    if not isinstance(name, str) or not 1 <= len(name) <= 32:
        raise _wrong(path, "name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
    if kind == CommandKind.CHAT:
        _check_name(name, path)
        _check_length(body, path, "description", 100)
        _check_options(body.get("options") or [], path)
        if sum(_characters(body)) > MOST_CHARACTERS:
            message = f"Command exceeds maximum size ({MOST_CHARACTERS})"
            raise _wrong(path, "", "APPLICATION_COMMAND_TOO_LARGE", message)
    elif body.get("description"):
        message = "Context menu commands cannot have description"
        raise _wrong(path, "description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", message)


def _check_options(options: list[Json], path: str) -> None:
    if len(options) > MOST_OPTIONS:
        raise _wrong(path, "options", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_OPTIONS} or fewer in length.")
    optional_seen = False
    names: set[str] = set()
    for index, option in enumerate(options):
        here = ".".join(part for part in (path, "options", str(index)) if part)
        _check_name(str(option.get("name")), here)
        _check_length(option, here, "description", 100)
        if option["name"] in names:
            message = "Option names must be unique"
            raise _wrong(here, "name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message)
        names.add(option["name"])
        if option["type"] in NESTED:
            _check_options(option.get("options") or [], here)
            continue
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            raise _wrong(here, "required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen = optional_seen or not option.get("required")
        choices = option.get("choices") or []
        if len(choices) > MOST_OPTIONS:
            raise _wrong(here, "choices", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_OPTIONS} or fewer in length.")
        if choices and option.get("autocomplete"):
            message = "Options with autocomplete must not have choices"
            raise _wrong(here, "autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES_INVALID", message)
        if (choices or option.get("autocomplete")) and option["type"] not in CHOOSABLE:
            message = "This option type can neither have choices nor autocomplete"
            raise _wrong(here, "type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        for number, choice in enumerate(choices):
            _check_length(choice, f"{here}.choices.{number}", "name", 100)


def _check_name(name: str, path: str) -> None:
    if not CHAT_NAME.match(name) or name != name.lower():
        raise _wrong(path, "name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_length(body: Json, path: str, field: str, most: int) -> None:
    value = body.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise _wrong(path, field, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")


def _wrong(path: str, field: str, code: str, message: str) -> Exception:
    return invalid_form(".".join(part for part in (path, field) if part), code, message)


def _characters(part: Json) -> Iterator[int]:
    """Lengths of what counts towards a command's 8,000 characters."""
    for name in ("name", "description"):
        yield len(str(part.get(name) or ""))
    for choice in part.get("choices") or ():
        yield len(str(choice.get("name") or "")) + len(str(choice.get("value") or ""))
    inner: Iterable[Json] = part.get("options") or ()
    for option in inner:
        yield from _characters(option)
