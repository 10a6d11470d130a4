"""The gateway: logging in, staying, coming back."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import discord
import pytest

from bot.playground import Person, Playground
from bot.playground.cast import GENERAL, STUDIO_ID
from tests.contract.playground.conftest import Connect
from tests.contract.playground.probe import Probe

HEARD_WITHIN_S = 5


async def test_client_learns_its_server_and_itself(playground: Playground, bot: Probe) -> None:
    await bot.wait_until_ready()
    guild = bot.get_guild(STUDIO_ID)
    assert [one.id for one in bot.guilds] == [STUDIO_ID]
    assert guild.me.guild_permissions.attach_files
    assert (await bot.application_info()).bot_public
    assert [command.name for command in await bot.tree.fetch_commands()].count("say") == 1


async def test_wrong_token_is_refused(playground: Playground, connect: Connect) -> None:
    playground.token = "wrong"
    with pytest.raises(discord.LoginFailure):
        async with connect():
            pass


async def test_intent_that_was_not_switched_on_is_refused(connect: Connect) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with connect(intents=intents):
            pass


async def test_message_content_intent_opens_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    async with Playground(message_content=True) as playground:
        monkeypatch.setattr(discord.http.Route, "BASE", playground.api_url)
        async with Probe(intents=intents) as bot:
            running = asyncio.create_task(bot.start(playground.token))
            ada = playground.person("ada")
            await ada.wait_for(lambda: playground.gateway.online)
            ada.send("to anybody")
            assert (await asyncio.wait_for(bot.heard.get(), HEARD_WITHIN_S)).content == "to anybody"
            await bot.close()
            await running


async def test_dropped_connection_is_resumed_and_misses_nothing(
    playground: Playground, ada: Person, bot: Probe
) -> None:
    await playground.gateway.drop()
    ada.send(f"<@{bot.user.id}> while you were away")
    asked = ada.slash("say", text="hello")
    assert (await asyncio.wait_for(bot.heard.get(), HEARD_WITHIN_S)).content.endswith("away")
    assert (await ada.answer(asked)).content == "hello"
    assert (playground.gateway.identified, playground.gateway.resumed) == (1, 1)


async def test_forgotten_session_begins_anew(playground: Playground, ada: Person, bot: Probe) -> None:
    await playground.gateway.drop(resumable=False)
    # discord.py waits between 1 and 5 s before it identifies again after an invalid session.
    await ada.wait_for(lambda: playground.gateway.identified == 2, 20)
    assert (await ada.answer(ada.slash("say", text="hello"))).content == "hello"


async def test_client_that_is_asked_to_reconnect_resumes(playground: Playground, ada: Person, bot: Probe) -> None:
    playground.gateway.ask_to_reconnect()
    await ada.wait_for(lambda: playground.gateway.resumed == 1)
    assert (await ada.answer(ada.slash("say", text="hello"))).content == "hello"


async def test_sharded_client_connects_without_being_told_the_gateway(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", playground.api_url)
    async with discord.AutoShardedClient(intents=discord.Intents.default()) as client:
        running = asyncio.create_task(client.start(playground.token))
        await playground.person("ada").wait_for(lambda: playground.gateway.online)
        await asyncio.wait_for(client.wait_until_ready(), HEARD_WITHIN_S)
        assert client.get_guild(STUDIO_ID).name == "The Studio"
        await client.close()
        await running


class Raw:
    """A gateway connection without a library."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._inflate = zlib.decompressobj()

    async def frame(self) -> dict[str, object]:
        received = await self.socket.receive(HEARD_WITHIN_S)
        if received.type is aiohttp.WSMsgType.BINARY:
            assert received.data.endswith(b"\x00\x00\xff\xff")
            return json.loads(self._inflate.decompress(received.data))
        return json.loads(received.data)

    async def send(self, opcode: int, data: object = None) -> None:
        await self.socket.send_json({"op": opcode, "d": data})

    async def close_code(self) -> int | None:
        while (await self.socket.receive(HEARD_WITHIN_S)).type not in {
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
        }:
            pass
        return self.socket.close_code


@asynccontextmanager
async def raw(playground: Playground, query: str = "?v=10&encoding=json") -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession() as session, session.ws_connect(playground.gateway_url + query) as socket:
        yield Raw(socket)


async def test_stream_is_one_zlib_context_for_all_frames(playground: Playground) -> None:
    async with raw(playground, "?v=10&encoding=json&compress=zlib-stream") as gateway:
        assert (await gateway.frame())["op"] == 10
        await gateway.send(1, None)
        assert (await gateway.frame())["op"] == 11
        await gateway.send(2, {"token": playground.token, "intents": 1})
        ready, guild = await gateway.frame(), await gateway.frame()
        assert (ready["t"], ready["s"], guild["t"], guild["s"]) == ("READY", 1, "GUILD_CREATE", 2)


async def test_resume_replays_exactly_what_was_missed(playground: Playground) -> None:
    async with raw(playground) as gateway:
        await gateway.frame()
        await gateway.send(2, {"token": playground.token, "intents": 1 | 1 << 9})
        ready, _ = await gateway.frame(), await gateway.frame()
    ada = playground.person("ada", GENERAL)
    ada.send("one")
    ada.send("two")
    resume = {"token": playground.token, "session_id": ready["d"]["session_id"], "seq": 3}
    async with raw(playground) as gateway:
        await gateway.frame()
        await gateway.send(6, resume)
        replayed, resumed = await gateway.frame(), await gateway.frame()
        assert (replayed["t"], replayed["s"]) == ("MESSAGE_CREATE", 4)
        assert (resumed["t"], resumed["s"]) == ("RESUMED", 5)
    async with raw(playground) as gateway:
        await gateway.frame()
        await gateway.send(6, {**resume, "seq": 99})
        assert await gateway.frame() == {"op": 9, "d": False}


@pytest.mark.parametrize(
    ("opcode", "data", "code"),
    [
        (3, {}, 4003),
        (99, None, 4001),
        (2, {"token": "wrong", "intents": 0}, 4004),
        (2, {"token": None, "intents": "x"}, 4013),
        (2, {"token": None, "intents": 1 << 15}, 4014),
        (2, {"token": None, "intents": 1, "shard": [2, 1]}, 4010),
    ],
)
async def test_gateway_hangs_up_with_discords_code(
    playground: Playground, opcode: int, data: object, code: int
) -> None:
    if isinstance(data, dict) and "token" in data and data["token"] is None:
        data = {**data, "token": playground.token}
    async with raw(playground) as gateway:
        await gateway.send(opcode, data)
        assert await gateway.close_code() == code


async def test_client_that_falls_silent_is_dropped() -> None:
    async with Playground(heartbeat_ms=20) as playground, raw(playground) as gateway:
        assert await gateway.close_code() == 4009
