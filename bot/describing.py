"""Puts pictures into words: each waits for its turn in the queue of drawing, and counts as served like a job."""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from PIL import Image, PngImagePlugin

from bot.endings import ATTEMPTS, insist
from bot.errors import NotDescribed, NotFound, Unseen
from bot.ledger import Ledger
from bot.pictures import Pictures
from bot.place import Address, Viewer
from db import DatabaseUnusable
from generation import (
    Allowance,
    Controls,
    Describe,
    Described,
    Failed,
    FailureKind,
    Finds,
    JobQueue,
    Look,
    Supervisor,
    WorkerDied,
)

log = logging.getLogger(__name__)

_SIDE = 768  # pixels: captioners look at half of that, and less
_FIRST_GUESS = 10.0  # seconds that one takes


@dataclass(frozen=True, kw_only=True)
class Description:
    """What came of a look, and where that has to go: prompts, the likeliest first, or the reason for none.

    `detail` is a sentence for everybody, or empty. What is drawn from the words of a `private` picture is private.
    """

    member_id: int
    address: Address
    private: bool
    prompts: tuple[str, ...] = ()
    reason: Unseen | None = None
    detail: str = ""


class Describing:
    """Takes pictures, and has each answered with prompts once, whatever ends meanwhile.

    What a look took is taken off the allowance once its words have arrived, and nothing where none do.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        pictures: Pictures,
        queue: JobQueue,
        supervisor: Supervisor,
        controls: Controls,
        accepting: asyncio.Lock,
        announce: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        """`accepting` is held while the queue is asked for room; whatever is answered is told to `announce`."""
        self._ledger = ledger
        self._pictures = pictures
        self._queue = queue
        self._supervisor = supervisor
        self._controls = controls
        self._accepting = accepting
        self._announce = announce
        self._clock = clock
        self._usual = _FIRST_GUESS

    async def accept(
        self,
        png: bytes,
        *,
        viewer: Viewer,
        address: Address,
        private: bool,
        allowance: Allowance,
        admit: Callable[[], object],
    ) -> None:
        """Take a picture that was checked: from the return on it will be answered.

        Raises NotDescribed, QueueFull, AllowanceSpent or what `admit` raises at the last moment; then nothing was
        recorded.
        """
        if await asyncio.to_thread(self._controls.detector, Finds.WORDS) is None:
            raise NotDescribed(Unseen.NOBODY_LOOKS)
        await self._ledger.check_allowance(viewer.member_id, self._usual, allowance)
        look_id = secrets.token_hex(8)
        source = await self._pictures.keep_source(await asyncio.to_thread(_small, png, look_id))
        look = Look(id=look_id, member=viewer.member_id, source=source, cost=self._usual, created_at=self._clock())
        try:
            async with self._accepting:
                admit()
                self._queue.check_room(viewer.member_id)
                await self._ledger.accept_look(look, viewer=viewer, address=address, private=private)
                self._queue.put(look)
        except Exception:  # and no cancellation, which may come once it is on record
            await self._forget(source)
            raise

    async def restore(self) -> None:
        """Take up again what was left over from before the start."""
        for row in await self._ledger.looks():
            if row.answer is None:
                self._queue.put(
                    Look(
                        id=row.id,
                        member=row.member_id,
                        source=row.source,
                        cost=self._usual,
                        created_at=row.created_at,
                    )
                )
            else:
                await self._forget(row.source)

    async def carry_out(self, look: Look, *, there_is_a_worker: bool) -> None:
        """Have a picture described whose turn it is, and record what came of it."""
        try:
            await self._carry_out(look, there_is_a_worker=there_is_a_worker)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(look))
            raise
        finally:
            self._queue.add_served(look.member, -look.cost)  # what it took in truth is counted

    async def _carry_out(self, look: Look, *, there_is_a_worker: bool) -> None:
        answer = partial(self._answer, look.id, look.source)
        try:
            described = await self._describe(look, there_is_a_worker=there_is_a_worker)
        except NotDescribed as refusal:
            told = partial(answer, reason=refusal.reason, detail=refusal.detail)
        else:
            if described is None:
                return
            told = partial(answer, seconds=described.seconds, prompts=described.prompts)
        await insist(told)  # what was found is not given up to a full or a busy disk

    async def _describe(self, look: Look, *, there_is_a_worker: bool) -> Described | None:
        """What the worker says of a picture; None where nothing is to be said, or not yet. Raises NotDescribed."""
        # 1. Without a worker there is no attempt to count.
        if not there_is_a_worker:
            raise _failed(self._supervisor.last_words)
        # 2. The attempt is on disk before the order is sent, so that a picture that kills everything cannot loop.
        attempts = await insist(lambda: self._ledger.begin_look(look.id))
        if attempts is None:
            return None
        if attempts > ATTEMPTS:
            raise NotDescribed(Unseen.SET_ASIDE)
        # 3. Who looks is asked now: what was there when the picture came may be gone, or another one.
        captioner = await asyncio.to_thread(self._controls.detector, Finds.WORDS)
        if captioner is None:
            raise NotDescribed(Unseen.NOBODY_LOOKS)
        try:
            picture = await asyncio.to_thread(self._pictures.source_file(look.source).read_bytes)
        except OSError as error:
            raise _failed(str(error)) from error
        # 4. The worker may be gone instead of saying something: then it has one more try.
        order = Describe(job=look.id, picture=picture, captioner=str(captioner))
        try:
            report = await self._supervisor.describe(order)
        except WorkerDied as died:
            log.warning("a picture was not described: %s\n%s", died, self._supervisor.last_words)
            if attempts >= ATTEMPTS:
                raise NotDescribed(Unseen.SET_ASIDE) from died
            self._queue.put(look)
            return None
        return self._words(look, report)

    def _words(self, look: Look, report: Described | Failed) -> Described:
        """What the worker has said, if that is words; its seconds are counted in any case. Raises NotDescribed."""
        self._queue.add_served(look.member, report.seconds)
        if isinstance(report, Failed):
            unfit = report.failure.kind is FailureKind.UNFIT
            raise _failed(report.failure.detail, report.failure.detail if unfit else "")
        self._usual = report.seconds
        if not report.prompts:
            raise NotDescribed(Unseen.NO_WORDS)
        return report

    async def find(self, look_id: str) -> Description:
        """What came of a look, until that is handed over. Raises NotFound."""
        found = await self._ledger.look(look_id)
        if found is None or found[0].answer is None:
            raise NotFound("look", look_id)
        row, address = found
        told = json.loads(row.answer or "{}")
        return Description(
            member_id=row.member_id,
            address=address,
            private=row.private,
            prompts=tuple(told.get("prompts", ())),
            reason=Unseen(told["reason"]) if "reason" in told else None,
            detail=told.get("detail", ""),
        )

    async def withdraw(self, member_id: int, *, reason: Unseen, guild_id: int | None = None) -> None:
        """Answer whatever of a member's waits, in one server or anywhere, without looking at it.

        Raises DatabaseUnusable; then what was not answered waits on.
        """
        for row in await self._ledger.looks():
            asked_there = guild_id is None or row.guild_id == guild_id
            if row.member_id == member_id and asked_there and row.answer is None:
                await self._answer(row.id, row.source, reason=reason)
                self._queue.discard(row.id)

    async def _leave(self, look: Look) -> None:
        """Let go of the picture that is being looked at, since Easel ends: it waits for the next start."""
        try:
            await self._ledger.hand_back_look(look.id)
        except DatabaseUnusable as error:
            log.warning("look %s keeps an attempt that Easel itself ended: %s", look.id, error)

    async def _answer(self, look_id: str, source: str, *, seconds: float = 0.0, **told: object) -> None:
        """Record the answer and what it costs, and have its member told. Raises DatabaseUnusable."""
        if await self._ledger.answer_look(look_id, json.dumps(told), seconds=seconds):
            self._announce(look_id)
            await self._forget(source)

    async def _forget(self, source: str) -> None:
        try:
            await asyncio.to_thread(self._pictures.remove, (), source=source)
        except OSError as error:
            log.warning("the picture %s of a look stays: %s", source, error)


def _failed(why: str, sentence: str = "") -> NotDescribed:
    """The refusal of what failed: the log has `why`, and its member a `sentence` where there is one."""
    log.warning("a picture was not described: %s", why)
    return NotDescribed(Unseen.FAILED, sentence)


def _small(png: bytes, look_id: str) -> bytes:
    """The picture as large as a captioner has use for, as a PNG.

    It bears the id of its look, so that its file is nobody else's: it can be removed whoever has the same picture.
    """
    mark = PngImagePlugin.PngInfo()
    mark.add_text("look", look_id)
    file = BytesIO()
    with Image.open(BytesIO(png)) as image:
        picture = image.convert("RGB")
        picture.thumbnail((_SIDE, _SIDE))
        picture.save(file, "PNG", pnginfo=mark)
    return file.getvalue()
