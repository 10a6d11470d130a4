"""Looks at a process's memory from outside, and tells whether it is memory that the process died of."""

import asyncio
import logging
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

_LOOK = 0.5  # seconds between two looks; a model is read at a few gigabytes a second
_NEAR = 0.8  # of the ceiling: whoever kills a process that has so much, it is for its memory
_SIGKILL = -9  # an exit code; Windows, where no system kills for memory, has no name for it
_COUNTS = Path("/proc/vmstat")  # Linux counts there what it killed for memory, in containers and services too


class MemoryWatch:
    """Watches one process, which may have `ceiling` bytes of memory for itself; `counts` are the system's.

    Known weakness: where the system kills another process for memory while somebody kills this one, the two are
    taken for the same.
    """

    def __init__(self, process: Process, ceiling: int | None, *, counts: Path = _COUNTS) -> None:
        self._process = process
        self._ceiling = ceiling
        self._counts = counts
        self._kills_before = self._kills()
        self._own = 0
        self._over = False

    def begin(self) -> None:
        """What was killed until now has nothing to do with what the process does from now on."""
        self._kills_before = self._kills()

    async def look(self, kill: Callable[[], None]) -> None:
        """Look again and again until the process ends, and `kill` it once it has more than it may.

        `Process.wait` alone does not see that end where children of the process hold its pipes
        (https://github.com/python/cpython/issues/119710).
        """
        ended = asyncio.create_task(self._process.wait())  # one for all: each call of `wait` is kept until the end
        try:
            while self._process.returncode is None:
                self._look_once()
                if self._ceiling is not None and self._own > self._ceiling and not self._over:
                    log.error("the worker has %.1f GB of memory, more than it may", self._own / 1e9)
                    self._over = True
                    kill()
                await asyncio.wait({ended}, timeout=_LOOK)
        finally:
            ended.cancel()

    def _look_once(self) -> None:
        with suppress(psutil.Error):  # it has just ended, or the system does not let anybody look
            used = psutil.Process(self._process.pid).memory_info()
            # What is mapped from files goes by itself when memory gets short.
            # A process that was just killed has nothing any more, and what it had is what counts.
            if used.rss:
                self._own = used.rss - getattr(used, "shared", 0)

    def was_memory(self, *, killed: bool) -> bool:
        """Whether the process, which is dead, died of memory; `killed`: it was killed for something else."""
        if self._over:
            return True
        if killed or self._process.returncode != _SIGKILL:
            return False
        near = self._ceiling is not None and self._own > _NEAR * self._ceiling
        return near or self._kills() > self._kills_before

    def _kills(self) -> int:
        """How many processes the system has killed for memory; 0 where it does not say."""
        try:
            lines = self._counts.read_text(encoding="utf-8").splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
