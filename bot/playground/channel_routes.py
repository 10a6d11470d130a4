"""REST routes about channels and the messages in them, with the bot's rights checked."""

from .calls import Call, Json
from .changes import Change, ChangeKind
from .drafts import read_draft, require_something
from .errors import foreign_message, invalid_form, unknown_message
from .guilds import Channel, Permission
from .messages import Message
from .rendering import Rendering
from .routing import Route
from .world import World

MOST_AT_ONCE = 100


class ChannelRoutes:
    """Handlers take a Call and give the JSON of the answer; None is an answer without a body."""

    def __init__(self, world: World, rendering: Rendering) -> None:
        self._world = world
        self._rendering = rendering

    def table(self) -> list[Route]:
        messages = "/channels/{channel_id}/messages"
        message = messages + "/{message_id}"
        reaction = message + "/reactions/{emoji_name}"
        return [
            ("GET", "/channels/{channel_id}", self.channel),
            ("POST", "/channels/{channel_id}/typing", self.typing),
            ("GET", messages, self.history),
            ("POST", messages, self.create),
            ("GET", message, self.read),
            ("PATCH", message, self.edit),
            ("DELETE", message, self.delete),
            ("GET", reaction, self.reactors),
            ("PUT", reaction + "/@me", self.react),
            ("DELETE", reaction + "/@me", self.unreact),
        ]

    def channel(self, call: Call) -> Json:
        return self._rendering.channel(self._open(call, Permission.VIEW_CHANNEL))

    def typing(self, call: Call) -> None:
        channel = self._open(call, Permission.SEND_MESSAGES)
        change = Change(kind=ChangeKind.TYPING, channel_id=channel.id, user_id=self._world.bot_id)
        self._world.changes.tell(change)

    def history(self, call: Call) -> list[Json]:
        """Newest first, by `limit`, `before`, `after` or `around`."""
        channel = self._open(call, Permission.READ_MESSAGE_HISTORY)
        limit = call.query.get("limit", "50")
        if not limit.isdecimal() or not 1 <= int(limit) <= MOST_AT_ONCE:
            message = f"Value should be between 1 and {MOST_AT_ONCE}."
            raise invalid_form("limit", "NUMBER_TYPE_MAX", message)
        found = [message for message in self._world.messages(channel.id) if message.only_for is None]
        before, after, around = (call.asked_id(name) for name in ("before", "after", "around"))
        if before is not None:
            found = [message for message in found if message.id < before]
        if after is not None:
            # The oldest of those after it, as Discord pages forwards.
            found = [message for message in found if message.id > after][: int(limit)]
        if around is not None:
            found = sorted(found, key=lambda message: abs(message.id - around))[: int(limit)]
            found.sort(key=lambda message: message.id)
        return [self._rendering.for_bot(message) for message in reversed(found[-int(limit) :])]

    def create(self, call: Call) -> Json:
        channel = self._open(call, self._needed_to_send(call))
        world = self._world
        world.refuse_closed_conversation(channel, world.bot_id)
        draft = read_draft(call.fields, call.files, file_limit=world.file_limit(channel))
        again = world.repeated(channel.id, world.bot_id, draft)
        if again is not None:
            return self._rendering.message(again)
        require_something(draft)
        if draft.reference is not None:
            world.require(world.bot_id, channel, Permission.READ_MESSAGE_HISTORY)
        return self._rendering.message(world.post(channel, world.bot_id, draft))

    def read(self, call: Call) -> Json:
        return self._rendering.for_bot(self._message(call, Permission.READ_MESSAGE_HISTORY))

    def edit(self, call: Call) -> Json:
        message = self._message(call, Permission.VIEW_CHANNEL)
        world = self._world
        if message.author_id != world.bot_id:
            raise foreign_message()
        limit = world.file_limit(world.channel(message.channel_id))
        draft = read_draft(call.fields, call.files, file_limit=limit, editing=message)
        return self._rendering.message(world.edit(message, draft))

    def delete(self, call: Call) -> None:
        message = self._message(call, Permission.VIEW_CHANNEL)
        world = self._world
        if message.author_id != world.bot_id:
            world.require(world.bot_id, world.channel(message.channel_id), Permission.MANAGE_MESSAGES)
        world.delete(message)

    def reactors(self, call: Call) -> list[Json]:
        message = self._message(call, Permission.READ_MESSAGE_HISTORY)
        users = dict(message.reactions).get(call.path["emoji_name"], ())
        return [self._world.users[user].payload() for user in users]

    def react(self, call: Call) -> None:
        message = self._message(call, Permission.READ_MESSAGE_HISTORY)
        channel = self._world.channel(message.channel_id)
        if call.path["emoji_name"] not in dict(message.reactions):
            self._world.require(self._world.bot_id, channel, Permission.ADD_REACTIONS)
        self._world.react(message, self._world.bot_id, call.path["emoji_name"])

    def unreact(self, call: Call) -> None:
        message = self._message(call, Permission.VIEW_CHANNEL)
        self._world.react(message, self._world.bot_id, call.path["emoji_name"], remove=True)

    def _open(self, call: Call, needed: Permission) -> Channel:
        channel = self._world.channel(call.id("channel_id"))
        self._world.require(self._world.bot_id, channel, needed)
        return channel

    def _message(self, call: Call, needed: Permission) -> Message:
        channel = self._open(call, needed)
        message = self._world.message(channel.id, call.id("message_id"))
        if message.only_for is not None:
            # An ephemeral message is reached through its interaction only.
            raise unknown_message()
        return message

    def _needed_to_send(self, call: Call) -> Permission:
        needed = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES
        return needed | Permission.ATTACH_FILES if call.files else needed
