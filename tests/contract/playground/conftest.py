"""A playground and real clients of it, in one process."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import discord
import pytest
import pytest_asyncio
from discord.gateway import DiscordWebSocket

from bot.playground import Person, Playground
from tests.contract.playground.probe import Probe

ROOT = Path(__file__).parents[3]

Connect = Callable[..., AbstractAsyncContextManager[Probe]]


def schema_path() -> Path | None:
    named = os.environ.get("EASEL_OPENAPI")
    path = Path(named) if named else ROOT.parent / "shared" / "discord" / "openapi.json"
    return path if path.is_file() else None


@pytest_asyncio.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground(schema=schema_path()) as opened:
        yield opened
    assert opened.violations == []


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


@pytest.fixture
def ada(playground: Playground) -> Person:
    return playground.person("ada")


@pytest.fixture
def grace(playground: Playground) -> Person:
    """The moderator."""
    return playground.person("grace")


@pytest.fixture
def linus(playground: Playground) -> Person:
    return playground.person("linus")
