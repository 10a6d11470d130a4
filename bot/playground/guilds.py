"""Users, servers, channels and who may do what in them: frozen values and their form in Discord's JSON."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]
MIB = 1024 * 1024


class Permission(IntFlag):
    """The bits of Discord's permission sets that matter to a bot that talks and shows pictures."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CHANGE_NICKNAME = 1 << 26
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EXTERNAL_APPS = 1 << 50


NOTHING = Permission(0)
EVERY_PERMISSION = Permission((1 << 53) - 1)
ORDINARY = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.USE_EXTERNAL_APPS
)
IN_DIRECT_MESSAGES = ORDINARY | Permission.MENTION_EVERYONE
# What an application may do where its user brought it along and it is no member itself.
WITHOUT_MEMBERSHIP = (
    Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE | Permission.USE_EXTERNAL_EMOJIS
)


class ChannelKind(IntEnum):
    """Discord's channel types that the playground has."""

    TEXT = 0
    DIRECT = 1


@dataclass(frozen=True, kw_only=True)
class User:
    """An account. `installed` means that the user added the application to their own account."""

    id: int
    username: str
    global_name: str | None = None
    avatar: str | None = None
    bot: bool = False
    installed: bool = False
    accepts_direct_messages: bool = True
    adult: bool = True

    @property
    def display_name(self) -> str:
        return self.username if self.global_name is None else self.global_name

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "username": self.username,
            "global_name": self.global_name,
            "discriminator": "0000" if self.bot else "0",
            "avatar": self.avatar,
            "avatar_decoration_data": None,
            "collectibles": None,
            "primary_guild": None,
            "banner": None,
            "accent_color": None,
            "bot": self.bot,
            "system": False,
            "flags": 0,
            "public_flags": 0,
        }


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of a server; the one whose id is the server's id is @everyone."""

    id: int
    name: str
    permissions: Permission
    position: int = 1

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "icon": None,
            "unicode_emoji": None,
            "position": self.position,
            "permissions": str(int(self.permissions)),
            "managed": False,
            "mentionable": True,
            "flags": 0,
        }


@dataclass(frozen=True, kw_only=True)
class Member:
    """A user in a server: role ids and a nickname."""

    user_id: int
    roles: tuple[int, ...] = ()
    nick: str | None = None
    joined_at: str = "2024-01-01T00:00:00.000000+00:00"

    def payload(self) -> Json:
        """The member without its user, as beside a message's author."""
        return {
            "roles": [str(role) for role in self.roles],
            "nick": self.nick,
            "avatar": None,
            "banner": None,
            "joined_at": self.joined_at,
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }


@dataclass(frozen=True, kw_only=True)
class Overwrite:
    """What a channel allows and denies one role or one member."""

    target_id: int
    is_role: bool
    allow: Permission = NOTHING
    deny: Permission = NOTHING

    def payload(self) -> Json:
        return {
            "id": str(self.target_id),
            "type": 0 if self.is_role else 1,
            "allow": str(int(self.allow)),
            "deny": str(int(self.deny)),
        }


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A text channel of a server, or (with `guild_id` None) a direct conversation of `recipients`."""

    id: int
    kind: ChannelKind
    name: str = ""
    guild_id: int | None = None
    position: int = 0
    nsfw: bool = False
    overwrites: tuple[Overwrite, ...] = ()
    recipients: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Guild:
    """A server. `premium_tier` (0-3) decides how large a file may be."""

    id: int
    name: str
    owner_id: int
    roles: tuple[Role, ...]
    members: dict[int, Member] = field(default_factory=dict)
    premium_tier: int = 0

    @property
    def file_limit(self) -> int:
        """Bytes a single file may have here."""
        return {2: 50 * MIB, 3: 100 * MIB}.get(self.premium_tier, 10 * MIB)

    def permissions_of(self, user_id: int, channel: Channel | None = None) -> Permission:
        """What the member may do, in the server or in one of its channels; nothing for one who is no member."""
        member = self.members.get(user_id)
        if member is None:
            return NOTHING
        if user_id == self.owner_id:
            return EVERY_PERMISSION
        held = {self.id, *member.roles}
        granted = NOTHING
        for role in self.roles:
            if role.id in held:
                granted |= role.permissions
        if Permission.ADMINISTRATOR in granted:
            return EVERY_PERMISSION
        if channel is not None:
            granted = _overwritten(
                granted, channel.overwrites, everyone=self.id, roles=member.roles, user_id=user_id
            )
            if Permission.VIEW_CHANNEL not in granted:
                return NOTHING
        return granted

    def payload(self) -> Json:
        """The server as `GET /guilds/{id}` gives it; GUILD_CREATE adds channels and members."""
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "home_header": None,
            "banner": None,
            "description": None,
            "owner_id": str(self.owner_id),
            "application_id": None,
            "afk_channel_id": None,
            "afk_timeout": 300,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "public_updates_channel_id": None,
            "safety_alerts_channel_id": None,
            "widget_enabled": False,
            "widget_channel_id": None,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw": False,
            "nsfw_level": 0,
            "preferred_locale": "en-US",
            "premium_tier": self.premium_tier,
            "premium_subscription_count": 0,
            "premium_progress_bar_enabled": False,
            "max_members": 500_000,
            "max_presences": None,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "vanity_url_code": None,
            "features": [],
            "emojis": [],
            "stickers": [],
            "incidents_data": None,
            "region": "deprecated",
            "roles": [role.payload() for role in self.roles],
        }


def _overwritten(
    granted: Permission, overwrites: Iterable[Overwrite], *, everyone: int, roles: Iterable[int], user_id: int
) -> Permission:
    by_target = {overwrite.target_id: overwrite for overwrite in overwrites}
    base = by_target.get(everyone)
    if base is not None:
        granted = (granted & ~base.deny) | base.allow
    of_roles = [by_target[role] for role in roles if role in by_target]
    for overwrite in of_roles:
        granted &= ~overwrite.deny
    for overwrite in of_roles:
        granted |= overwrite.allow
    own = by_target.get(user_id)
    if own is not None:
        granted = (granted & ~own.deny) | own.allow
    return granted
