"""The use cases around drawing: submit, follow, cancel, deliver. No Discord in it."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.accounts import AllowanceState
from bot.board import Board, QueuedJob
from bot.content import ContentFilter, Display
from bot.describing import Describing, Description
from bot.drawing import DrawingLoop
from bot.endings import Endings, insist
from bot.errors import NotAllowed, NotFound, Unseen
from bot.history import History
from bot.ledger import End, Ledger, Route
from bot.pictures import Pictures
from bot.place import Address, Viewer
from bot.recipes import Recipes
from bot.servers import Deed, Servers
from bot.updates import Update
from generation import (
    HALF_LIFE,
    Allowance,
    Catalogue,
    CostModel,
    Estimate,
    Job,
    JobQueue,
    JobState,
    Recipe,
    Request,
    Styles,
    Supervisor,
    UnknownChoice,
    WorkerState,
)

log = logging.getLogger(__name__)

_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else
_ID_LENGTH = 10  # 49 bits: not to be guessed


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A job that will be answered: its `place` (1 is next), and the time `expected` until it is there."""

    generation_id: str
    recipe: Recipe
    place: int
    expected: Estimate
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
        recipes: Recipes,
        ledger: Ledger,
        history: History,
        pictures: Pictures,
        costs: CostModel,
        queue: JobQueue,
        supervisor: Supervisor,
        content_filter: ContentFilter = ContentFilter.REFUSE,
        preview_every: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.recipes = recipes
        self.content_filter = content_filter
        self._ledger = ledger
        self._history = history
        self._costs = costs
        self._queue = queue
        self._supervisor = supervisor
        self._clock = clock
        self._pictures = pictures
        self._board = Board(queue, estimate=self._estimate)
        self._endings = Endings(ledger=ledger, history=history, queue=queue, board=self._board)
        self._accepting = asyncio.Lock()
        self._describing = Describing(
            ledger=ledger,
            pictures=pictures,
            queue=queue,
            supervisor=supervisor,
            controls=recipes.adapters.controls,
            accepting=self._accepting,
            announce=self._endings.announce,
            clock=clock,
        )
        self._drawing = DrawingLoop(
            ledger=ledger,
            history=history,
            pictures=pictures,
            recipes=recipes,
            costs=costs,
            queue=queue,
            board=self._board,
            endings=self._endings,
            describing=self._describing,
            supervisor=supervisor,
            content_filter=content_filter,
            preview_every=preview_every,
        )

    @property
    def catalogue(self) -> Catalogue:
        return self.recipes.catalogue

    @property
    def styles(self) -> Styles:
        return self.recipes.styles

    @property
    def servers(self) -> Servers:
        return self.recipes.servers

    def display(self, guild_id: int | None) -> Display:
        """How pictures that were asked for in a server are shown."""
        return self.servers.display(self.content_filter, guild_id)

    # Asking ------------------------------------------------------------------------------------------------

    async def submit(
        self,
        request: Request,
        *,
        viewer: Viewer,
        address: Address | None,
        private: bool = False,
        parent_id: str | None = None,
        notes_on: Callable[[Recipe], Awaitable[Sequence[str]]] | None = None,
    ) -> Accepted:
        """Accept a request: from the return on it will be drawn and answered.

        `notes_on` says what is to be told with the result of the recipe that came of it.
        Its holes are filled from the member's own defaults, and then from the model's. What is asked in a direct
        message, or descends from something private, is private.
        Raises InvalidRequest, QueueFull, AllowanceSpent, NotFound, or what the server's Rules raise; then nothing
        was recorded or charged.
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
        notes = () if notes_on is None else await notes_on(recipe)
        async with self._accepting:  # or several at once would find the same last place free
            self.servers.admit(viewer).check(recipe)  # what was set since it was read holds for it
            self._queue.check_room(viewer.member_id)
            left = await self._ledger.accept(
                job,
                viewer=viewer,
                address=address,
                private=private,
                parent_id=parent_id,
                allowance=self._terms(viewer),
                notes=notes,
                make_sure=lambda: self._pictures.make_sure(recipe.stored),
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

    async def recipe(self, request: Request, viewer: Viewer) -> Recipe:
        """What a request means, if it may be drawn where the viewer is. Raises as `submit` does."""
        rules = self.servers.admit(viewer)
        recipe = await self.recipes.of(request, viewer)
        rules.check(recipe)
        return recipe

    async def submit_sheet(
        self, sheet_id: str, recipes: Sequence[Recipe], *, viewer: Viewer, address: Address, private: bool
    ) -> None:
        """Accept the cells of a sheet, all of them or none, in the order in which they will be drawn.

        It is one request: of the queue it needs the room of one job. Raises QueueFull, AllowanceSpent, NotAllowed
        where it was accepted before, or what the server's Rules raise by now.
        """
        at = self._clock()
        ids = sorted(new_id() for _ in recipes)  # the queue takes a member's jobs of one moment in this order
        jobs = [
            Job(id=job_id, member=viewer.member_id, recipe=recipe, cost=self.cost(recipe), created_at=at)
            for job_id, recipe in zip(ids, recipes, strict=True)
        ]
        async with self._accepting:
            rules = self.servers.admit(viewer)
            for recipe in recipes:
                rules.check(recipe)
            self._queue.check_room(viewer.member_id)
            if not await self._ledger.accept_sheet(
                sheet_id, jobs, viewer=viewer, address=address, private=private, allowance=self._terms(viewer)
            ):
                raise NotAllowed("sheet_again")
            for job in jobs:
                self._take_in(job, private=private)
            self._board.tell_places()

    async def describe(self, png: bytes, *, viewer: Viewer, address: Address, private: bool) -> None:
        """Accept a checked picture to be put into words: from the return on it will be answered.

        Raises NotDescribed, QueueFull, AllowanceSpent, or as Rules do; then nothing was recorded.
        """
        self.servers.admit(viewer)
        await self._describing.accept(
            png,
            viewer=viewer,
            address=address,
            private=private,
            allowance=self._terms(viewer),
            admit=lambda: self.servers.admit(viewer),
        )

    async def description(self, look_id: str) -> Description:
        """What came of a picture that was to be put into words, until it is handed over. Raises NotFound."""
        return await self._describing.find(look_id)

    async def withdraw_looks(self, member_id: int) -> None:
        """Answer whatever of a member's waits to be put into words without looking at it."""
        await self._describing.withdraw(member_id, reason=Unseen.WITHDRAWN)

    async def cancel(self, generation_id: str, viewer: Viewer) -> bool:
        """Stop a job; False if it had ended already. Raises NotFound or NotAllowed."""
        generation = await self._history.recall(generation_id, viewer)
        if not generation.may_be_managed_by(viewer):
            raise NotAllowed("cancel")
        stopped = await self._stop(generation_id)
        if stopped and viewer.member_id != generation.member_id and viewer.guild_id is not None:
            owner = generation.member_id
            await self.servers.note(viewer.guild_id, Deed.CANCEL, actor_id=viewer.member_id, subject_id=owner)
        return stopped

    async def _stop(self, generation_id: str) -> bool:
        if await self._drawing.cancel(generation_id):
            return True
        waiting = next((job for job in self._queue.jobs() if job.id == generation_id), None)
        if waiting is None:
            return False
        self._queue.discard(generation_id)
        try:
            await self._endings.end(waiting, End(state=JobState.CANCELLED, seconds=0.0))
        except BaseException:
            self._queue.put(waiting)  # nothing was recorded, so it waits on
            raise
        self._board.tell_places()
        return True

    async def block(self, moderator: Viewer, member_id: int, reason: str | None) -> int:
        """Let a member draw no more in the moderator's server; returns how many of their jobs it stopped."""
        if moderator.guild_id is None:
            raise ValueError("a block is for a server")
        async with self._accepting:  # what is accepted is in the queue, and what comes after it meets the block
            await self.servers.block(moderator, member_id, reason)
        stopped = 0
        for generation_id in reversed(await self.servers.unended(moderator.guild_id, member_id)):
            with suppress(NotFound):
                stopped += await self.cancel(generation_id, Viewer(member_id=member_id))
        await self._describing.withdraw(member_id, reason=Unseen.BLOCKED, guild_id=moderator.guild_id)
        return stopped

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
        """The seconds of compute that `recipe` is charged for at first. Raises UnknownChoice."""
        return self.expected(recipe).likely

    def expected(self, recipe: Recipe) -> Estimate:
        """How long `recipe` takes to draw, as far as one can tell. Raises UnknownChoice."""
        return self._costs.predict(recipe, self.catalogue.find(recipe.model), self.worker.device)

    def _estimate(self, job: Job) -> Estimate:
        try:
            return self.expected(job.recipe)
        except UnknownChoice:  # its model is gone, and it will be told so
            return Estimate.sure(0.0)

    async def allowance(self, viewer: Viewer) -> AllowanceState:
        """What the viewer may spend where they are."""
        return await self._ledger.allowance(viewer.member_id, self._terms(viewer))

    async def check_allowance(self, viewer: Viewer, cost: float) -> None:
        """Raises AllowanceSpent where `cost` seconds of compute would not be granted now; nothing is charged."""
        await self._ledger.check_allowance(viewer.member_id, cost, self._terms(viewer))

    @property
    def usual_allowance(self) -> Allowance:
        """What everybody may spend where no server has it otherwise."""
        return self._ledger.usual

    def _terms(self, viewer: Viewer) -> Allowance:
        return self.servers.over(viewer).allowance(viewer, self._ledger.usual)

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
        """Yield whatever has ended and its member has to be told of, what did so before the start first.

        Never ends by itself. There is one reader.
        """
        for key in await self.undelivered():
            yield key
        async for key in self._endings.news():
            yield key

    def announce(self, key: str) -> None:
        """Have the member told of something that ended."""
        self._endings.announce(key)

    async def undelivered(self) -> tuple[str, ...]:
        """What ended and its member was not told of yet, the first to end first: generations, sheets, looks."""
        return tuple(await self._ledger.undelivered())

    async def waiting_deliveries(self) -> tuple[tuple[str, Address], ...]:
        return await self._ledger.waiting()

    async def set_waiting_message(self, generation_id: str, message_id: int) -> None:
        await self._ledger.set_waiting_message(generation_id, message_id)

    async def address(self, generation_id: str) -> Address | None:
        return await self._ledger.address(generation_id)

    async def notes(self, generation_id: str) -> tuple[str, ...]:
        """What is to be told with a result."""
        return await self._ledger.notes(generation_id)

    async def delivered(self, key: str, *, route: Route, message_id: int | None) -> bool:
        """Record that and how something was handed over; False where it was deleted meanwhile."""
        return await self._ledger.delivered(key, route=route, message_id=message_id)

    async def unseen(self, member_id: int) -> tuple[list[str], list[str]]:
        """What of a member's waits in `/history` and they know nothing of: with pictures, and without."""
        return await self._ledger.unseen(member_id)

    async def note_unseen(self, keys: Sequence[str]) -> None:
        """Remember that a member was told of these."""
        await self._ledger.note_unseen(keys)

    async def has_address(self, generation_id: str) -> bool:
        """Whether a generation was to be delivered, be it that it has been by now."""
        return await self._ledger.has_address(generation_id)

    async def hand_out(self, generation_id: str, *, viewer: Viewer, address: Address) -> bool:
        """Have a generation that was drawn for no address of its own delivered to one; False if it has one."""
        if not await self._ledger.hand_out(generation_id, viewer=viewer, address=address):
            return False
        self._endings.announce(generation_id)
        return True

    # Drawing -----------------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Rebuild the queue from the records. Call it once, before anything else."""
        for member, seconds in (await self._ledger.served(seconds_ago=HALF_LIFE)).items():
            self._queue.add_served(member, seconds)
        await self._ledger.set_back_clock()
        await self._ledger.hand_back_all()
        await self._take_in_new()
        await self._describing.restore()
        if len(self._board):
            log.info("%d jobs were waiting before the start and wait again", len(self._board))

    async def watch(self, *, interval: float = 1.0) -> None:
        """Take in, for ever, what another process asked for: `easel draw` beside a running bot."""
        while True:
            await asyncio.sleep(interval)
            await insist(self._take_in_new)

    async def _take_in_new(self) -> None:
        self._endings.begin_reading()
        for job, private in await self._ledger.unended():
            if job.id not in self._endings:  # one that ended while the records were read has not ended by them
                self._take_in(job, private=private)
        self._board.tell_places()

    async def run(self) -> None:
        """Draw what is queued, for ever. Cancelling it hands a running job back to the queue."""
        await self._drawing.run()

    def _take_in(self, job: Job, *, private: bool) -> None:
        if job.id not in self._board:
            self._board.put_up(job, private=private)
            self._queue.put(job)


def new_id() -> str:
    """An id for a record that members may see: short, and not to be guessed."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
