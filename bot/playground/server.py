"""The playground: a local stand-in for Discord, put together and served on one port of this machine."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from . import cast
from .application_routes import ApplicationRoutes
from .calls import MOST_BYTES
from .cdn import Cdn
from .channel_routes import ChannelRoutes
from .clock import Clock
from .commands import CommandBook
from .errors import NotPossible
from .faults import Faults
from .gateway import HEARTBEAT_MS, Gateway, gateway_url
from .guilds import Channel, Member, User
from .interactions import Interactions
from .limits import Limit, Limits
from .person import Person, Scene
from .rendering import Rendering
from .routing import PREFIX, Rest
from .schema import SchemaCheck, Violation
from .web import Page
from .webhook_routes import WebhookRoutes
from .world import World

log = logging.getLogger(__name__)

HOST = "127.0.0.1"


class Playground:
    """Discord for one bot, in memory. `async with Playground() as playground:` serves it until the block ends.

    `port` 0 takes a free one. With `schema` (the path of Discord's OpenAPI document) every body that the bot sends
    is checked; `violations` has what was found, and `strict` refuses it too. `limits` are rate limits by method
    and route template; the default leaves room. The privileged intents are switched off unless asked for. Clock
    and faults are reached from Python only, never over HTTP.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str | None = None,
        schema: Path | None = None,
        strict: bool = False,
        clock: Clock | None = None,
        limits: dict[tuple[str, str], Limit] | None = None,
        message_content: bool = False,
        guild_members: bool = False,
        heartbeat_ms: int = HEARTBEAT_MS,
    ) -> None:
        self.token = f"playground.{secrets.token_urlsafe(24)}" if token is None else token
        self.clock = Clock() if clock is None else clock
        self.faults = Faults()
        self._port = port
        self._schema = None if schema is None else SchemaCheck(schema)
        application = cast.application(self.token, message_content=message_content, guild_members=guild_members)
        self.world = World(self.clock, application)
        cast.found(self.world)
        rendering = Rendering(self.world)
        commands = CommandBook(self.world)
        self.gateway = Gateway(self.world, rendering, heartbeat_ms=heartbeat_ms)
        self.interactions = Interactions(self.world, rendering, self.gateway.interaction)
        self.scene = Scene(
            world=self.world, rendering=rendering, commands=commands, interactions=self.interactions
        )
        table = [
            *ApplicationRoutes(self.world, rendering, commands).table(),
            *ChannelRoutes(self.world, rendering).table(),
            *WebhookRoutes(self.interactions, rendering).table(),
        ]
        rest = Rest(
            table,
            token=self.token,
            limits=Limits(limits),
            faults=self.faults,
            schema=self._schema,
            strict=strict,
        )
        self._page = Page(self.scene, self.gateway)
        app = web.Application(client_max_size=MOST_BYTES)
        rest.add_to(app)
        Cdn(self.world.files, self.faults).add_to(app)
        app.router.add_get("/gateway/", self.gateway.serve)
        self._page.add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)

    async def __aenter__(self) -> Self:
        """Open the port; OSError where it is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self.world.files.origin = self.url
        log.debug("open at %s", self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._page.close()
        await self.gateway.close()
        await self._runner.cleanup()
        self.clock.close()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Be out of reach for the block: every connection is cut, and no new one is taken."""
        assert self._runner.server is not None  # noqa: S101  # open
        for site in tuple(self._runner.sites):
            await site.stop()
        for connection in self._runner.server.connections:
            connection.force_close()
            if connection.transport is not None:
                connection.transport.abort()
        try:
            yield
        finally:
            await web.TCPSite(self._runner, HOST, self._port).start()

    # Addresses

    @property
    def url(self) -> str:
        """The web page; the port is known once the playground is open."""
        return f"http://{HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """The base of the REST interface, for EASEL_DISCORD_API_URL."""
        return self.url + PREFIX

    @property
    def gateway_url(self) -> str:
        return gateway_url(self.url)

    # Who is there

    @property
    def violations(self) -> list[Violation]:
        """Bodies that Discord's document does not allow; empty without a schema."""
        return [] if self._schema is None else self._schema.violations

    def channel(self, name: str) -> Channel:
        """A channel of a server by its name; KeyError where there is none."""
        return {channel.name: channel for channel in self.world.channels.values()}[name]

    def person(self, username: str, channel: str = cast.GENERAL) -> Person:
        """One of the persons (ada, grace the moderator, linus, mina) in a channel."""
        for user in self.world.users.values():
            if user.username == username and not user.bot:
                return Person(scene=self.scene, user=user, channel=self.channel(channel))
        raise NotPossible(f"nobody is called {username!r}")

    def add_person(self, username: str, *, moderator: bool = False, installed: bool = False) -> Person:
        """A further member of the first server, in its general channel."""
        world = self.world
        user = User(id=world.ids.new(), username=username, installed=installed)
        world.users[user.id] = user
        roles = (cast.MODERATOR_ROLE_ID,) if moderator else ()
        studio = world.guilds[cast.STUDIO_ID]
        members = {**studio.members, user.id: Member(user_id=user.id, roles=roles)}
        world.guilds[studio.id] = replace(studio, members=members)
        return self.person(username)

    def set_file_tier(self, tier: int) -> None:
        """The first server's boost tier: 0 and 1 allow files of 10 MiB, 2 of 50, 3 of 100."""
        studio = self.world.guilds[cast.STUDIO_ID]
        self.world.guilds[studio.id] = replace(studio, premium_tier=tier)
