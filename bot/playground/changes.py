"""What happened in the world, told to whoever listens: the gateway, the web page, a waiting person."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from .messages import Message

T = TypeVar("T")


class ChangeKind(Enum):
    """Every kind of change; the value is its name on the page's event stream."""

    MESSAGE = "message"
    MESSAGE_EDIT = "message_edit"
    MESSAGE_DELETE = "message_delete"
    REACTION = "reaction"
    INTERACTION = "interaction"
    COMMANDS = "commands"
    TYPING = "typing"
    BOT = "bot"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change. `user_id` is who reacted or types; `interaction_id` whose state moved."""

    kind: ChangeKind
    message: Message | None = None
    channel_id: int | None = None
    user_id: int | None = None
    interaction_id: int | None = None
    emoji: str | None = None
    removed: bool = False


class Changes:
    """Listeners are called at once, in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Have `listener` called with every change; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    async def wait_for(self, look: Callable[[], T | None], within: float) -> T:
        """What `look` finds (anything but None and False), looked for now and after each change.

        TimeoutError after `within` seconds of real time.
        """
        found = look()
        if found is not None and found is not False:
            return found
        changed = asyncio.Event()
        stop = self.listen(lambda _: changed.set())
        try:
            async with asyncio.timeout(within):
                while True:
                    await changed.wait()
                    changed.clear()
                    found = look()
                    if found is not None and found is not False:
                        return found
        finally:
            stop()
