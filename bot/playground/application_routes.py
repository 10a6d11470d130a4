"""REST routes about the bot itself: its account, its application, its commands, its servers."""

from .calls import Call, Json
from .commands import CommandBook
from .errors import (
    invalid_form,
    missing_access,
    unknown_application,
    unknown_guild,
    unknown_member,
    unknown_role,
    unknown_user,
)
from .gateway import gateway_url
from .guilds import Guild
from .rendering import Rendering
from .routing import Route
from .world import World


class ApplicationRoutes:
    """Handlers take a Call and give the JSON of the answer; None is an answer without a body."""

    def __init__(self, world: World, rendering: Rendering, commands: CommandBook) -> None:
        self._world = world
        self._rendering = rendering
        self._commands = commands

    def table(self) -> list[Route]:
        commands = "/applications/{application_id}/commands"
        guild_commands = "/applications/{application_id}/guilds/{guild_id}/commands"
        return [
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", "/users/@me", self.me),
            ("GET", "/users/@me/guilds", self.my_guilds),
            ("POST", "/users/@me/channels", self.open_direct),
            ("GET", "/users/{user_id}", self.user),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/applications/@me", self.application),
            ("GET", "/applications/{application_id}/emojis", self.emojis),
            ("GET", commands, self.list_commands),
            ("PUT", commands, self.sync_commands),
            ("POST", commands, self.add_command),
            ("GET", commands + "/{command_id}", self.command),
            ("DELETE", commands + "/{command_id}", self.remove_command),
            ("GET", guild_commands, self.list_commands),
            ("PUT", guild_commands, self.sync_commands),
            ("POST", guild_commands, self.add_command),
            ("GET", guild_commands + "/{command_id}", self.command),
            ("DELETE", guild_commands + "/{command_id}", self.remove_command),
            ("GET", "/guilds/{guild_id}", self.guild),
            ("GET", "/guilds/{guild_id}/channels", self.guild_channels),
            ("GET", "/guilds/{guild_id}/roles", self.roles),
            ("GET", "/guilds/{guild_id}/roles/{role_id}", self.role),
            ("GET", "/guilds/{guild_id}/members/{user_id}", self.member),
        ]

    def gateway(self, _call: Call) -> Json:
        return {"url": gateway_url(self._world.files.origin)}

    def gateway_bot(self, call: Call) -> Json:
        limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
        return {**self.gateway(call), "shards": 1, "session_start_limit": limit}

    def me(self, _call: Call) -> Json:
        return {**self._world.application.user.payload(), "verified": True, "mfa_enabled": True, "locale": "en-US"}

    def my_guilds(self, _call: Call) -> list[Json]:
        world = self._world
        return [
            {
                "id": str(guild.id),
                "name": guild.name,
                "icon": None,
                "banner": None,
                "owner": False,
                "features": [],
                "permissions": str(int(guild.permissions_of(world.bot_id))),
            }
            for guild in world.guilds.values()
            if world.bot_id in guild.members
        ]

    def open_direct(self, call: Call) -> Json:
        recipient = str(call.fields.get("recipient_id") or "")
        if not recipient.isdecimal() or int(recipient) not in self._world.users:
            raise invalid_form("recipient_id", "NUMBER_TYPE_COERCE", f'Value "{recipient}" is not a user.')
        return self._rendering.channel(self._world.direct_channel(int(recipient)))

    def user(self, call: Call) -> Json:
        found = self._world.users.get(call.id("user_id"))
        if found is None:
            raise unknown_user()
        return found.payload()

    def application(self, _call: Call) -> Json:
        return self._rendering.application()

    def emojis(self, call: Call) -> Json:
        self._own(call)
        return {"items": []}

    def list_commands(self, call: Call) -> list[Json]:
        return self._commands.registered(self._scope(call))

    def sync_commands(self, call: Call) -> list[Json]:
        if not isinstance(call.body, list):
            raise invalid_form("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return self._commands.replace_all(self._scope(call), call.body)

    def add_command(self, call: Call) -> Json:
        return self._commands.put(self._scope(call), call.fields)

    def command(self, call: Call) -> Json:
        return self._commands.find(self._scope(call), call.id("command_id"))

    def remove_command(self, call: Call) -> None:
        self._commands.remove(self._scope(call), call.id("command_id"))

    def guild(self, call: Call) -> Json:
        return self._guild(call).payload()

    def guild_channels(self, call: Call) -> list[Json]:
        guild = self._guild(call)
        channels = [channel for channel in self._world.channels.values() if channel.guild_id == guild.id]
        return [self._rendering.channel(channel) for channel in channels]

    def roles(self, call: Call) -> list[Json]:
        return [role.payload() for role in self._guild(call).roles]

    def role(self, call: Call) -> Json:
        wanted = call.id("role_id")
        for role in self._guild(call).roles:
            if role.id == wanted:
                return role.payload()
        raise unknown_role()

    def member(self, call: Call) -> Json:
        guild = self._guild(call)
        found = guild.members.get(call.id("user_id"))
        if found is None:
            raise unknown_member()
        return self._rendering.member(found)

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.id("guild_id"))
        if guild is None:
            raise unknown_guild()
        if self._world.bot_id not in guild.members:
            raise missing_access()
        return guild

    def _own(self, call: Call) -> None:
        if call.id("application_id") != self._world.application.id:
            raise unknown_application()

    def _scope(self, call: Call) -> int | None:
        self._own(call)
        if "guild_id" not in call.path:
            return None
        guild_id = call.id("guild_id")
        if guild_id not in self._world.guilds:
            raise missing_access()
        return guild_id
