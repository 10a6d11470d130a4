"""Puts pictures into words: each waits for its turn in the queue of drawing, and counts as served like a job."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from io import BytesIO

from PIL import Image

from bot.errors import NotDescribed, Unseen
from bot.ledger import Ledger
from bot.place import Viewer
from db import DatabaseError
from generation import Controls, Describe, Failed, FailureKind, Finds, JobQueue, Look, Supervisor, WorkerDied

log = logging.getLogger(__name__)

PATIENCE = 12 * 60.0  # seconds; Discord takes no answer after 15 minutes
_SIDE = 768  # pixels: captioners look at half of that, and less
_FIRST_GUESS = 10.0  # seconds that one takes


class Describing:
    """Answers with prompts for a picture. Nothing is on record of it; what it took is taken off the allowance."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        queue: JobQueue,
        supervisor: Supervisor,
        controls: Controls,
        clock: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._supervisor = supervisor
        self._controls = controls
        self._clock = clock
        self._patience = patience
        self._usual = _FIRST_GUESS
        self._answers: dict[str, asyncio.Future[tuple[str, ...]]] = {}
        self._over = False

    async def describe(self, png: bytes, viewer: Viewer) -> tuple[str, ...]:
        """Prompts for a picture that was checked, the likeliest first.

        Raises NotDescribed, QueueFull or AllowanceSpent; then nothing was charged.
        """
        captioner = await asyncio.to_thread(self._controls.detector, Finds.WORDS)
        if captioner is None:
            raise NotDescribed(Unseen.NOBODY_LOOKS)
        await self._ledger.check_allowance(viewer.member_id, self._usual)
        picture = await asyncio.to_thread(_small, png)
        if self._over:
            raise NotDescribed(Unseen.STOPPING)
        self._queue.check_room(viewer.member_id)
        look = Look(
            id=secrets.token_hex(8),
            member=viewer.member_id,
            picture=picture,
            captioner=str(captioner),
            cost=self._usual,
            created_at=self._clock(),
        )
        answer: asyncio.Future[tuple[str, ...]] = asyncio.get_running_loop().create_future()
        self._answers[look.id] = answer
        self._queue.put(look)
        try:
            async with asyncio.timeout(self._patience):
                return await answer
        except TimeoutError:
            raise NotDescribed(Unseen.TOO_LATE) from None
        finally:
            self._queue.discard(look.id)
            del self._answers[look.id]

    async def carry_out(self, look: Look) -> None:
        """Have a picture described whose turn it is. Whatever comes of it, whoever waits for it is told."""
        try:
            report = await self._supervisor.describe(
                Describe(job=look.id, picture=look.picture, captioner=look.captioner)
            )
        except WorkerDied as died:
            log.warning("a picture was not described: %s\n%s", died, self._supervisor.last_words)
            self._served(look, 0.0)
            self._refuse(look.id, NotDescribed(Unseen.FAILED))
            return
        self._served(look, report.seconds)
        if isinstance(report, Failed):
            unfit = report.failure.kind is FailureKind.UNFIT
            log.warning("a picture was not described: %s", report.failure.detail)
            self._refuse(look.id, NotDescribed(Unseen.FAILED, report.failure.detail if unfit else ""))
            return
        self._usual = report.seconds
        if not report.prompts:
            self._refuse(look.id, NotDescribed(Unseen.NO_WORDS))
            return
        answer = self._answers.get(look.id)
        if answer is not None and not answer.done():
            answer.set_result(report.prompts)
            try:
                await self._ledger.spend(look.member, report.seconds)
            except DatabaseError as error:
                log.warning("a description of %.1f s is not charged: %s", report.seconds, error)

    def let_go(self) -> None:
        """Tell everybody who waits, or asks from now on, that nothing will come, since Easel ends."""
        self._over = True
        for look_id in self._answers:
            self._refuse(look_id, NotDescribed(Unseen.STOPPING))

    def _served(self, look: Look, seconds: float) -> None:
        self._queue.add_served(look.member, seconds - look.cost)

    def _refuse(self, look_id: str, reason: NotDescribed) -> None:
        answer = self._answers.get(look_id)
        if answer is not None and not answer.done():
            answer.set_exception(reason)


def _small(png: bytes) -> bytes:
    """The picture as large as a captioner has use for, as a PNG."""
    file = BytesIO()
    with Image.open(BytesIO(png)) as image:
        picture = image.convert("RGB")
        picture.thumbnail((_SIDE, _SIDE))
        picture.save(file, "PNG")
    return file.getvalue()
