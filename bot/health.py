"""`/healthz` and `/metrics` on a local port, for whoever watches over the bot: states and counts alone."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from typing import Self

import psutil
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from bot import wording
from bot.ledger import Route
from bot.studio import Studio
from bot.tally import Tally
from db import Database, DatabaseError
from generation import JobState, Supervisor

log = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds for the records to answer
_ENDS = tuple(state for state in JobState if state.ended)


class Health(Collector):
    """Answers on `host`:`port` while it is open; 0 is no port. One that is taken is a warning, not an end.

    `is_connected` tells whether Discord's gateway is.
    """

    def __init__(
        self,
        *,
        database: Database,
        studio: Studio,
        supervisor: Supervisor,
        tally: Tally,
        is_connected: Callable[[], bool],
        host: str,
        port: int,
    ) -> None:
        self._database = database
        self._studio = studio
        self._supervisor = supervisor
        self._tally = tally
        self._is_connected = is_connected
        self._host = host
        self._port = port
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        if not self._port:
            return self
        app = web.Application()
        app.add_routes([web.get("/healthz", self._healthz), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            # The resolver's own numbers are below 0, and no errors of the system.
            number = error.errno or 0
            reason = os.strerror(number) if number > 0 else error.strerror or str(error)
            log.warning("%s", wording.health_port_taken(self._host, self._port, reason))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        database, worker, discord = await self._database_answers(), self._worker_starts(), self._is_connected()
        complaints = {
            wording.DATABASE_SILENT: not database,
            wording.WORKER_FAILS: not worker,
            wording.NOT_CONNECTED: not discord,
        }
        reasons = [words for words, holds in complaints.items() if holds]
        state = {
            "status": "unwell" if reasons else "ok",
            "database": "ok" if database else "silent",
            "worker": str(self._supervisor.state),
            "discord": "connected" if discord else "disconnected",
        }
        if reasons:
            state["reason"] = " ".join(reasons)
        return web.json_response(state, status=503 if reasons else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._database.check()
        except (DatabaseError, TimeoutError) as error:
            log.warning("the records do not answer: %s", error)
            return False
        return True

    def _worker_starts(self) -> bool:
        """Whether there is a worker, or nothing is known against starting one."""
        return self._supervisor.ready is not None or not self._supervisor.failed_starts

    def describe(self) -> Iterator[Metric]:
        """Nothing: asked when this is registered, before there is anything to tell."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every number, as it is when somebody asks."""
        jobs = self._studio.queue()
        running = sum(job.running for job in jobs)
        yield _gauge("easel_queue_length", len(jobs) - running)
        yield _gauge("easel_jobs_running", running)
        yield _counters("easel_jobs", "end", {str(end): self._tally.jobs[end] for end in _ENDS})
        yield _counter("easel_drawing_seconds", self._tally.drawing_seconds)
        yield _counters("easel_deliveries", "route", {str(way): self._tally.deliveries[way] for way in Route})
        yield _counter("easel_worker_restarts", max(0, self._supervisor.starts - 1))
        yield _gauge("easel_worker_up", self._supervisor.ready is not None)
        yield _gauge("easel_discord_connected", self._is_connected())
        memory = GaugeMetricFamily("easel_memory_bytes", wording.METRICS["easel_memory_bytes"], labels=["process"])
        for process, pid in (("bot", os.getpid()), ("worker", self._supervisor.pid)):
            if pid is not None and (resident := _resident(pid)) is not None:
                memory.add_metric([process], resident)
        yield memory


def _gauge(name: str, value: float) -> Metric:
    return GaugeMetricFamily(name, wording.METRICS[name], value=value)


def _counter(name: str, value: float) -> Metric:
    return CounterMetricFamily(name, wording.METRICS[name], value=value)


def _counters(name: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, wording.METRICS[name], labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def _resident(pid: int) -> int | None:
    """Bytes of memory that a process has in use; None for one that is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
