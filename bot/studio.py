"""The use cases around drawing: submit, follow, cancel, and the loop that feeds the worker. No Discord in it."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from random import Random, SystemRandom
from typing import TypeVar

from PIL import Image

from bot.board import Board, QueuedJob
from bot.content import ContentFilter, Showing
from bot.errors import NotAllowed, NotFound
from bot.history import History
from bot.ledger import AllowanceState, End, Ledger, Route
from bot.pictures import Pictures
from bot.place import OPERATOR_ID, Address, Viewer
from bot.preferences import Preferences
from bot.updates import Ended, Update
from db import DatabaseUnusable, WrongState
from generation import (
    HALF_LIFE,
    NO_STYLE,
    Adapters,
    BadPicture,
    Cancelled,
    Catalogue,
    CostModel,
    DrawnPicture,
    Failed,
    Failure,
    FailureKind,
    Family,
    Finished,
    Generate,
    Job,
    JobQueue,
    JobState,
    Mode,
    Model,
    ModelUnavailable,
    NotFetched,
    NotThisMode,
    PictureFault,
    Rate,
    Recipe,
    Request,
    Size,
    Styles,
    Supervisor,
    UnknownChoice,
    WorkerDied,
    WorkerState,
    can_draw,
    complete,
    find_model,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPTS = 2  # a job that took the worker down this often is set aside
STARTS = 3  # tries to have a worker before a job is told that there is none
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between tries while the records cannot be written
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
        preferences: Preferences,
        catalogue: Catalogue,
        styles: Styles,
        adapters: Adapters,
        costs: CostModel,
        queue: JobQueue,
        supervisor: Supervisor,
        content_filter: ContentFilter = ContentFilter.REFUSE,
        preview_every: float | None = None,
        clock: Callable[[], float] = time.time,
        chance: Random | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.styles = styles
        self.content_filter = content_filter
        self._preview_every = preview_every
        self._ledger = ledger
        self._history = history
        self._pictures = pictures
        self._preferences = preferences
        self._adapters = adapters
        self._costs = costs
        self._queue = queue
        self._supervisor = supervisor
        self._clock = clock
        self._chance = SystemRandom() if chance is None else chance
        self._board = Board(queue, clock=clock)
        self._endings: asyncio.Queue[str] = asyncio.Queue()
        self._accepting = asyncio.Lock()
        self._cancelling: set[str] = set()
        self._ended: set[str] = set()  # since the records were last read for new jobs

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

        Its holes are filled from the member's own defaults, and then from the model's. What is asked in a direct
        message, or descends from something private, is private.
        Raises InvalidRequest, QueueFull, AllowanceSpent or NotFound; then nothing was recorded or charged.
        """
        recipe = await self.recipe(request, viewer)
        if parent_id is not None:
            private = private or (await self._history.recall(parent_id, viewer)).private
        private = private or viewer.guild_id is None
        job = Job(
            id=new_id(),
            member=viewer.member_id,
            recipe=recipe,
            cost=self.cost(recipe),
            created_at=self._clock(),
        )
        async with self._accepting:  # or several at once would find the same last place free
            self._queue.check_room(viewer.member_id)
            left = await self._ledger.accept(
                job, viewer=viewer, address=address, private=private, parent_id=parent_id
            )
            self._take_in(job, private=private)
            self._board.tell_places()
        line = next(line for line in self._board.lines() if line.generation_id == job.id)
        return Accepted(
            generation_id=job.id,
            recipe=recipe,
            place=max(1, line.place),
            expected=line.expected,
            cost=job.cost,
            left=left,
        )

    async def submit_sheet(
        self, sheet_id: str, recipes: Sequence[Recipe], *, viewer: Viewer, address: Address, private: bool
    ) -> None:
        """Accept the cells of a sheet, all of them or none, in the order in which they will be drawn.

        It is one request: of the queue it needs the room of one job. Raises QueueFull, AllowanceSpent, or
        NotAllowed where it was accepted before.
        """
        at = self._clock()
        ids = sorted(new_id() for _ in recipes)  # the queue takes a member's jobs of one moment in this order
        jobs = [
            Job(id=job_id, member=viewer.member_id, recipe=recipe, cost=self.cost(recipe), created_at=at)
            for job_id, recipe in zip(ids, recipes, strict=True)
        ]
        async with self._accepting:
            self._queue.check_room(viewer.member_id)
            if not await self._ledger.accept_sheet(
                sheet_id, jobs, viewer=viewer, address=address, private=private
            ):
                raise NotAllowed("sheet_again")
            for job in jobs:
                self._take_in(job, private=private)
            self._board.tell_places()

    async def recipe(self, request: Request, viewer: Viewer) -> Recipe:
        """What a request of the viewer means: its holes are filled from their own defaults, then the model's.

        Raises InvalidRequest or NotFound.
        """
        if request.mode is Mode.UPSCALE and request.model is None:
            # Which model makes a picture larger is nobody's matter of taste, and a filter takes no style.
            model = await self.model_for(Mode.UPSCALE)
            style = NO_STYLE if request.style is None else request.style
            count = 1 if request.count is None else request.count
            request = replace(request, model=model, style=style, count=count)
        defaults = await self._preferences.of(viewer)
        request = defaults.filled(request, catalogue=self.catalogue, styles=self.styles)
        recipe = await self._complete(request, viewer)
        await asyncio.to_thread(self._adapters.of, recipe)
        return recipe

    async def _complete(self, request: Request, viewer: Viewer) -> Recipe:
        """The recipe of a request whose source and mask are here. Raises InvalidRequest or NotFound."""
        model = self.catalogue.find(request.model)
        # Gigabytes are the operator's to fetch, and nobody else's.
        own = model.name == self.catalogue.default or viewer.member_id == OPERATOR_ID
        if not own and await asyncio.to_thread(find_model, model) is None:
            raise NotFetched(model.name)
        source_size = await self._size_of(request.source)
        mask_size = await self._size_of(request.mask)
        if source_size is not None and mask_size is not None and not source_size.has_shape_of(mask_size):
            raise BadPicture(
                PictureFault.OTHER_SHAPE, name="The mask", value=str(mask_size), limit=str(source_size)
            )
        try:
            return complete(
                request,
                model=model,
                source_size=source_size,
                chance=self._chance,
                styles=self.styles,
                controls=self._adapters.controls,
            )
        except NotThisMode as error:
            others = await asyncio.to_thread(self._able, Mode(str(error.value)))
            raise NotThisMode(str(error.value), model=error.model, others=others, control=error.control) from None

    async def model_for(self, mode: Mode, *, rather: str | None = None) -> str | None:
        """A model on this machine that is made for `mode`: `rather`, the default one, or any; None for none.

        Of two that upscale, the one that adds detail.
        """
        able = await asyncio.to_thread(self._able, mode)
        wanted = (rather, self.catalogue.default, *able)
        return next((name for name in wanted if name in able), None)

    def models_here(self) -> tuple[Model, ...]:
        """The models that members can draw with: the default one, and the others that are on this machine."""
        first = self.catalogue.find(None)
        others = (model for model in self.catalogue.values() if model is not first)
        return (first, *(model for model in others if find_model(model) is not None))

    def kept_model(self, recipe: Recipe, mode: Mode | None) -> str | None:
        """The model of `recipe` for what is made of its picture in `mode`; None where it cannot, or is gone."""
        model = self.catalogue.get(recipe.model)
        able = model is not None and can_draw(model, Mode.IMAGE_TO_IMAGE if mode is None else mode)
        return recipe.model if able else None

    def controlled_modes(self) -> frozenset[Mode]:
        """The ways of drawing for which a ControlNet is on this machine."""
        return frozenset(control.mode for control in self._adapters.controls.installed())

    def _able(self, mode: Mode) -> tuple[str, ...]:
        """Models made for `mode`: those on this machine, plain filters last; if there are none, all of them."""
        controls = self._adapters.controls
        made = [
            model
            for model in self.catalogue.values()
            if (can_draw(model, mode) and not mode.controlled) or controls.choose(mode, model) is not None
        ]
        made.sort(key=lambda model: model.family is Family.LANCZOS)
        here = [model.name for model in made if find_model(model) is not None]
        return tuple(here or [model.name for model in made])

    async def cancel(self, generation_id: str, viewer: Viewer) -> bool:
        """Stop a job; False if it had ended already. Raises NotFound or NotAllowed."""
        generation = await self._history.recall(generation_id, viewer)
        if not generation.may_be_managed_by(viewer):
            raise NotAllowed("cancel")
        current = self._board.current
        if current is not None and current.id == generation_id:
            self._cancelling.add(generation_id)
            await self._supervisor.cancel(generation_id)
            return True
        waiting = next((job for job in self._queue.order() if job.id == generation_id), None)
        if waiting is None:
            return False
        self._queue.discard(generation_id)
        try:
            await self._end(waiting, End(state=JobState.CANCELLED, seconds=0.0))
        except BaseException:
            self._queue.put(waiting)  # nothing was recorded, so it waits on
            raise
        self._board.tell_places()
        return True

    async def follow(self, generation_id: str) -> AsyncIterator[Update]:
        """Yield the newest state of a job whenever it changes, the last one being Ended. Raises NotFound."""
        feed = self._board.feed(generation_id)
        if feed is None:
            yield await self._history.ending(generation_id)
            return
        async for update in feed.follow():
            yield update

    def queue(self) -> tuple[QueuedJob, ...]:
        """The job being drawn and those that wait, in the order in which they will be drawn."""
        return self._board.lines()

    def cost(self, recipe: Recipe) -> float:
        """The seconds of compute that `recipe` is expected to take. Raises UnknownChoice."""
        return self._costs.predict(recipe, self.catalogue.find(recipe.model), self.worker.device)

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
        for generation_id in await self.undelivered():
            yield generation_id
        while True:
            yield await self._endings.get()

    async def undelivered(self) -> tuple[str, ...]:
        """Generations that ended and whose member was not told yet, oldest first."""
        return tuple(await self._ledger.undelivered())

    async def waiting_deliveries(self) -> tuple[tuple[str, Address], ...]:
        return await self._ledger.waiting()

    async def set_waiting_message(self, generation_id: str, message_id: int) -> None:
        await self._ledger.set_waiting_message(generation_id, message_id)

    async def address(self, generation_id: str) -> Address | None:
        return await self._ledger.address(generation_id)

    async def delivered(self, generation_id: str, *, route: Route, message_id: int | None) -> None:
        await self._ledger.delivered(generation_id, route=route, message_id=message_id)

    async def has_address(self, generation_id: str) -> bool:
        """Whether a generation was to be delivered, be it that it has been by now."""
        return await self._ledger.has_address(generation_id)

    async def hand_out(self, generation_id: str, *, viewer: Viewer, address: Address) -> bool:
        """Have a generation that was drawn for no address of its own delivered to one; False if it has one."""
        if not await self._ledger.hand_out(generation_id, viewer=viewer, address=address):
            return False
        self._endings.put_nowait(generation_id)
        return True

    # Drawing -----------------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Rebuild the queue from the records. Call it once, before anything else."""
        for member, seconds in (await self._ledger.served(seconds_ago=HALF_LIFE)).items():
            self._queue.add_served(member, seconds)
        await self._ledger.hand_back_all()
        await self._take_in_new()
        if len(self._board):
            log.info("%d jobs were waiting before the start and wait again", len(self._board))

    async def watch(self, *, interval: float = 1.0) -> None:
        """Take in, for ever, what another process asked for: `easel draw` beside a running bot."""
        while True:
            await asyncio.sleep(interval)
            await _insist(self._take_in_new)

    async def _take_in_new(self) -> None:
        self._ended.clear()
        for job, private in await self._ledger.unended():
            if job.id not in self._ended:  # one that ended while the records were read has not ended by them
                self._take_in(job, private=private)
        self._board.tell_places()

    async def run(self) -> None:
        """Draw what is queued, for ever. Cancelling it hands a running job back to the queue."""
        await self._warm_up()
        while True:
            job = await self._queue.take()
            self._board.begin(job)
            try:
                await self._draw(job)
            finally:
                self._cancelling.discard(job.id)
                self._board.leave()

    async def _warm_up(self) -> None:
        """Have the worker and the default model ready before the first request; a failure shows again there."""
        try:
            await self._supervisor.load(self.catalogue[self.catalogue.default])
        except WorkerDied:
            log.exception("the worker did not start:\n%s", self._supervisor.last_words)

    async def _draw(self, job: Job) -> None:
        """Have one job drawn and record how it ended."""
        # 1. A model, LoRA or embedding that is gone since the job was accepted ends it.
        try:
            model = self.catalogue.find(job.recipe.model)
            adapters = await asyncio.to_thread(self._adapters.of, job.recipe)
        except (UnknownChoice, ModelUnavailable) as gone:
            await self._fail(job, FailureKind.MODEL_UNAVAILABLE, f"no longer there: {gone}")
            return
        # 2. Without a worker there is no attempt to count.
        if not await self._worker_starts():
            await self._fail(job, FailureKind.WORKER_UNAVAILABLE, self._supervisor.last_words)
            return
        # 3. The attempt is on disk before the order is sent, so that a job that kills everything cannot loop.
        try:
            attempts = await _insist(lambda: self._ledger.begin(job.id))
        except WrongState:
            await _insist(lambda: self._tell_end(job))
            return
        if attempts > ATTEMPTS:
            await self._fail(job, FailureKind.SET_ASIDE, f"it was being drawn {ATTEMPTS} times when Easel ended")
            return
        if job.id in self._cancelling:
            await self._record_end(job, End(state=JobState.CANCELLED, seconds=0.0))
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
        )
        # 4. Drawn, failed, cancelled, or the worker is gone: then the job has one more try.
        try:
            report = await self._supervisor.draw(order, lambda report: self._board.tell_progress(job, report))
        except WorkerDied as died:
            if attempts >= ATTEMPTS:
                await self._fail(job, FailureKind.SET_ASIDE, f"{died}\n{self._supervisor.last_words}")
            else:
                await self._put_back(job)
            return
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(job))
            raise
        await self._record(job, report)

    async def _previews(self, job: Job) -> float | None:
        """How often the worker is to show how far a job is: never where no message waits for it."""
        if self._preview_every is None:
            return None
        return None if await _insist(lambda: self._ledger.address(job.id)) is None else self._preview_every

    async def _record(self, job: Job, report: Finished | Failed | Cancelled) -> None:
        """Write down how a job ended; what was drawn teaches what such a job costs."""
        match report:
            case Finished(recipe=recipe, seconds=seconds, pictures=pictures):
                model, device = self.catalogue.find(recipe.model), self.worker.device
                rate = self._costs.learn(recipe, model, seconds, device) if recipe.steps_run else None
                kept = await self._kept(job, pictures)
                end = End(state=JobState.FINISHED, seconds=seconds, recipe=recipe, pictures=kept)
                if not kept:
                    detail = f"{recipe.model}'s content filter flagged it"
                    failure = Failure(kind=FailureKind.FLAGGED, detail=detail)
                    end = End(state=JobState.FAILED, seconds=seconds, failure=failure)
                await self._record_end(job, end, rate=rate)
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
        generation = await _insist(lambda: self._history.any(job.id))
        showing = Showing.of_flagged(self.content_filter, age_restricted=generation.age_restricted)
        if showing is not Showing.WITHHELD:
            return pictures
        log.info("the content filter holds back %d of %d pictures of %s", len(flagged), len(pictures), job.id)
        await asyncio.to_thread(self._pictures.remove, flagged)
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
                await self._end(job, End(state=JobState.CANCELLED, seconds=0.0))
            else:
                await self._ledger.hand_back(job.id, counted=False)
        except DatabaseUnusable as error:
            log.warning("job %s stays as it is on record until the next start: %s", job.id, error)

    async def _put_back(self, job: Job) -> None:
        """Give a job whose worker died another try."""
        await _insist(lambda: self._ledger.hand_back(job.id, counted=True))
        self._queue.add_served(job.member, -job.cost)
        self._queue.put(job)

    async def _fail(self, job: Job, kind: FailureKind, detail: str) -> None:
        log.warning("job %s failed: %s: %s", job.id, kind, detail)
        end = End(state=JobState.FAILED, seconds=0.0, failure=Failure(kind=kind, detail=detail))
        await self._record_end(job, end)

    async def _record_end(self, job: Job, end: End, *, rate: tuple[str, Rate] | None = None) -> None:
        """As `_end`, however long it takes: what was drawn is not given up to a full or a busy disk."""
        await _insist(lambda: self._end(job, end, rate=rate))

    async def _end(self, job: Job, end: End, *, rate: tuple[str, Rate] | None = None) -> None:
        if not await self._ledger.end(job, end, rate=rate):
            await self._tell_end(job)
            return
        if job is self._board.current:
            self._queue.add_served(job.member, end.seconds - job.cost)
        self._take_down(job, Ended(state=end.state, failure=end.failure))
        self._endings.put_nowait(job.id)

    def _take_in(self, job: Job, *, private: bool) -> None:
        if job.id not in self._board:
            self._board.put_up(job, private=private)
            self._queue.put(job)

    async def _tell_end(self, job: Job) -> None:
        """Tell followers of an end that another process recorded; what was deleted since is cancelled to them."""
        try:
            end = await self._history.ending(job.id)
        except NotFound:
            end = Ended(state=JobState.CANCELLED, failure=None)
        self._take_down(job, end)

    def _take_down(self, job: Job, end: Ended) -> None:
        self._ended.add(job.id)
        self._board.take_down(job.id).set(end)

    async def _size_of(self, sha256: str | None) -> Size | None:
        """The size of a stored source image or mask, None for none. Raises NotFound where it is gone."""
        if sha256 is None:
            return None
        try:
            return await asyncio.to_thread(_size_of, self._pictures.source_file(sha256))
        except FileNotFoundError:
            raise NotFound("source", sha256) from None


def new_id() -> str:
    """An id for a record that members may see: short, and not to be guessed."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))


async def _insist(write: Callable[[], Awaitable[T]]) -> T:
    """Await `write()`, again after a pause as long as the records cannot be written."""
    for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
        try:
            return await write()
        except DatabaseUnusable as error:
            log.warning("the records cannot be written, trying again in %.0f s: %s", pause, error)
            await asyncio.sleep(pause)
    raise AssertionError("the pauses never end")


def _size_of(file: Path) -> Size:
    with Image.open(file) as image:
        return Size(width=image.width, height=image.height)
