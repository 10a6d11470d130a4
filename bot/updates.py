"""News of one job, of which only the latest counts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from generation import Estimate, Failure, JobState


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """In the queue: `place` 1 is next, `expected` the time until the pictures are there."""

    place: int
    expected: Estimate


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Being drawn: `step` of `steps` taken, `remaining` seconds if known; `loading` while its model is read.

    `preview` is a small JPEG of what the picture looks like so far.
    """

    step: int
    steps: int
    remaining: float | None
    loading: bool = False
    preview: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Over; `failure` says why where the state is FAILED."""

    state: JobState
    failure: Failure | None = None


Update = Waiting | Drawing | Ended


class Feed:
    """The latest update of one job, and everybody who follows it. Stale updates are dropped, never queued."""

    def __init__(self, update: Update) -> None:
        self.update = update
        self._changed = asyncio.Event()

    def set(self, update: Update) -> None:
        if update != self.update:
            self.update = update
            self._changed.set()
            self._changed = asyncio.Event()

    async def follow(self) -> AsyncIterator[Update]:
        """Yield the update as it is now, then each newest one; end with the Ended one."""
        while True:
            update, changed = self.update, self._changed
            yield update
            if isinstance(update, Ended):
                return
            await changed.wait()
