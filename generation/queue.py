"""Whose turn is next: that of the member who was served least, in seconds of compute."""

import asyncio
import heapq
from collections.abc import Callable

from generation.errors import QueueFull
from generation.job import Job, Turn

HALF_LIFE = 3600.0  # seconds after which what a member was served counts half


class JobQueue:
    """Waiting jobs and looks in memory, bounded, fair and cancellable. The database's rows are the truth.

    What a member was served fades with HALF_LIFE. A job counts by its predicted cost from the moment that it is
    taken, and by its real one once that is known. Among members served alike the oldest job is first, and each
    member's own jobs stay in the order of their asking.
    """

    def __init__(self, *, limit: int, limit_each: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._limit_each = limit_each
        self._clock = clock
        self._jobs: dict[str, Turn] = {}
        self._served: dict[int, tuple[float, float]] = {}  # member -> seconds, and when they were right
        self._arrived = asyncio.Event()

    def check_room(self, member: int) -> None:
        """Raises QueueFull where one more job of `member` would not be taken."""
        if len(self._jobs) >= self._limit:
            raise QueueFull(waiting=len(self._jobs), limit=self._limit, own=False)
        own = sum(job.member == member for job in self._jobs.values())
        if own >= self._limit_each:
            raise QueueFull(waiting=own, limit=self._limit_each, own=True)

    def put(self, job: Turn) -> None:
        """Take a job in, also one beyond the limits: what was accepted once always comes back."""
        self._jobs[job.id] = job
        self._arrived.set()

    def discard(self, job_id: str) -> bool:
        """Take a waiting job out; False if it was not waiting."""
        return self._jobs.pop(job_id, None) is not None

    async def take(self) -> Turn:
        """Wait for the job that is next, and count its cost as served."""
        while not self._jobs:
            self._arrived.clear()
            await self._arrived.wait()
        job = self.order()[0]
        del self._jobs[job.id]
        self.add_served(job.member, job.cost)
        return job

    def add_served(self, member: int, seconds: float) -> None:
        """Count `seconds` more as served to `member`; a negative number takes back."""
        self._served[member] = (max(0.0, self.served(member) + seconds), self._clock())

    def served(self, member: int) -> float:
        """Faded seconds of compute that `member` was served."""
        seconds, since = self._served.get(member, (0.0, self._clock()))
        return float(seconds * 0.5 ** (max(0.0, self._clock() - since) / HALF_LIFE))

    def order(self) -> tuple[Turn, ...]:
        """All waiting jobs in the order in which they will be taken if nothing else comes."""
        lines: dict[int, list[Turn]] = {}
        for job in sorted(self._jobs.values(), key=lambda job: (job.created_at, job.id), reverse=True):
            lines.setdefault(job.member, []).append(job)
        heads = [self._head(line, self.served(member)) for member, line in lines.items()]
        heapq.heapify(heads)
        ordered = []
        while heads:
            served, _, _, member = heapq.heappop(heads)
            job = lines[member].pop()
            ordered.append(job)
            if lines[member]:
                heapq.heappush(heads, self._head(lines[member], served + job.cost))
        return tuple(ordered)

    def jobs(self) -> tuple[Job, ...]:
        """Those of them that draw, in the same order."""
        return tuple(turn for turn in self.order() if isinstance(turn, Job))

    @staticmethod
    def _head(line: list[Turn], served: float) -> tuple[float, float, str, int]:
        return served, line[-1].created_at, line[-1].id, line[-1].member

    def __len__(self) -> int:
        return len(self._jobs)
