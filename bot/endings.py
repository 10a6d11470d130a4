"""How a job ends: on record first, then to those who follow it and to whoever delivers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from itertools import chain, repeat
from typing import TypeVar

from bot.board import Board
from bot.errors import NotFound
from bot.history import History
from bot.ledger import End, Ledger
from bot.updates import Ended
from db import DatabaseUnusable
from generation import Job, JobQueue, JobState, Rate

log = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPTS = 2  # what took the worker down this often is set aside
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between tries while the records cannot be written


class Endings:
    """Writes down each end once and tells it. It holds the jobs that ended since `begin_reading`."""

    def __init__(self, *, ledger: Ledger, history: History, queue: JobQueue, board: Board) -> None:
        self._ledger = ledger
        self._history = history
        self._queue = queue
        self._board = board
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._since: set[str] = set()

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._since

    def begin_reading(self) -> None:
        """From now on hold what ends: it has not ended by records that are being read."""
        self._since.clear()

    async def end(self, job: Job, end: End, *, learned: Mapping[str, Rate] | None = None) -> None:
        """Write down and tell that a job ended, or tell the end that it had already. Raises DatabaseUnusable."""
        if not await self._ledger.end(job, end, learned=learned):
            await self.tell(job)
            return
        if job is self._board.current:
            self._queue.add_served(job.member, end.seconds - job.cost)
        self._take_down(job, Ended(state=end.state, failure=end.failure))
        self.announce(job.id)

    async def tell(self, job: Job) -> None:
        """Tell followers of an end that another process recorded; what was deleted since is cancelled to them."""
        try:
            end = await self._history.ending(job.id)
        except NotFound:
            end = Ended(state=JobState.CANCELLED, failure=None)
        self._take_down(job, end)

    def announce(self, generation_id: str) -> None:
        """Have the member told of an ended generation by whoever reads the news."""
        self._told.put_nowait(generation_id)

    async def news(self) -> AsyncIterator[str]:
        """Yield each generation that is announced, for ever. There is one reader."""
        while True:
            yield await self._told.get()

    def _take_down(self, job: Job, end: Ended) -> None:
        self._since.add(job.id)
        self._board.take_down(job.id).set(end)


async def insist(write: Callable[[], Awaitable[T]]) -> T:
    """Await `write()`, again after a pause as long as the records cannot be written."""
    for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
        try:
            return await write()
        except DatabaseUnusable as error:
            log.warning("the records cannot be written, trying again in %.0f s: %s", pause, error)
            await asyncio.sleep(pause)
    raise AssertionError("the pauses never end")
