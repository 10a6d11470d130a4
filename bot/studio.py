"""The use cases around drawing: submit, follow, cancel, and the loop that feeds the worker. No Discord in it."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom

from PIL import Image

from bot.errors import NotAllowed, NotFound
from bot.history import History
from bot.ledger import AllowanceState, End, Ledger, Route
from bot.pictures import Pictures
from bot.place import Address, Viewer
from bot.updates import Drawing, Feed, Update, Waiting
from db import WrongState
from generation import (
    HALF_LIFE,
    Cancelled,
    Catalogue,
    CostModel,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Generate,
    Job,
    JobQueue,
    JobState,
    Loading,
    Progress,
    Rate,
    Recipe,
    Request,
    Size,
    Supervisor,
    UnknownChoice,
    WorkerDied,
    WorkerState,
    complete,
)

log = logging.getLogger(__name__)

ATTEMPTS = 2  # a job that took the worker down this often is set aside
STARTS = 3  # tries to have a worker before a job is told that there is none
_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else
_ID_LENGTH = 10  # 49 bits: not to be guessed


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A job that will be answered: its `place` (1 is next), and the seconds `expected` until it is there."""

    generation_id: str
    recipe: Recipe
    place: int
    expected: float
    cost: float
    left: float  # of the allowance, in seconds of compute


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """One line of `/queue`. `prompt` is for everybody's eyes unless `private`."""

    generation_id: str
    member_id: int
    place: int
    expected: float
    running: bool
    private: bool
    prompt: str
    model: str


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """What draws: `reason` says why it computes in `dtype`. All texts are empty until the worker is ready."""

    state: WorkerState
    device: str = ""
    device_name: str = ""
    dtype: str = ""
    reason: str = ""


