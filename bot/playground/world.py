"""The state of the stand-in: who is there, what was written, and who may see it."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .changes import Change, ChangeKind, Changes
from .clock import Clock, Snowflakes
from .drafts import Draft
from .errors import (
    closed_to_messages,
    invalid_form,
    missing_access,
    missing_permissions,
    unknown_channel,
    unknown_message,
)
from .files import Attachment, Files
from .guilds import (
    IN_DIRECT_MESSAGES,
    MIB,
    Channel,
    ChannelKind,
    Guild,
    Permission,
    User,
)
from .mentions import read_mentions
from .messages import Flag, Message, MessageKind, Reference, numbered, walk

Json = dict[str, Any]

KEPT_MESSAGES = 2000
NONCE_LIFE_S = 300


@dataclass(frozen=True, kw_only=True)
class Application:
    """The bot's application: its account, its token, and the privileged intents that its owner has switched on."""

    id: int
    user: User
    owner_id: int
    token: str
    message_content: bool = False
    guild_members: bool = False
    presences: bool = False


class World:
    """Users, servers, channels and messages by id; every change of a message goes through here and is told."""

    def __init__(self, clock: Clock, application: Application) -> None:
        self.clock = clock
        self.application = application
        self.ids = Snowflakes(clock)
        self.files = Files(clock)
        self.changes = Changes()
        self.users: dict[int, User] = {application.user.id: application.user}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self._logs: dict[int, OrderedDict[int, Message]] = {}
        self._nonces: dict[tuple[int, int, str], tuple[int, float]] = {}

    @property
    def bot_id(self) -> int:
        return self.application.user.id

    # Places

    def channel(self, channel_id: int) -> Channel:
        found = self.channels.get(channel_id)
        if found is None:
            raise unknown_channel()
        return found

    def guild_of(self, channel: Channel) -> Guild | None:
        return None if channel.guild_id is None else self.guilds[channel.guild_id]

    def permissions(self, user_id: int, channel: Channel) -> Permission:
        guild = self.guild_of(channel)
        if guild is not None:
            return guild.permissions_of(user_id, channel)
        return IN_DIRECT_MESSAGES if user_id in channel.recipients else Permission(0)

    def file_limit(self, channel: Channel) -> int:
        """Bytes that one file may have in this channel."""
        guild = self.guild_of(channel)
        return 10 * MIB if guild is None else guild.file_limit

    def direct_channel(self, user_id: int) -> Channel:
        """The direct conversation of the bot and a user, opened if need be."""
        pair = (self.bot_id, user_id)
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DIRECT and channel.recipients == pair:
                return channel
        opened = Channel(id=self.ids.new(), kind=ChannelKind.DIRECT, recipients=pair)
        self.channels[opened.id] = opened
        return opened

    def require(self, user_id: int, channel: Channel, needed: Permission) -> None:
        """ApiError 50001 where the channel is hidden from the user, 50013 where they see it but may not."""
        held = self.permissions(user_id, channel)
        if Permission.VIEW_CHANNEL not in held:
            raise missing_access()
        if needed not in held:
            raise missing_permissions()

    # Messages

    def messages(self, channel_id: int) -> Iterator[Message]:
        """Every message of a channel, oldest first, ephemeral ones of all users included."""
        return iter(tuple(self._log(channel_id).values()))

    def visible(self, channel_id: int, user_id: int) -> Iterator[Message]:
        """What this user sees in a channel, oldest first."""
        return (message for message in self.messages(channel_id) if message.only_for in {None, user_id})

    def message(self, channel_id: int, message_id: int) -> Message:
        found = self._log(channel_id).get(message_id)
        if found is None:
            raise unknown_message()
        return found

    def repeated(self, channel_id: int, author_id: int, draft: Draft) -> Message | None:
        """The message already made from a draft with the same enforced nonce, if there is one."""
        if not draft.enforce_nonce or draft.nonce is None:
            return None
        message_id, since = self._nonces.get((channel_id, author_id, str(draft.nonce)), (0, 0.0))
        if self.clock.now() - since > NONCE_LIFE_S:
            return None
        return self._log(channel_id).get(message_id)

    def post(
        self,
        channel: Channel,
        author_id: int,
        draft: Draft,
        *,
        kind: MessageKind | None = None,
        flags: Flag | None = None,
        only_for: int | None = None,
        application_id: int | None = None,
        interaction: Json | None = None,
    ) -> Message:
        """Make a message from a draft and tell it. Rights are the caller's business."""
        reference, target = self._referred(channel, draft)
        held = self.permissions(author_id, channel)
        ephemeral = only_for is not None
        mentions = read_mentions(
            draft,
            self.users,
            target=target,
            author_id=author_id,
            everyone_allowed=Permission.MENTION_EVERYONE in held,
        )
        message = Message(
            id=self.ids.new(),
            channel_id=channel.id,
            guild_id=channel.guild_id,
            author_id=author_id,
            created_at=self.clock.now(),
            kind=kind if kind is not None else (MessageKind.REPLY if target else MessageKind.ORDINARY),
            flags=draft.flags if flags is None else flags,
            reference=reference,
            application_id=application_id,
            interaction=interaction,
            only_for=only_for,
            nonce=draft.nonce,
            tts=draft.tts,
            content=draft.content.strip(),
            mentions=mentions.users,
            mention_roles=mentions.roles,
            mention_everyone=mentions.everyone,
            embeds=draft.embeds,
            components=tuple(numbered(list(draft.components))),
            attachments=self._stored(channel.id, draft, ephemeral=ephemeral),
        )
        self._check_media(message)
        log = self._log(channel.id)
        log[message.id] = message
        if len(log) > KEPT_MESSAGES:
            _, oldest = log.popitem(last=False)
            self._forget_files(oldest.attachments)
        if draft.enforce_nonce and draft.nonce is not None:
            self._remember_nonce((channel.id, author_id, str(draft.nonce)), message)
        self.changes.tell(Change(kind=ChangeKind.MESSAGE, message=message, channel_id=channel.id))
        return message

    def edit(self, message: Message, draft: Draft) -> Message:
        """Change what the draft gives and leave the rest; attachments that it lists are kept, others go."""
        flags = message.flags & ~Flag.LOADING
        if "flags" in draft.given:
            flags = (flags & ~Flag.SUPPRESS_EMBEDS) | (draft.flags & (Flag.SUPPRESS_EMBEDS | Flag.COMPONENTS_V2))
        edited = replace(
            message,
            flags=flags,
            edited_at=None if message.loading else self.clock.now(),
            attachments=self._edited_attachments(message, draft),
        )
        if "content" in draft.given:
            mentions = read_mentions(
                draft, self.users, target=None, author_id=message.author_id, everyone_allowed=False
            )
            target = self.referenced(message)
            pinged = () if target is None else tuple(user for user in message.mentions if user == target.author_id)
            users = tuple(dict.fromkeys((*pinged, *mentions.users)))
            edited = replace(edited, content=draft.content.strip(), mentions=users)
        if "embeds" in draft.given:
            edited = replace(edited, embeds=draft.embeds)
        if "components" in draft.given:
            edited = replace(edited, components=tuple(numbered(list(draft.components))))
        self._check_media(edited)
        self.put(edited)
        gone = [kept for kept in message.attachments if kept not in edited.attachments]
        self._forget_files(gone)
        return edited

    def put(self, message: Message) -> None:
        """Replace a message by its changed copy and tell it."""
        self._logs[message.channel_id][message.id] = message
        self.changes.tell(Change(kind=ChangeKind.MESSAGE_EDIT, message=message, channel_id=message.channel_id))

    def delete(self, message: Message) -> None:
        self._logs[message.channel_id].pop(message.id, None)
        self._forget_files(message.attachments)
        self.changes.tell(Change(kind=ChangeKind.MESSAGE_DELETE, message=message, channel_id=message.channel_id))

    def react(self, message: Message, user_id: int, emoji: str, *, remove: bool = False) -> Message:
        given = dict(message.reactions)
        users = tuple(user for user in given.get(emoji, ()) if user != user_id)
        given[emoji] = users if remove else (*users, user_id)
        changed = replace(message, reactions=tuple((name, who) for name, who in given.items() if who))
        self._logs[message.channel_id][message.id] = changed
        self.changes.tell(
            Change(
                kind=ChangeKind.REACTION,
                message=changed,
                channel_id=message.channel_id,
                user_id=user_id,
                emoji=emoji,
                removed=remove,
            )
        )
        return changed

    def refuse_closed_conversation(self, channel: Channel, author_id: int) -> None:
        """ApiError 50007 where the other side of a direct conversation takes no messages."""
        for user_id in channel.recipients:
            if user_id != author_id and not self.users[user_id].accepts_direct_messages:
                raise closed_to_messages()

    def _remember_nonce(self, key: tuple[int, int, str], message: Message) -> None:
        since = self.clock.now() - NONCE_LIFE_S
        self._nonces = {held: made for held, made in self._nonces.items() if made[1] > since}
        self._nonces[key] = (message.id, message.created_at)

    def _log(self, channel_id: int) -> OrderedDict[int, Message]:
        return self._logs.setdefault(channel_id, OrderedDict())

    def _find(self, reference: Reference) -> Message | None:
        return self._log(reference.channel_id).get(reference.message_id)

    def referenced(self, message: Message) -> Message | None:
        """The message that this one answers; None where it answers none, or that one is gone."""
        return None if message.reference is None else self._find(message.reference)

    def _referred(self, channel: Channel, draft: Draft) -> tuple[Reference | None, Message | None]:
        if draft.reference is None:
            return None, None
        reference = Reference(
            message_id=int(draft.reference["message_id"]),
            channel_id=int(draft.reference.get("channel_id") or channel.id),
            guild_id=channel.guild_id,
        )
        target = self._find(reference) if reference.channel_id == channel.id else None
        if target is None or target.ephemeral:
            if draft.reference.get("fail_if_not_exists", True) is False:
                return None, None
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return reference, target

    def _stored(self, channel_id: int, draft: Draft, *, ephemeral: bool) -> tuple[Attachment, ...]:
        told = {str(entry["id"]): entry for entry in draft.attachments or ()}
        stored = []
        for number, upload in sorted(draft.files.items()):
            entry = told.get(str(number), {})
            wanted = replace(
                upload,
                filename=entry.get("filename") or upload.filename,
                description=entry.get("description") or upload.description,
            )
            stored.append(self.files.keep(self.ids.new(), channel_id, wanted, ephemeral=ephemeral))
        return tuple(stored)

    def _edited_attachments(self, message: Message, draft: Draft) -> tuple[Attachment, ...]:
        kept = message.attachments
        if draft.attachments is not None:
            named = {str(entry["id"]): entry for entry in draft.attachments}
            kept = tuple(
                replace(old, description=named[str(old.id)].get("description", old.description))
                for old in kept
                if str(old.id) in named
            )
        return kept + self._stored(message.channel_id, draft, ephemeral=message.ephemeral)

    def _check_media(self, message: Message) -> None:
        held = {attachment.filename for attachment in message.attachments}
        for part in walk(message.components):
            for url in media_urls(part):
                name = url.removeprefix("attachment://")
                if name != url and name not in held:
                    raise invalid_form(
                        "components",
                        "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
                        f"The referenced attachment {name!r} was not found",
                    )

    def _forget_files(self, attachments: Iterable[Attachment]) -> None:
        for attachment in attachments:
            self.files.forget(attachment.id)


def media_urls(component: Json) -> Iterator[str]:
    """The addresses of pictures and files that one component itself shows."""
    for name in ("media", "file"):
        media = component.get(name)
        if isinstance(media, dict) and isinstance(media.get("url"), str):
            yield media["url"]
    for item in component.get("items") or ():
        yield from media_urls(item)
