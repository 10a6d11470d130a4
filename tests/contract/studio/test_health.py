"""Whoever watches over the bot is told how it is, in numbers and states, and of nobody's words."""

import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.health import Health
from bot.ledger import Route
from bot.place import Address, Viewer
from generation import JobState, Request, WorkerDied
from tests.contract.studio.conftest import Open, Opened

ADA = Viewer(member_id=424242, guild_id=7, channel_id=70)
SECRET = "a zyzzyva at dawn"


@dataclass(kw_only=True)
class Watched:
    """A studio, its health, and whether its Discord is there."""

    opened: Opened
    url: str
    connected: bool = True

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            return response.status, await response.text()

    async def health(self) -> tuple[int, dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz") as response:
            return response.status, await response.json()

    async def numbers(self) -> dict[tuple[str, ...], float]:
        """(name, label's value) -> number, read as Prometheus reads it."""
        _, text = await self.get("/metrics")
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


Watch = Callable[..., AbstractAsyncContextManager[Watched]]


@pytest.fixture
def watch(open_studio: Open) -> Watch:
    @asynccontextmanager
    async def watching(how: str = "behaves", **options: Any) -> AsyncIterator[Watched]:
        port = free_port()
        async with open_studio(how, **options) as opened:
            watched = Watched(opened=opened, url=f"http://127.0.0.1:{port}")
            health = Health(
                database=opened.database,
                studio=opened.studio,
                supervisor=opened.studio._supervisor,
                tally=opened.studio._ledger.tally,
                is_connected=lambda: watched.connected,
                host="127.0.0.1",
                port=port,
            )
            async with health:
                yield watched

    return watching


async def drawn(opened: Opened, prompt: str = SECRET) -> JobState:
    accepted = await opened.studio.submit(Request(prompt=prompt), viewer=ADA, address=Address(channel_id=70))
    async for update in opened.studio.follow(accepted.generation_id):
        last = update
    await opened.studio.delivered(accepted.generation_id, route=Route.CHANNEL, message_id=1)
    return last.state  # type: ignore[union-attr]


async def test_a_bot_that_is_well_says_so(watch: Watch) -> None:
    async with watch() as watched:
        await drawn(watched.opened)
        status, state = await watched.health()
        assert (status, state["status"], state["database"], state["discord"]) == (200, "ok", "ok", "connected")


async def test_a_worker_that_was_not_needed_yet_is_no_fault(watch: Watch) -> None:
    async with watch(running=False) as watched:
        status, state = await watched.health()
        assert (status, state["worker"]) == (200, "stopped")


async def test_without_discord_it_is_unwell_until_discord_is_back(watch: Watch) -> None:
    async with watch() as watched:
        watched.connected = False
        status, state = await watched.health()
        assert (status, state["discord"]) == (503, "disconnected")
        assert "Discord" in state["reason"]
        watched.connected = True
        assert (await watched.health())[0] == 200


async def test_a_worker_that_does_not_start_is_told(watch: Watch) -> None:
    async with watch("dies_at_start", running=False) as watched:
        with pytest.raises(WorkerDied):
            await watched.opened.studio._supervisor.start()
        status, state = await watched.health()
        assert status == 503
        assert "drawing process" in state["reason"]


async def test_records_that_do_not_answer_are_told(watch: Watch) -> None:
    async with watch() as watched:
        await watched.opened.database.close()
        status, state = await watched.health()
        assert (status, state["database"]) == (503, "silent")


async def test_records_that_somebody_writes_to_answer(watch: Watch, in_the_way: sqlite3.Connection) -> None:
    async with watch() as watched:
        in_the_way.execute("BEGIN IMMEDIATE")
        assert (await watched.health())[0] == 200
        in_the_way.execute("ROLLBACK")


async def test_the_numbers_are_those_of_what_happened(watch: Watch) -> None:
    async with watch() as watched:
        before = await watched.numbers()
        assert before["easel_jobs_total", "finished"] == before["easel_deliveries_total", "channel"] == 0
        assert await drawn(watched.opened) is JobState.FINISHED
        assert await drawn(watched.opened) is JobState.FINISHED
        after = await watched.numbers()
        assert after["easel_jobs_total", "finished"] == after["easel_deliveries_total", "channel"] == 2
        assert after["easel_jobs_total", "failed"] == after["easel_worker_restarts_total",] == 0
        assert after["easel_drawing_seconds_total",] > 0
        assert after["easel_queue_length",] == after["easel_jobs_running",] == 0
        assert after["easel_worker_up",] == 1
        assert after["easel_memory_bytes", "bot"] > 10e6
        assert after["easel_memory_bytes", "worker"] > 10e6


async def test_a_worker_that_is_replaced_is_counted(watch: Watch) -> None:
    async with watch("dies_once") as watched:
        assert await drawn(watched.opened) is JobState.FINISHED
        assert (await watched.numbers())["easel_worker_restarts_total",] == 1


async def test_a_queue_is_counted(watch: Watch) -> None:
    async with watch(running=False) as watched:
        for _ in range(3):
            await watched.opened.studio.submit(Request(prompt=SECRET), viewer=ADA, address=None)
        assert (await watched.numbers())["easel_queue_length",] == 3


async def test_neither_words_nor_members_are_told(watch: Watch) -> None:
    async with watch() as watched:
        await drawn(watched.opened)
        for path in ("/healthz", "/metrics"):
            _, text = await watched.get(path)
            assert "zyzzyva" not in text
            assert str(ADA.member_id) not in text


async def test_a_taken_port_is_a_warning_and_no_port_is_none(
    open_studio: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_studio(running=False) as opened:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            in_use = int(taken.getsockname()[1])
            for host, port in (("127.0.0.1", in_use), ("127.0.0.1", 0), ("no host", 1024)):
                health = Health(
                    database=opened.database,
                    studio=opened.studio,
                    supervisor=opened.studio._supervisor,
                    tally=opened.studio._ledger.tally,
                    is_connected=lambda: True,
                    host=host,
                    port=port,
                )
                async with health:
                    pass
        [taken_port, no_host] = [record.message for record in caplog.records if record.name == "bot.health"]
        assert "EASEL_HEALTH_PORT" in taken_port
        assert "Unknown error" not in no_host
