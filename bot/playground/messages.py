"""Messages, as frozen values: an edit is a changed copy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from typing import Any

from .files import Attachment

Json = dict[str, Any]


class Flag(IntFlag):
    """Message flags."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


NO_FLAGS = Flag(0)


class MessageKind(IntEnum):
    """Discord's message types that occur here."""

    ORDINARY = 0
    REPLY = 19
    COMMAND_ANSWER = 20
    MENU_ANSWER = 23


class Component(IntEnum):
    """Component types by their number in Discord's JSON."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


SELECTS = frozenset(
    {
        Component.STRING_SELECT,
        Component.USER_SELECT,
        Component.ROLE_SELECT,
        Component.MENTIONABLE_SELECT,
        Component.CHANNEL_SELECT,
    }
)
LINK_BUTTON = 5


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The message that another one answers."""

    message_id: int
    channel_id: int
    guild_id: int | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message of a channel.

    `application_id` is set where it answers an interaction, whose `interaction` metadata it then carries.
    `only_for` is the one user who sees an ephemeral message. Times are seconds since the epoch.
    """

    id: int
    channel_id: int
    guild_id: int | None
    author_id: int
    created_at: float
    content: str = ""
    kind: MessageKind = MessageKind.ORDINARY
    flags: Flag = NO_FLAGS
    edited_at: float | None = None
    attachments: tuple[Attachment, ...] = ()
    embeds: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    mentions: tuple[int, ...] = ()
    mention_roles: tuple[int, ...] = ()
    mention_everyone: bool = False
    reference: Reference | None = None
    application_id: int | None = None
    interaction: Json | None = None
    only_for: int | None = None
    nonce: str | int | None = None
    tts: bool = False
    reactions: tuple[tuple[str, tuple[int, ...]], ...] = field(default=())

    @property
    def loading(self) -> bool:
        """Whether it shows "is thinking" only."""
        return Flag.LOADING in self.flags

    @property
    def ephemeral(self) -> bool:
        return Flag.EPHEMERAL in self.flags

    @property
    def buttons(self) -> tuple[Json, ...]:
        """Its buttons, disabled ones included, in reading order."""
        return tuple(part for part in walk(self.components) if part["type"] == Component.BUTTON)

    @property
    def text(self) -> str:
        """Everything that a reader reads: content, embeds, text displays."""
        parts: list[str | None] = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title"), embed.get("description")]
            for item in embed.get("fields") or ():
                parts += [item.get("name"), item.get("value")]
            parts.append((embed.get("footer") or {}).get("text"))
        parts += [part.get("content") for part in walk(self.components) if part["type"] == Component.TEXT_DISPLAY]
        return "\n".join(part for part in parts if part)


def walk(components: object) -> Iterator[Json]:
    """Every component in a tree of components, outer ones first."""
    if isinstance(components, list | tuple):
        for part in components:
            yield from walk(part)
    elif isinstance(components, dict) and isinstance(components.get("type"), int):
        yield components
        for name in ("components", "component", "accessory"):
            yield from walk(components.get(name))


def numbered(components: list[Json]) -> list[Json]:
    """A copy in which every component has an `id` of its own, counted from 1 as Discord does."""
    taken = {part["id"] for part in walk(components) if part.get("id")}
    counter = 0

    def copy(part: Json) -> Json:
        nonlocal counter
        made = dict(part)
        if not made.get("id"):
            counter += 1
            while counter in taken:
                counter += 1
            made["id"] = counter
        if isinstance(made.get("components"), list):
            made["components"] = [copy(inner) for inner in made["components"]]
        for name in ("component", "accessory"):
            if isinstance(made.get(name), dict):
                made[name] = copy(made[name])
        return made

    return [copy(part) for part in components]


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


USER_MENTION = re.compile(r"<@!?(\d{1,20})>")
ROLE_MENTION = re.compile(r"<@&(\d{1,20})>")
EVERYONE = re.compile(r"@(everyone|here)\b")
