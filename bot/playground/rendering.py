"""Discord's JSON for messages and places, and what of a message the bot may read."""

from dataclasses import replace
from typing import Any

from .guilds import Channel, ChannelKind, Guild, Member, Permission, User
from .messages import Flag, Message, timestamp
from .world import World

Json = dict[str, Any]


class Rendering:
    """Turns what is in the world into the JSON that Discord would send.

    `for_bot` and `dispatched` follow the message-content rule: without that privileged intent the bot reads only
    its own messages, direct ones, and those that mention it; the message answered by a readable one comes with it.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def message(self, message: Message, *, with_reference: bool = True) -> Json:
        """The whole message, as its author's side sees it."""
        world = self._world
        files = {attachment.filename: attachment for attachment in message.attachments}
        used: set[str] = set()
        embeds = [self._resolved(embed, files, used) for embed in message.embeds]
        components = [self._resolved(part, files, used) for part in message.components]
        if Flag.SUPPRESS_EMBEDS in message.flags:
            embeds = []
        body: Json = {
            "id": str(message.id),
            "channel_id": str(message.channel_id),
            "type": int(message.kind),
            "author": world.users[message.author_id].payload(),
            "content": message.content,
            "timestamp": timestamp(message.created_at),
            "edited_timestamp": None if message.edited_at is None else timestamp(message.edited_at),
            "tts": message.tts,
            "mention_everyone": message.mention_everyone,
            "mentions": [world.users[user].payload() for user in message.mentions],
            "mention_roles": [str(role) for role in message.mention_roles],
            # Files that an embed or a component shows are listed there and not a second time here.
            "attachments": [
                world.files.payload(file) for file in message.attachments if file.filename not in used
            ],
            "embeds": [{"type": "rich", **embed} for embed in embeds],
            "components": components,
            "pinned": False,
            "flags": int(message.flags),
        }
        if message.reactions:
            body["reactions"] = [
                {
                    "emoji": {"id": None, "name": name},
                    "count": len(users),
                    "count_details": {"burst": 0, "normal": len(users)},
                    "me": world.bot_id in users,
                    "me_burst": False,
                    "burst_colors": [],
                }
                for name, users in message.reactions
            ]
        if message.nonce is not None:
            body["nonce"] = message.nonce
        if message.application_id is not None:
            body["application_id"] = body["webhook_id"] = str(message.application_id)
        if message.interaction is not None:
            body["interaction_metadata"] = message.interaction
        if message.reference is not None:
            reference = {"type": 0, "message_id": str(message.reference.message_id)}
            reference["channel_id"] = str(message.reference.channel_id)
            if message.reference.guild_id is not None:
                reference["guild_id"] = str(message.reference.guild_id)
            body["message_reference"] = reference
            if with_reference:
                target = world.referenced(message)
                body["referenced_message"] = None if target is None else self.message(target, with_reference=False)
        return body

    def readable(self, message: Message) -> bool:
        """Whether the bot may read the content of this message."""
        world = self._world
        return (
            world.application.message_content
            or message.guild_id is None
            or message.author_id == world.bot_id
            or world.bot_id in message.mentions
        )

    def for_bot(self, message: Message, *, with_reference: bool = True) -> Json:
        """The message as the bot gets it, emptied where it may not read it."""
        if self.readable(message):
            return self.message(message, with_reference=with_reference)
        body = self.message(
            replace(message, content="", embeds=(), components=(), attachments=()), with_reference=False
        )
        if message.reference is not None and with_reference:
            target = self._world.referenced(message)
            body["referenced_message"] = None if target is None else self.for_bot(target, with_reference=False)
        return body

    def dispatched(self, message: Message) -> Json:
        """The message as a gateway event carries it: with the server and the members of those in it."""
        body = self.for_bot(message)
        if message.guild_id is None:
            body["channel_type"] = int(ChannelKind.DIRECT)
            return body
        guild = self._world.guilds[message.guild_id]
        body["guild_id"] = str(guild.id)
        author = guild.members.get(message.author_id)
        if author is not None and message.application_id is None:
            body["member"] = author.payload()
        for user in body["mentions"]:
            mentioned = guild.members.get(int(user["id"]))
            if mentioned is not None:
                user["member"] = mentioned.payload()
        return body

    def channel(self, channel: Channel, *, asked_by: int | None = None) -> Json:
        """The channel; with `asked_by` also what that user may do in it, as interactions carry it."""
        world = self._world
        last = max((message.id for message in world.messages(channel.id)), default=None)
        body: Json = {
            "id": str(channel.id),
            "type": int(channel.kind),
            "flags": 0,
            "last_message_id": None if last is None else str(last),
        }
        if channel.kind is ChannelKind.DIRECT:
            others = [user for user in channel.recipients if user != world.bot_id]
            body["recipients"] = [world.users[user].payload() for user in others]
        else:
            body |= {
                "guild_id": str(channel.guild_id),
                "name": channel.name,
                "position": channel.position,
                "nsfw": channel.nsfw,
                "topic": None,
                "parent_id": None,
                "rate_limit_per_user": 0,
                "permission_overwrites": [overwrite.payload() for overwrite in channel.overwrites],
            }
        if asked_by is not None:
            body["permissions"] = str(int(world.permissions(asked_by, channel)))
        return body

    def member(self, member: Member) -> Json:
        return {**member.payload(), "user": self._world.users[member.user_id].payload()}

    def invoker(self, user: User, channel: Channel) -> Json:
        """The `member` or `user` part of an interaction."""
        guild = self._world.guild_of(channel)
        if guild is None:
            return {"user": user.payload()}
        member = self.member(guild.members[user.id])
        member["permissions"] = str(int(guild.permissions_of(user.id, channel)))
        return {"member": member}

    def guild_create(self, guild: Guild) -> Json:
        """The GUILD_CREATE event: the channels that the bot sees, and (members intent apart) its own member."""
        world = self._world
        seen = [
            channel
            for channel in world.channels.values()
            if channel.guild_id == guild.id
            and Permission.VIEW_CHANNEL in guild.permissions_of(world.bot_id, channel)
        ]
        everyone = world.application.guild_members
        members = [member for member in guild.members.values() if everyone or member.user_id == world.bot_id]
        return {
            **guild.payload(),
            "joined_at": guild.members[world.bot_id].joined_at,
            "large": False,
            "unavailable": False,
            "member_count": len(guild.members),
            "channels": [self.channel(channel) for channel in seen],
            "members": [self.member(member) for member in members],
            "threads": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def application(self) -> Json:
        world = self._world
        application = world.application
        install = {"oauth2_install_params": {"scopes": ["applications.commands"], "permissions": "0"}}
        return {
            "id": str(application.id),
            "name": application.user.username,
            "icon": None,
            "description": "",
            "type": None,
            "bot": application.user.payload(),
            "summary": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": self.application_flags(),
            "owner": world.users[application.owner_id].payload(),
            "team": None,
            "hook": True,
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "approximate_guild_count": sum(world.bot_id in guild.members for guild in world.guilds.values()),
            "approximate_user_install_count": sum(user.installed for user in world.users.values()),
            "integration_types_config": {"0": install, "1": install},
        }

    def application_flags(self) -> int:
        """Which privileged intents are switched on, as flags of an application in fewer than 100 servers."""
        application = self._world.application
        switched = ((application.presences, 1 << 13), (application.guild_members, 1 << 15))
        flags = sum(bit for on, bit in switched if on)
        return flags | ((1 << 19) if application.message_content else 0)

    def _resolved(self, value: Any, files: Json, used: set[str]) -> Any:
        """A copy in which `attachment://name` became the file's link, with size and type beside it."""
        if isinstance(value, list | tuple):
            return [self._resolved(part, files, used) for part in value]
        if not isinstance(value, dict):
            return value
        url = value.get("url")
        if not isinstance(url, str) or not url.startswith("attachment://"):
            return {name: self._resolved(part, files, used) for name, part in value.items()}
        attachment = files.get(url.removeprefix("attachment://"))
        if attachment is None:
            return {name: part for name, part in value.items() if name != "url"}
        used.add(attachment.filename)
        shown = self._world.files.payload(attachment)
        return {
            **value,
            **{
                name: shown[name]
                for name in ("url", "proxy_url", "width", "height", "content_type")
                if name in shown
            },
        }
