"""Follows each comparison that was said yes to: tells how far it is, and what its sheet is handed over as."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from itertools import islice

from bot import wording
from bot.comparison import Comparison
from bot.endings import insist
from bot.errors import NotFound
from bot.history import Generation
from bot.parcel import Parcel
from bot.post import Closed, Post, Unreachable
from bot.sheet import Tile, draw_sheet
from bot.sheets import Sheet, Sheets
from bot.views import View, sheet_view, sheet_waiting_view
from bot.ways import Addressee, Way, picture_ways, sentence_ways
from db import SheetState
from generation import JobState

log = logging.getLogger(__name__)

_PATIENCE = 1.0  # seconds that an edit on its way may take before it is dropped for the sheet
_SIDE = 288  # pixels of a cell


class Comparing:
    """A task for each comparison that is drawn; those of before a start are taken up again.

    For Delivery it has the sheets, by their ids.
    """

    def __init__(self, sheets: Sheets, post: Post, *, interval: float) -> None:
        """`interval` is in seconds, between two looks at how far a comparison is."""
        self._sheets = sheets
        self._post = post
        self._interval = interval
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def resume(self) -> None:
        """Follow what was left over from before the start."""
        for sheet_id in await self._sheets.due():
            self.follow(sheet_id)

    def follow(self, sheet_id: str) -> None:
        """Attend to an accepted comparison until its cells have ended."""
        if sheet_id not in self._tasks:
            task = asyncio.create_task(self._attend(sheet_id), name=f"comparison {sheet_id}")
            self._tasks[sheet_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(sheet_id, None))

    async def close(self) -> None:
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _attend(self, sheet_id: str) -> None:
        try:
            sheet = await insist(lambda: self._sheets.any(sheet_id))
        except NotFound:
            log.info("comparison %s was deleted", sheet_id)
            return
        except Exception:
            log.exception("comparison %s cannot be read", sheet_id)
            return
        ending = asyncio.create_task(insist(lambda: self._sheets.ended(sheet)), name=f"cells of {sheet_id}")
        try:
            await self._tell(sheet, ending)
            await ending
        except Exception:
            # A waiting message that stands still is no reason to lose the sheet.
            log.exception("the progress of comparison %s cannot be told", sheet_id)
            await ending
        finally:
            ending.cancel()

    async def _tell(self, sheet: Sheet, ending: asyncio.Task[None]) -> None:
        """Keep the waiting message up to date until all cells have ended; an edit on its way is finished."""
        shown = ""
        while not ending.done():
            text = wording.comparison_waiting(sheet.comparison, *self._sheets.standing(sheet))
            if text != shown:
                try:
                    await self._post.edit_waiting(sheet.address, content=text, view=sheet_waiting_view(sheet.id))
                except Closed:
                    log.debug("the waiting message of comparison %s is out of reach", sheet.id)
                    return
                except Unreachable as fault:
                    log.info("progress of comparison %s was not shown: %r", sheet.id, fault)
                else:
                    shown = text
            await asyncio.wait({ending}, timeout=self._interval)

    async def addressee(self, key: str) -> Addressee | None:
        """Whose sheet it is and where it goes; None once it was delivered. Raises NotFound."""
        sheet = await self._sheets.any(key)
        if sheet.state is not SheetState.DRAWING:
            return None
        return Addressee(key=key, member_id=sheet.member_id, address=sheet.address)

    async def silence(self, key: str) -> None:
        """Tell no more how far it is."""
        task = self._tasks.get(key)
        if task is not None:
            await asyncio.wait({task}, timeout=_PATIENCE)
            task.cancel()
            await asyncio.wait({task})

    async def ways(self, to: Addressee, post: Post) -> Iterator[Way]:
        """The ways that the sheet can go, or the sentence on why there is none. Raises NotFound."""
        sheet = await self._sheets.any(to.key)
        found = await self._sheets.generations(sheet)
        there = {number: each for number, each in found.items() if each.state is JobState.FINISHED}
        missing = [each for number, each in found.items() if number not in there]
        comparison = sheet.comparison
        if not there:
            text = wording.comparison_failed(comparison, missing)
            ways = sentence_ways(to, post, text, lambda: View(timeout=None))
            # Who cancelled knows, and is not called for it.
            return islice(ways, 1) if all(each.state is JobState.CANCELLED for each in missing) else ways
        text = wording.comparison_result(comparison, there, member_id=sheet.member_id, missing=missing)
        picture = await asyncio.to_thread(draw_sheet, _rows(comparison, found), side=_SIDE)
        name = f"compare-{sheet.id}.jpg"
        parcel = Parcel(
            text=text,
            contents=((name, picture),),
            description=wording.comparison_alternative(comparison),
            covered=frozenset({name} if self._sheets.are_covered(sheet) else ()),
        )
        cells = {each.id: wording.cell_option(comparison.names[number - 1]) for number, each in there.items()}
        return picture_ways(to, post, parcel, lambda: sheet_view(sheet.id, cells))


def _rows(comparison: Comparison, found: Mapping[int, Generation]) -> list[list[Tile]]:
    tiles = [_tile(names, found.get(number)) for number, names in enumerate(comparison.names, start=1)]
    return [tiles[start : start + comparison.across] for start in range(0, len(tiles), comparison.across)]


def _tile(names: tuple[str, ...], generation: Generation | None) -> Tile:
    """A cell with its picture; one that there is none of, or that the content filter flagged, is empty."""
    across, *down = names
    pictures = () if generation is None else generation.pictures
    file = next((each.file for each in pictures if not each.flagged), None)
    return Tile(title=across, caption=down[0] if down else "", file=file, note=wording.cell_note(generation))
