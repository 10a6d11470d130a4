"""One interaction: what a person did, and how far it has come."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from .guilds import Channel
from .messages import Message, MessageKind

Json = dict[str, Any]


class InteractionKind(IntEnum):
    """What a person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Answer(IntEnum):
    """Callback types that a bot may answer with."""

    MESSAGE = 4
    DEFER = 5
    DEFER_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


class Stage(Enum):
    """How far an interaction has come, as its person sees it."""

    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class Interaction:
    """One act of a person and what became of it. `modal` and `choices` are what the bot answered with."""

    id: int
    token: str = field(repr=False)
    kind: InteractionKind
    user_id: int
    channel: Channel
    created_at: float
    data: Json = field(repr=False)
    owners: Json
    target: Message | None = field(default=None, repr=False)
    parent: "Interaction | None" = field(default=None, repr=False)
    stage: Stage = Stage.WAITING
    answer: Answer | None = None
    acknowledged_after_s: float | None = None
    modal: Json | None = None
    choices: list[Json] | None = None
    original_id: int | None = None
    message_ids: set[int] = field(default_factory=set)
    followups: int = 0

    @property
    def message_kind(self) -> MessageKind:
        by_menu = self.kind is InteractionKind.COMMAND and self.data.get("type") != 1
        return MessageKind.MENU_ANSWER if by_menu else MessageKind.COMMAND_ANSWER