class Studio:
    """Takes requests, has them drawn one after the other, and tells whoever follows."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        history: History,
        pictures: Pictures,
        catalogue: Catalogue,
        costs: CostModel,
        queue: JobQueue,
        supervisor: Supervisor,
        clock: Callable[[], float] = time.time,
        chance: Random | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._ledger = ledger
        self._history = history
        self._pictures = pictures
        self._costs = costs
        self._queue = queue
        self._supervisor = supervisor
        self._clock = clock
        self._chance = SystemRandom() if chance is None else chance
        self._feeds: dict[str, Feed] = {}
        self._private: set[str] = set()
        self._endings: asyncio.Queue[str] = asyncio.Queue()
        self._current: Job | None = None
        self._cancelling: set[str] = set()
        self._first_step_at: float | None = None

    # Asking ------------------------------------------------------------------------------------------------

    async def submit(
        self,
        request: Request,
        *,
        viewer: Viewer,
        address: Address | None,
        private: bool = False,
        parent_id: str | None = None,
    ) -> Accepted:
        """Accept a request: from the return on it will be drawn and answered.

        What is asked in a direct message, or descends from something private, is private.
        Raises InvalidRequest, QueueFull, AllowanceSpent or NotFound; then nothing was recorded or charged.
        """
        model = self.catalogue.find(request.model)
        recipe = complete(request, model=model, source_size=await self._source_size(request), chance=self._chance)
        if parent_id is not None:
            private = private or (await self._history.recall(parent_id, viewer)).private
        private = private or viewer.guild_id is None
        self._queue.check_room(viewer.member_id)
        job = Job(
            id="".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH)),
            member=viewer.member_id,
            recipe=recipe,
            cost=self._costs.predict(recipe, model, self.worker.device),
            created_at=self._clock(),
        )
        left = await self._ledger.accept(job, viewer=viewer, address=address, private=private, parent_id=parent_id)
        self._take_in(job, private=private)
        self._tell_places()
        waiting = self._feeds[job.id].update
        place, expected = (waiting.place, waiting.expected) if isinstance(waiting, Waiting) else (1, job.cost)
        return Accepted(
            generation_id=job.id, recipe=recipe, place=place, expected=expected, cost=job.cost, left=left
        )

    async def cancel(self, generation_id: str, viewer: Viewer) -> bool:
        """Stop a job; False if it had ended already. Raises NotFound or NotAllowed."""
        generation = await self._history.recall(generation_id, viewer)
        if not generation.may_be_managed_by(viewer):
            raise NotAllowed("cancel")
        if self._current is not None and self._current.id == generation_id:
            self._cancelling.add(generation_id)
            await self._supervisor.cancel(generation_id)
            return True
        waiting = next((job for job in self._queue.order() if job.id == generation_id), None)
        if waiting is None:
            return False
        self._queue.discard(generation_id)
        await self._end(waiting, End(state=JobState.CANCELLED, seconds=0.0))
        self._tell_places()
        return True

    async def follow(self, generation_id: str) -> AsyncIterator[Update]:
        """Yield the newest state of a job whenever it changes, the last one being Ended. Raises NotFound."""
        feed = self._feeds.get(generation_id)
        if feed is None:
            yield await self._history.ending(generation_id)
            return
        async for update in feed.follow():
            yield update

    def queue(self) -> tuple[QueuedJob, ...]:
        """The job being drawn and those that wait, in the order in which they will be drawn."""
        running = () if self._current is None else (self._current,)
        lines = []
        for job in (*running, *self._queue.order()):
            update = self._feeds[job.id].update
            lines.append(
                QueuedJob(
                    generation_id=job.id,
                    member_id=job.member,
                    place=update.place if isinstance(update, Waiting) else 0,
                    expected=update.expected if isinstance(update, Waiting) else self._remaining(),
                    running=job is self._current,
                    private=job.id in self._private,
                    prompt=job.recipe.prompt,
                    model=job.recipe.model,
                )
            )
        return tuple(lines)

    async def allowance(self, member_id: int) -> AllowanceState:
        return await self._ledger.allowance(member_id)

    @property
    def worker(self) -> WorkerStatus:
        ready = self._supervisor.ready
        if ready is None:
            return WorkerStatus(state=self._supervisor.state)
        return WorkerStatus(
            state=self._supervisor.state,
            device=ready.device,
            device_name=ready.device_name,
            dtype=ready.dtype,
            reason=ready.reason,
        )

    # Delivering --------------------------------------------------------------------------------------------

    async def endings(self) -> AsyncIterator[str]:
        """Yield generations whose member has to be told: those left over from before the start, then each new end.

        Never ends by itself. There is one reader.
        """
        for generation_id in await self._ledger.undelivered():
            yield generation_id
        while True:
            yield await self._endings.get()

    async def waiting_deliveries(self) -> tuple[tuple[str, Address], ...]:
        return await self._ledger.waiting()

    async def set_waiting_message(self, generation_id: str, message_id: int) -> None:
        await self._ledger.set_waiting_message(generation_id, message_id)

    async def address(self, generation_id: str) -> Address | None:
        return await self._ledger.address(generation_id)

    async def delivered(self, generation_id: str, *, route: Route, message_id: int | None) -> None:
        await self._ledger.delivered(generation_id, route=route, message_id=message_id)

    # Drawing -----------------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Rebuild the queue from the records. Call it once, before anything else."""
        for member, seconds in (await self._ledger.served(seconds_ago=HALF_LIFE)).items():
            self._queue.add_served(member, seconds)
        await self._ledger.hand_back_all()
        await self._take_in_new()
        if self._feeds:
            log.info("%d jobs were waiting before the start and wait again", len(self._feeds))

    async def watch(self, *, interval: float = 1.0) -> None:
        """Take in, for ever, what another process asked for: `easel draw` beside a running bot."""
        while True:
            await asyncio.sleep(interval)
            await self._take_in_new()

    async def _take_in_new(self) -> None:
        for job, private in await self._ledger.unended():
            self._take_in(job, private=private)
        self._tell_places()

    async def run(self) -> None:
        """Draw what is queued, for ever. Cancelling it hands a running job back to the queue."""
        await self._warm_up()
        while True:
            job = await self._queue.take()
            self._current = job
            self._first_step_at = None
            self._feeds[job.id].set(Drawing(step=0, steps=0, remaining=None))
            self._tell_places()
            try:
                await self._draw(job)
            finally:
                self._current = None
                self._cancelling.discard(job.id)
                self._tell_places()

    async def _warm_up(self) -> None:
        """Have the worker and the default model ready before the first request; a failure shows again there."""
        try:
            await self._supervisor.load(self.catalogue[self.catalogue.default])
        except WorkerDied:
            log.exception("the worker did not start:\n%s", self._supervisor.last_words)

    async def _draw(self, job: Job) -> None:
        """Have one job drawn and record how it ended."""
        # 1. A model that left the catalogue since the job was accepted ends it.
        try:
            model = self.catalogue.find(job.recipe.model)
        except UnknownChoice:
            await self._fail(job, FailureKind.MODEL_UNAVAILABLE, f"{job.recipe.model} left the catalogue")
            return
        # 2. Without a worker there is no attempt to count.
        if not await self._worker_starts():
            await self._fail(job, FailureKind.WORKER_UNAVAILABLE, self._supervisor.last_words)
            return
        if job.id in self._cancelling:
            await self._end(job, End(state=JobState.CANCELLED, seconds=0.0))
            return
        # 3. The attempt is on disk before the order is sent, so that a job that kills everything cannot loop.
        try:
            attempts = await self._ledger.begin(job.id)
        except WrongState:
            await self._tell_end(job)
            return
        source = job.recipe.source
        order = Generate(
            job=job.id,
            recipe=job.recipe,
            model=model,
            folder=str(self._pictures.drawn),
            source_file=None if source is None else str(self._pictures.source_file(source)),
        )
        # 4. Drawn, failed, cancelled, or the worker is gone: then the job has one more try.
        try:
            report = await self._supervisor.draw(order, lambda report: self._tell_progress(job, report))
        except WorkerDied as died:
            if attempts >= ATTEMPTS:
                await self._fail(job, FailureKind.SET_ASIDE, f"{died}\n{self._supervisor.last_words}")
            else:
                await self._put_back(job, counted=True)
            return
        except asyncio.CancelledError:
            await asyncio.shield(self._put_back(job, counted=False))
            raise
        await self._record(job, report)

    async def _record(self, job: Job, report: Finished | Failed | Cancelled) -> None:
        """Write down how a job ended; what was drawn teaches what such a job costs."""
        match report:
            case Finished(recipe=recipe, seconds=seconds, pictures=pictures):
                rate = self._costs.learn(recipe, seconds, self.worker.device) if recipe.steps_run else None
                end = End(state=JobState.FINISHED, seconds=seconds, recipe=recipe, pictures=pictures)
                await self._end(job, end, rate=rate)
            case Failed(failure=failure, seconds=seconds):
                log.warning("job %s failed: %s: %s", job.id, failure.kind, failure.detail)
                await self._end(job, End(state=JobState.FAILED, seconds=seconds, failure=failure))
            case Cancelled(seconds=seconds):
                await self._end(job, End(state=JobState.CANCELLED, seconds=seconds))

    async def _worker_starts(self) -> bool:
        for attempt in range(STARTS):
            try:
                await self._supervisor.start()
            except WorkerDied:
                log.warning("the worker did not start:\n%s", self._supervisor.last_words)
                await asyncio.sleep(2**attempt)
            else:
                return True
        return False

    async def _put_back(self, job: Job, *, counted: bool) -> None:
        await self._ledger.hand_back(job.id, counted=counted)
        self._queue.add_served(job.member, -job.cost)
        self._queue.put(job)

    async def _fail(self, job: Job, kind: FailureKind, detail: str) -> None:
        log.warning("job %s failed: %s: %s", job.id, kind, detail)
        await self._end(job, End(state=JobState.FAILED, seconds=0.0, failure=Failure(kind=kind, detail=detail)))

    async def _end(self, job: Job, end: End, *, rate: tuple[str, Rate] | None = None) -> None:
        ended_here = await self._ledger.end(job, end, rate=rate)
        if job is self._current:
            self._queue.add_served(job.member, end.seconds - job.cost)
        await self._tell_end(job)
        if ended_here:
            self._endings.put_nowait(job.id)

    # Telling -----------------------------------------------------------------------------------------------

    def _take_in(self, job: Job, *, private: bool) -> None:
        if job.id in self._feeds:
            return
        self._feeds[job.id] = Feed(Waiting(place=1, expected=job.cost))
        if private:
            self._private.add(job.id)
        self._queue.put(job)

    async def _tell_end(self, job: Job) -> None:
        """Tell followers what is on record, which may be another process's doing."""
        end = await self._history.ending(job.id)
        self._private.discard(job.id)
        self._feeds.pop(job.id).set(end)

    def _tell_places(self) -> None:
        expected = self._remaining()
        for place, job in enumerate(self._queue.order(), start=1):
            expected += job.cost
            self._feeds[job.id].set(Waiting(place=place, expected=expected))

    def _tell_progress(self, job: Job, report: Loading | Progress) -> None:
        match report:
            case Loading():
                update = Drawing(step=0, steps=0, remaining=None, loading=True)
            case Progress(step=step, steps=steps):
                now = self._clock()
                if self._first_step_at is None:
                    self._first_step_at = now
                    remaining = None
                else:
                    remaining = (now - self._first_step_at) / max(1, step - 1) * (steps - step)
                update = Drawing(step=step, steps=steps, remaining=remaining)
        self._feeds[job.id].set(update)

    def _remaining(self) -> float:
        """Seconds until the job being drawn is done, as far as one can tell."""
        if self._current is None:
            return 0.0
        update = self._feeds[self._current.id].update
        known = update.remaining if isinstance(update, Drawing) else None
        return self._current.cost if known is None else known

    async def _source_size(self, request: Request) -> Size | None:
        if request.source is None:
            return None
        try:
            return await asyncio.to_thread(_size_of, self._pictures.source_file(request.source))
        except FileNotFoundError:
            raise NotFound("source", request.source) from None


def _size_of(file: Path) -> Size:
    with Image.open(file) as image:
        return Size(width=image.width, height=image.height)
