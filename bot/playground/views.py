"""What the web page is told: messages, interactions and events, as one person sees them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from .changes import Change, ChangeKind
from .gateway import Gateway
from .guilds import Permission
from .interaction import Interaction
from .messages import Message
from .person import Scene

Json = dict[str, Any]
Event = tuple[str, Json]

MOST_WAITING = 1000
KEEP_ALIVE_S = 15.0


class Views:
    """The JSON of the page, and its event streams; the shapes are told in `web`."""

    def __init__(self, scene: Scene, gateway: Gateway) -> None:
        self._scene = scene
        self._gateway = gateway
        self._lines: set[asyncio.Queue[Event | None]] = set()

    def close(self) -> None:
        """End every event stream."""
        for line in self._lines:
            line.put_nowait(None)

    def message(self, message: Message, user_id: int) -> Json:
        world = self._scene.world
        mine = message.author_id == user_id
        moderates = Permission.MANAGE_MESSAGES in world.permissions(user_id, world.channel(message.channel_id))
        body = self._scene.rendering.message(message)
        body["author"]["name"] = world.users[message.author_id].display_name
        return {
            **body,
            "ephemeral": message.ephemeral,
            "loading": message.loading,
            "mine": mine,
            "may_delete": mine or message.only_for == user_id or moderates,
        }

    def interaction(self, interaction: Interaction) -> Json:
        return {
            "id": str(interaction.id),
            "stage": interaction.stage.value,
            "kind": int(interaction.kind),
            "channel_id": str(interaction.channel.id),
            "message_id": None if interaction.original_id is None else str(interaction.original_id),
            "modal": interaction.modal,
        }

    async def events(self, user_id: int) -> AsyncGenerator[bytes, None]:
        """What the person may see of every change from now on, as the text of an event stream."""
        line: asyncio.Queue[Event | None] = asyncio.Queue()

        def put(change: Change) -> None:
            event = self._event(change, user_id)
            if line.qsize() >= MOST_WAITING:
                # Whoever reads so slowly starts anew rather than holding ever more memory here.
                line.put_nowait(None)
            elif event is not None:
                line.put_nowait(event)

        stop = self._scene.world.changes.listen(put)
        self._lines.add(line)
        try:
            yield b": open\n\n"
            while True:
                try:
                    event = await asyncio.wait_for(line.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    # Only writing shows that the other side is gone.
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return
                name, data = event
                yield f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
        finally:
            stop()
            self._lines.discard(line)

    def _event(self, change: Change, user_id: int) -> Event | None:
        name = change.kind.value
        if change.kind is ChangeKind.BOT:
            return name, {"online": self._gateway.online}
        if change.kind is ChangeKind.COMMANDS:
            return name, {}
        if change.kind is ChangeKind.INTERACTION:
            interaction = self._scene.interactions.get(change.interaction_id or 0)
            if interaction is None or interaction.user_id != user_id:
                return None
            return name, self.interaction(interaction)
        return self._event_in_channel(change, user_id)

    def _event_in_channel(self, change: Change, user_id: int) -> Event | None:
        world, message = self._scene.world, change.message
        channel = world.channels[change.channel_id or 0]
        if Permission.VIEW_CHANNEL not in world.permissions(user_id, channel):
            return None
        if message is None:
            return change.kind.value, {"channel_id": str(channel.id)}
        if message.only_for not in {None, user_id}:
            return None
        if change.kind is ChangeKind.MESSAGE_DELETE:
            return change.kind.value, {"id": str(message.id), "channel_id": str(channel.id)}
        return change.kind.value, self.message(message, user_id)
