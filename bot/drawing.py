"""The loop that feeds the worker: one job after the other is drawn, and how it ended is recorded.

Whose turn it is may also have a picture to be put into words.
"""

import asyncio
import logging
from collections.abc import Mapping

from bot.board import Board
from bot.content import ContentFilter, Showing
from bot.describing import Describing
from bot.endings import ATTEMPTS, Endings, insist
from bot.history import History
from bot.ledger import End, Ledger
from bot.pictures import Pictures
from bot.recipes import Recipes
from db import DatabaseUnusable, WrongState
from generation import (
    Cancelled,
    CostModel,
    DrawnPicture,
    Failed,
    Failure,
    FailureKind,
    Finished,
    Generate,
    Job,
    JobQueue,
    JobState,
    Look,
    ModelUnavailable,
    RanOut,
    Rate,
    Supervisor,
    UnknownChoice,
    WorkerDied,
)

log = logging.getLogger(__name__)

STARTS = 3  # tries to have a worker before a job is told that there is none


class DrawingLoop:
    """Takes jobs out of the queue and has each drawn, so that it ends exactly once whatever happens."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        history: History,
        pictures: Pictures,
        recipes: Recipes,
        costs: CostModel,
        queue: JobQueue,
        board: Board,
        endings: Endings,
        describing: Describing,
        supervisor: Supervisor,
        content_filter: ContentFilter,
        preview_every: float | None,
    ) -> None:
        self._ledger = ledger
        self._history = history
        self._pictures = pictures
        self._recipes = recipes
        self._costs = costs
        self._queue = queue
        self._board = board
        self._endings = endings
        self._describing = describing
        self._supervisor = supervisor
        self._content_filter = content_filter
        self._preview_every = preview_every
        self._cancelling: set[str] = set()
        self._reported: str | None = None  # the job whose end is known, and is being recorded

    async def cancel(self, job_id: str) -> bool:
        """Stop a job if it is the one that is being drawn; False if it is not, or not any more."""
        if self._board.current is None or self._board.current.id != job_id or self._reported == job_id:
            return False
        self._cancelling.add(job_id)
        await self._supervisor.cancel(job_id)
        return True

    async def run(self) -> None:
        """Draw what is queued, for ever. Cancelling it hands a running job back to the queue."""
        await self._warm_up()
        while True:
            await self._serve(await self._queue.take())

    async def _serve(self, turn: Job | Look) -> None:
        if isinstance(turn, Look):
            await self._describing.carry_out(turn, there_is_a_worker=await self._worker_starts())
            self._board.tell_places()
            return
        self._board.begin(turn)
        try:
            await self._draw(turn)
        except asyncio.CancelledError:
            # Wherever it stands: that Easel was ended is no attempt of the job's.
            await asyncio.shield(self._leave(turn))
            raise
        finally:
            self._cancelling.discard(turn.id)
            self._reported = None
            self._board.leave()

    async def _warm_up(self) -> None:
        """Have the worker and the default model ready before the first request; a failure shows again there."""
        model = self._recipes.catalogue[self._recipes.catalogue.default]
        known = await insist(lambda: self._ledger.shortages(model.name))
        ran_out: list[RanOut] = []
        try:
            await self._supervisor.load(model, ran_out=known, on_ran_out=ran_out.append)
        except WorkerDied:
            log.exception("the worker did not start:\n%s", self._supervisor.last_words)
        await insist(lambda: self._ledger.note_shortages(ran_out))

    async def _draw(self, job: Job) -> None:
        """Have one job drawn and record how it ended."""
        # 1. A model, LoRA or embedding that is gone since the job was accepted ends it.
        try:
            model = self._recipes.catalogue.find(job.recipe.model)
            adapters = await asyncio.to_thread(self._recipes.adapters.of, job.recipe)
        except (UnknownChoice, ModelUnavailable) as gone:
            await self._fail(job, FailureKind.MODEL_UNAVAILABLE, f"no longer there: {gone}")
            return
        # 2. Without a worker there is no attempt to count.
        if not await self._worker_starts():
            await self._fail(job, FailureKind.WORKER_UNAVAILABLE, self._supervisor.last_words)
            return
        # 3. The attempt is on disk before the order is sent, so that a job that kills everything cannot loop.
        try:
            attempts = await insist(lambda: self._ledger.begin(job.id))
        except WrongState:
            await insist(lambda: self._endings.tell(job))
            return
        if attempts > ATTEMPTS:
            await self._fail(job, FailureKind.SET_ASIDE, f"it was being drawn {ATTEMPTS} times when Easel ended")
            return
        source, mask = job.recipe.source, job.recipe.mask
        order = Generate(
            job=job.id,
            recipe=job.recipe,
            model=model,
            folder=str(self._pictures.drawn),
            source_file=None if source is None else str(self._pictures.source_file(source)),
            mask_file=None if mask is None else str(self._pictures.source_file(mask)),
            adapters=adapters,
            preview_every=await self._previews(job),
            ran_out=await insist(lambda: self._ledger.shortages(model.name)),
        )
        # 4. From here on the supervisor is told of a cancellation; none may come between.
        if job.id in self._cancelling:
            await self._record_end(job, End(state=JobState.CANCELLED, seconds=0.0))
            return
        # 5. Drawn, failed, cancelled, or the worker is gone: then the job has one more try. For what memory ran
        #    out is written down first, so that this try, or whoever's is next, is not in vain.
        ran_out: list[RanOut] = []
        try:
            report = await self._supervisor.draw(
                order, lambda report: self._board.tell_progress(job, report), on_ran_out=ran_out.append
            )
        except WorkerDied as died:
            await insist(lambda: self._ledger.note_shortages(ran_out))
            if attempts >= ATTEMPTS:
                await self._fail(job, FailureKind.SET_ASIDE, f"{died}\n{self._supervisor.last_words}")
            else:
                await self._put_back(job)
            return
        self._reported = job.id
        await insist(lambda: self._ledger.note_shortages(ran_out))
        await self._record(job, report)

    async def _previews(self, job: Job) -> float | None:
        """How often the worker is to show how far a job is: never where no message waits for it."""
        if self._preview_every is None:
            return None
        return None if await insist(lambda: self._ledger.address(job.id)) is None else self._preview_every

    async def _record(self, job: Job, report: Finished | Failed | Cancelled) -> None:
        """Write down how a job ended; what was drawn teaches what such a job costs."""
        match report:
            case Finished(recipe=recipe, seconds=seconds, pictures=pictures):
                model, ready = self._recipes.catalogue.find(recipe.model), self._supervisor.ready
                device = "" if ready is None else ready.device
                learned = self._costs.learn(recipe, model, seconds, device) if recipe.steps_run else None
                kept = await self._kept(job, pictures)
                end = End(state=JobState.FINISHED, seconds=seconds, recipe=recipe, pictures=kept)
                if not kept:
                    detail = f"{recipe.model}'s content filter flagged it"
                    failure = Failure(kind=FailureKind.FLAGGED, detail=detail)
                    end = End(state=JobState.FAILED, seconds=seconds, failure=failure)
                await self._record_end(job, end, learned=learned)
            case Failed(failure=failure, seconds=seconds):
                log.warning("job %s failed: %s: %s", job.id, failure.kind, failure.detail)
                await self._record_end(job, End(state=JobState.FAILED, seconds=seconds, failure=failure))
            case Cancelled(seconds=seconds):
                await self._record_end(job, End(state=JobState.CANCELLED, seconds=seconds))

    async def _kept(self, job: Job, pictures: tuple[DrawnPicture, ...]) -> tuple[DrawnPicture, ...]:
        """Those of the pictures that may be shown where they were asked for; the other files are removed."""
        flagged = [picture.path for picture in pictures if picture.flagged]
        if not flagged:
            return pictures
        generation = await insist(lambda: self._history.any(job.id))
        display = self._recipes.servers.display(self._content_filter, generation.guild_id)
        showing = display.of_flagged(age_restricted=generation.age_restricted)
        if showing is not Showing.WITHHELD:
            return pictures
        log.info("the content filter holds back %d of %d pictures of %s", len(flagged), len(pictures), job.id)
        try:
            await asyncio.to_thread(self._pictures.remove, flagged)
        except OSError as error:
            log.warning("pictures that nobody is shown stay in their files: %s", error)
        return tuple(picture for picture in pictures if not picture.flagged)

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

    async def _leave(self, job: Job) -> None:
        """Let go of the job that is being drawn, since Easel ends: it waits for the next start if it is wanted."""
        try:
            if job.id in self._cancelling:
                await self._endings.end(job, End(state=JobState.CANCELLED, seconds=0.0))
            else:
                await self._ledger.hand_back(job.id, counted=False)
        except DatabaseUnusable as error:
            log.warning("job %s stays as it is on record until the next start: %s", job.id, error)

    async def _put_back(self, job: Job) -> None:
        """Give a job whose worker died another try, if it is still wanted."""
        await insist(lambda: self._ledger.hand_back(job.id, counted=True))
        if job.id in self._cancelling:
            await self._record_end(job, End(state=JobState.CANCELLED, seconds=0.0))
            return
        self._queue.add_served(job.member, -job.cost)
        self._queue.put(job)

    async def _fail(self, job: Job, kind: FailureKind, detail: str) -> None:
        log.warning("job %s failed: %s: %s", job.id, kind, detail)
        end = End(state=JobState.FAILED, seconds=0.0, failure=Failure(kind=kind, detail=detail))
        await self._record_end(job, end)

    async def _record_end(self, job: Job, end: End, *, learned: Mapping[str, Rate] | None = None) -> None:
        """Record an end however long it takes: what was drawn is not given up to a full or a busy disk."""
        await insist(lambda: self._endings.end(job, end, learned=learned))
