"""Real clients of a playground, in one process with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import discord
import pytest
import pytest_asyncio
from discord.gateway import DiscordWebSocket

from bot.playground import Playground
from tests.contract.playground.probe import Probe

Connect = Callable[..., AbstractAsyncContextManager[Probe]]


@pytest.fixture
def connect(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Runs a client against the playground until the block ends; connected, its commands registered."""
    monkeypatch.setattr(discord.http.Route, "BASE", playground.api_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)

    @asynccontextmanager
    async def connected(client: type[discord.Client] = Probe, **options: object) -> AsyncIterator[Probe]:
        bot = client(**options)
        async with bot:
            running = asyncio.create_task(bot.start(playground.token))
            ada = playground.person("ada")
            online = asyncio.create_task(ada.wait_for(lambda: playground.gateway.online))
            await asyncio.wait({running, online}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                online.cancel()
                running.result()
            await online
            yield bot
            await bot.close()
            await running

    return connected


@pytest_asyncio.fixture
async def bot(connect: Connect) -> AsyncIterator[Probe]:
    async with connect() as connected:
        yield connected
