"""Owns the worker process: starts it, feeds it, watches it and starts it again."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from generation.errors import WorkerBusy, WorkerDied
from generation.model import Model
from generation.pace import Pace
from generation.protocol import (
    Cancel,
    Cancelled,
    Describe,
    Described,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Loading,
    Order,
    Preview,
    Progress,
    RanOut,
    Ready,
    Report,
    ShutDown,
    Trying,
    decode_report,
    encode,
)
from generation.watch import MemoryWatch

log = logging.getLogger(__name__)
worker_log = logging.getLogger("generation.worker")

_LEVELS = logging.getLevelNamesMapping()
_LINE_LIMIT = 2**20  # bytes of one report; the longest is a recipe of some kilobytes
_LINGERING = 2.0  # seconds to read what an ended worker left in its pipes, which its children may hold open


class WorkerState(StrEnum):
    """What the worker is doing, as its owner sees it."""

    STOPPED = "stopped"  # no process; one is started when there is work
    STARTING = "starting"  # the process imports its libraries
    IDLE = "idle"
    LOADING = "loading"  # brings a model into memory, before anybody asked
    DRAWING = "drawing"
    DESCRIBING = "describing"  # puts a picture into words
    STOPPING = "stopping"


class Supervisor:
    """One worker process, replaced when it dies.

    `draw` gives it one job at a time. Pictures bear a `watermark`, and a model's `content_filter` looks at them,
    unless the operator wants neither. Models take `memory` gigabytes of the device, or what is free, and lie in
    `folder` where that is too little. `command` is the worker's command line without its options. A process that
    is silent for too long is killed: `start_grace` seconds until it is ready, `load_grace` while a model is
    fetched and read, `step_grace` between two steps and, once a job has shown how long its steps are, thirty of
    those but at least `least_grace`; `describe_grace` for all of a description; `cancel_grace` once its job is
    cancelled. One that has more than `ceiling` bytes of the computer's memory for itself is killed too, before the
    system chooses whom to end. How a job stood in memory when that ran out is told to `on_ran_out`, whether the
    worker lived to say it or died of it, for the orders of later to know.
    """

    def __init__(
        self,
        *,
        device: str,
        threads: int | None = None,
        watermark: bool = True,
        content_filter: bool = True,
        memory: float | None = None,
        folder: Path | None = None,
        command: Sequence[str] = (sys.executable, "-m", "generation.worker"),
        cancel_grace: float = 60.0,
        start_grace: float = 300.0,
        load_grace: float = 4 * 3600.0,
        step_grace: float = 900.0,
        least_grace: float = 120.0,
        describe_grace: float = 180.0,
        ceiling: int | None = None,
    ) -> None:
        options = ["--device", device] + ([] if threads is None else ["--threads", str(threads)])
        options += ([] if watermark else ["--no-watermark"]) + ([] if content_filter else ["--no-content-filter"])
        options += [] if memory is None else ["--memory", str(memory)]
        options += [] if folder is None else ["--folder", str(folder)]
        self._command = [*command, *options]
        self._cancel_grace = cancel_grace
        self._start_grace = start_grace
        self._load_grace = load_grace
        self._step_grace = step_grace
        self._least_grace = least_grace
        self._describe_grace = describe_grace
        self._ceiling = ceiling
        self._process: Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._reports: asyncio.Queue[Report | None] = asyncio.Queue()
        self._last_words: deque[str] = deque(maxlen=20)
        self._starting = asyncio.Lock()
        self._job: str | None = None
        self._killing: asyncio.TimerHandle | None = None
        self._watch: MemoryWatch | None = None
        self._killed = False  # for something that has nothing to do with its memory
        self._trying: Trying | None = None
        self._on_ran_out: Callable[[RanOut], None] | None = None
        self._cancelled: set[str] = set()
        self.state = WorkerState.STOPPED
        self.ready: Ready | None = None
        self.starts = 0  # workers that were ready so far
        self.failed_starts = 0  # tries since then of which none brought a worker

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def last_words(self) -> str:
        """The last lines that the worker wrote to its standard error."""
        return "\n".join(self._last_words)

    async def start(self) -> Ready:
        """Have a worker that takes orders. Raises WorkerDied if none comes up."""
        async with self._starting:
            if self.ready is not None and self.pid is not None:
                return self.ready
            await self._reap()
            self.state = WorkerState.STARTING
            self._reports = asyncio.Queue()
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=PIPE,
                    limit=_LINE_LIMIT,
                    env=os.environ | {"PYTHONUNBUFFERED": "1"},
                )
            except OSError as error:  # no memory or no file handles left
                self.state = WorkerState.STOPPED
                self.failed_starts += 1
                self._last_words.append(str(error))
                raise WorkerDied(None) from error
            self._killed = False
            self._watch = MemoryWatch(self._process, self._ceiling)
            hearing = self._hear(self._process, self._watch, self._reports)
            self._hearing = asyncio.create_task(hearing, name="worker")
            report = await self._listen(self._start_grace)
            if not isinstance(report, Ready):
                self.failed_starts += 1
                raise await self._died()
            self.starts += 1
            self.failed_starts = 0
            self.ready = report
            self.state = WorkerState.IDLE
            log.info("worker ready: %s, %s (%s)", report.device_name, report.dtype, report.reason)
            return report

    async def load(
        self,
        model: Model,
        on_report: Callable[[Loading], None] | None = None,
        *,
        ran_out: Sequence[RanOut] = (),
        on_ran_out: Callable[[RanOut], None] | None = None,
    ) -> Loaded | LoadFailed:
        """Have `model` in memory; `on_report` is told how far fetching it is. Raises WorkerDied."""
        await self._begin("", WorkerState.LOADING, on_ran_out)
        try:
            self._send(Load(model=model, ran_out=tuple(ran_out)))
            while True:
                match await self._listen(self._load_grace):
                    case Loaded(model=model.name) | LoadFailed(model=model.name) as report:
                        return report
                    case Loading(job="") as report:
                        if on_report is not None:
                            on_report(report)
                    case None:
                        raise await self._died()
                    case other:
                        log.warning("unexpected report while loading: %.200s", other)
        finally:
            self._end()

    async def draw(
        self,
        order: Generate,
        on_report: Callable[[Loading | Progress | Preview], None],
        *,
        on_ran_out: Callable[[RanOut], None] | None = None,
    ) -> Finished | Failed | Cancelled:
        """Draw one job; `on_report` is told of each step. Raises WorkerDied, and WorkerBusy out of turn."""
        await self._begin(order.job, WorkerState.DRAWING, on_ran_out)
        patience = self._step_grace
        pace = Pace(least=self._least_grace, most=self._step_grace)
        try:
            if order.job in self._cancelled:
                return Cancelled(job=order.job, seconds=0.0)
            self._send(order)
            while True:
                match await self._listen(patience):
                    case None:
                        died = await self._died()
                        if order.job in self._cancelled:
                            return Cancelled(job=order.job, seconds=0.0)
                        raise died
                    case Loading(job=order.job) | Progress(job=order.job) | Preview(job=order.job) as report:
                        if isinstance(report, Progress):
                            patience = pace.step()
                        elif isinstance(report, Loading):
                            patience = self._load_grace
                        on_report(report)
                    case Finished(job=order.job) | Failed(job=order.job) | Cancelled(job=order.job) as report:
                        return report
                    case other:
                        log.warning("unexpected report while drawing: %.200s", other)
        finally:
            self._end()

    async def describe(self, order: Describe) -> Described | Failed:
        """Have a picture put into words. Raises WorkerDied, and WorkerBusy out of turn."""
        await self._begin(order.job, WorkerState.DESCRIBING)
        try:
            self._send(order)
            while True:
                match await self._listen(self._describe_grace):
                    case Described(job=order.job) | Failed(job=order.job) as report:
                        return report
                    case None:
                        raise await self._died()
                    case other:
                        log.warning("unexpected report while describing: %.200s", other)
        finally:
            self._end()

    async def cancel(self, job: str) -> None:
        """Stop `job` between two steps. A worker that does not is killed after the grace."""
        if job != self._job:
            return
        self._cancelled.add(job)
        if self.state is not WorkerState.DRAWING:
            return  # the worker is starting: `draw` looks once more before it sends the order
        self._send(Cancel(job=job))
        if self._killing is None:
            loop = asyncio.get_running_loop()
            self._killing = loop.call_later(self._cancel_grace, self.kill)

    def kill(self) -> None:
        """End the process at once; whoever waits for it gets WorkerDied."""
        if self._process is not None and self._process.returncode is None:
            log.warning("killing the worker, process %d", self._process.pid)
            self._killed = True
            self.ready = None  # it takes some time to die, and is to be given no order in that
            self._process.kill()

    async def close(self, *, grace: float = 10.0) -> None:
        """Let the worker end by itself within `grace` seconds, else kill it; at once if it is not ready yet."""
        self.state = WorkerState.STOPPING
        if self.ready is None:
            self.kill()
        if self._hearing is not None and self.pid is not None:
            self._send(ShutDown())
            _, late = await asyncio.wait({self._hearing}, timeout=grace)
            if late:
                self.kill()
        await self._reap()
        self.state = WorkerState.STOPPED

    async def _begin(
        self, job: str, state: WorkerState, on_ran_out: Callable[[RanOut], None] | None = None
    ) -> None:
        if self._job is not None:
            raise WorkerBusy(f"{self._job!r} is being drawn")
        self._job = job
        try:
            await self.start()
        except BaseException:
            self._job = None
            raise
        self._on_ran_out = on_ran_out
        if self._watch is not None:
            self._watch.begin()
        self.state = state

    def _end(self) -> None:
        self._job = None
        self._trying, self._on_ran_out = None, None
        self._cancelled.clear()
        if self._killing is not None:
            self._killing.cancel()
            self._killing = None
        if self.state in {WorkerState.LOADING, WorkerState.DRAWING, WorkerState.DESCRIBING}:
            self.state = WorkerState.IDLE

    async def _listen(self, patience: float) -> Report | None:
        """The next report, or None from a worker that is gone; one that is silent for too long is made so."""
        try:
            async with asyncio.timeout(patience):
                return await self._reports.get()
        except TimeoutError:
            log.warning("no word from the worker for %.0f s", patience)
            self.kill()
            return await self._reports.get()

    def _send(self, order: Order) -> None:
        # Room in the pipe is not waited for: a worker that does not read is as silent as any that hangs, and one
        # that died is noticed by its end.
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(encode(order))

    async def _hear(self, process: Process, watch: MemoryWatch, reports: asyncio.Queue[Report | None]) -> None:
        """Take down what the worker says and watch its memory until it has ended; `reports` ends with None."""
        try:
            async with asyncio.timeout(None) as lingering, asyncio.TaskGroup() as readers:
                readers.create_task(self._read_reports(process, reports), name="worker reports")
                readers.create_task(self._read_log(process), name="worker log")
                await watch.look(self.kill)
                lingering.reschedule(asyncio.get_running_loop().time() + _LINGERING)
        except TimeoutError:
            log.warning("the worker has ended, and something that it started still holds its pipes")
        finally:
            # Nothing public closes pipes that others hold too. A worker that still lives is killed by this.
            process._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 (as said)
            reports.put_nowait(None)

    async def _read_reports(self, process: Process, reports: asyncio.Queue[Report | None]) -> None:
        assert process.stdout is not None  # noqa: S101 (asked for with PIPE)
        while line := await _readline(process.stdout):
            try:
                report = decode_report(line)
            except ValueError:
                log.warning("not a report: %r", line[:200])
                continue
            match report:
                case Trying(job=self._job):
                    self._trying = report
                case RanOut(job=self._job):
                    self._ran_out(report)
                case _:
                    reports.put_nowait(report)

    async def _read_log(self, process: Process) -> None:
        assert process.stderr is not None  # noqa: S101 (asked for with PIPE)
        while line := await _readline(process.stderr):
            text = line.decode(errors="replace").rstrip()
            self._last_words.append(text)
            level, _, message = text.partition(" ")  # as the worker's own log begins; prints of libraries do not
            known = _LEVELS.get(level)
            worker_log.log(logging.INFO if known is None else known, "%s", text if known is None else message)

    async def _died(self) -> WorkerDied:
        await self._reap()
        code = None if self._process is None else self._process.returncode
        log.error("the worker died with exit code %s", code)
        if self._watch is not None and self._watch.was_memory(killed=self._killed) and self._trying is not None:
            self._ran_out(RanOut(job=self._trying.job, tried=self._trying.tried))
        return WorkerDied(code)

    def _ran_out(self, report: RanOut) -> None:
        log.warning("memory ran out for %s, tried like this: %s", report.tried.model, report.tried.step)
        if self._on_ran_out is not None:
            self._on_ran_out(report)

    async def _reap(self) -> None:
        """Wait for the end of the process and of everything that read from it."""
        self.ready = None
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._hearing is not None:
            [outcome] = await asyncio.gather(self._hearing, return_exceptions=True)
            if isinstance(outcome, Exception):
                log.error("the worker could not be heard", exc_info=outcome)
            self._hearing = None
        await self._process.wait()
        if self.state is not WorkerState.STOPPING:
            self.state = WorkerState.STOPPED


async def _readline(stream: asyncio.StreamReader) -> bytes:
    """One line, or what there is of one that is over the reader's limit."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.read(max(error.consumed, 1))
