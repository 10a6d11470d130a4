"""A studio on real SQLite and a real worker process that keeps the protocol and paints plain colours."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content import ContentFilter
from bot.history import History
from bot.ledger import Ledger
from bot.pictures import Pictures
from bot.preferences import Preferences
from bot.recipes import Recipes
from bot.seeds import Seeds
from bot.servers import Servers
from bot.studio import Studio
from db import Database
from generation import Adapters, Allowance, Catalogue, CostModel, JobQueue, Styles, Supervisor
from tests.recipes import a_model

FIXTURE = Path(__file__).parents[2] / "fixture_worker.py"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 0.001  # no two moments are the same
        return self.now


@dataclass(frozen=True, kw_only=True)
class Opened:
    studio: Studio
    history: History
    seeds: Seeds
    database: Database
    supervisor: Supervisor


Open = Callable[..., AbstractAsyncContextManager[Opened]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def in_the_way(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program on the same records: from its `BEGIN IMMEDIATE` to its `ROLLBACK` Easel cannot write."""
    connection = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture
def open_studio(tmp_path: Path, clock: Clock) -> Open:
    """Open a studio on this test's folder; opening it again is a restart. `how` is the fixture worker's."""

    @asynccontextmanager
    async def opening(
        how: str = "behaves",
        *,
        running: bool = True,
        capacity: float = 1000.0,
        limit: int = 100,
        cancel_grace: float = 5.0,
        content_filter: ContentFilter = ContentFilter.REFUSE,
        preview_every: float | None = None,
    ) -> AsyncIterator[Opened]:
        database = await Database.open(tmp_path / "easel.db", busy_timeout=0.1)
        pictures = Pictures(tmp_path / "pictures")
        history = History(database, pictures=pictures, clock=clock)
        supervisor = Supervisor(
            device="auto", command=(sys.executable, str(FIXTURE), how), cancel_grace=cancel_grace
        )
        (tmp_path / "here").mkdir(exist_ok=True)
        models = (
            a_model(name="elsewhere"),
            a_model(),
            a_model(name="here", source=str(tmp_path / "here")),
        )
        servers = Servers(database, most=Allowance(capacity=4 * capacity, per_hour=400), clock=clock)
        await servers.load()
        recipes = Recipes(
            catalogue=Catalogue({model.name: model for model in models}, default="some-model"),
            styles=Styles.read(),
            adapters=Adapters(tmp_path / "models"),
            preferences=Preferences(database),
            servers=servers,
            pictures=pictures,
            chance=random.Random(5),  # noqa: S311 (a test that can be repeated)
        )
        studio = Studio(
            recipes=recipes,
            ledger=Ledger(database, allowance=Allowance(capacity=capacity, per_hour=100), clock=clock),
            history=history,
            pictures=pictures,
            costs=CostModel({}),
            queue=JobQueue(limit=limit, limit_each=limit, clock=clock),
            supervisor=supervisor,
            content_filter=content_filter,
            preview_every=preview_every,
            clock=clock,
        )
        await studio.restore()
        drawing = asyncio.create_task(studio.run()) if running else None
        try:
            yield Opened(
                studio=studio,
                history=history,
                seeds=Seeds(database, clock=clock),
                database=database,
                supervisor=supervisor,
            )
        finally:
            if drawing is not None:
                drawing.cancel()
                await asyncio.gather(drawing, return_exceptions=True)
            await supervisor.close(grace=0.5)
            await database.close()

    return opening
