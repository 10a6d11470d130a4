"""What a job that ended is handed over as: its pictures, or the sentence on why there are none."""

import logging
from collections.abc import Iterator
from itertools import islice

from bot import wording
from bot.again import drawn_again
from bot.history import Generation, History
from bot.parcel import Parcel, pack
from bot.post import Post
from bot.progress import Progress
from bot.studio import Studio
from bot.views import result_view, retry_view
from bot.ways import Addressee, Way, picture_ways, sentence_ways
from generation import JobState

log = logging.getLogger(__name__)


class Results:
    """Results by the ids of their generations, for Delivery."""

    def __init__(self, *, studio: Studio, history: History, progress: Progress) -> None:
        self._studio = studio
        self._history = history
        self._progress = progress

    async def addressee(self, key: str) -> Addressee | None:
        """Whose it is and where it goes; None once it was delivered. Raises NotFound."""
        generation = await self._history.any(key)
        address = await self._studio.address(key)
        if address is None:
            return None
        notes = await self._studio.notes(key)
        return Addressee(key=key, member_id=generation.member_id, address=address, notes=notes)

    async def silence(self, key: str) -> None:
        """Tell no more how far it is."""
        await self._progress.stop(key)

    async def ways(self, to: Addressee, post: Post) -> Iterator[Way]:
        """The ways that it can go. Raises NotFound."""
        generation = await self._history.any(to.key)
        if generation.state is not JobState.FINISHED:
            ways = sentence_ways(to, post, wording.failed(generation), lambda: retry_view(to.key))
            # Who cancelled knows, and is not called for it.
            return islice(ways, 1) if generation.state is JobState.CANCELLED else ways
        parcel = await self._parcel(generation, to.notes)
        names = [name for name, _ in parcel.contents]
        return picture_ways(to, post, parcel, lambda: result_view(to.key, names))

    async def _parcel(self, generation: Generation, notes: tuple[str, ...]) -> Parcel:
        again = await drawn_again(generation, self._history)
        if again is not None:
            notes = (*notes, wording.escape(wording.verdict(again)))
        text = wording.with_notes(wording.result(generation), notes)
        display = self._studio.display(generation.guild_id)
        try:
            return await pack(generation, text, display, age_restricted=generation.age_restricted)
        except FileNotFoundError:
            log.exception("the pictures of %s are gone", generation.id)
            return Parcel(text=wording.with_notes(text, (wording.LOST,)), contents=())
