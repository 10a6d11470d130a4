"""Follows each comparison that was said yes to: tells how far it is, and takes its sheet to its member, once."""

import asyncio
import logging
from collections.abc import Mapping
from itertools import islice

from bot import wording
from bot.comparison import Comparison
from bot.delivery import go_first_open, picture_ways, sentence_ways, until_delivered
from bot.history import Generation
from bot.parcel import Parcel
from bot.post import Closed, Post, Unreachable
from bot.sheet import Tile, draw_sheet
from bot.sheets import Sheet, Sheets
from bot.views import View, sheet_view, sheet_waiting_view
from db import SheetState
from generation import JobState

log = logging.getLogger(__name__)

_PATIENCE = 1.0  # seconds that an edit on its way may take before it is dropped for the sheet
_SIDE = 288  # pixels of a cell


class Comparing:
    """A task for each comparison that is not delivered; those of before a start are taken up again."""

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
        """Attend to an accepted comparison until it is delivered."""
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
        if await until_delivered(sheet_id, lambda: self._wait(sheet_id)):
            await until_delivered(sheet_id, lambda: self._hand_over(sheet_id))

    async def _wait(self, sheet_id: str) -> None:
        sheet = await self._sheets.any(sheet_id)
        over = asyncio.Event()
        telling = asyncio.create_task(self._tell(sheet, over), name=f"progress of comparison {sheet_id}")
        try:
            await self._sheets.ended(sheet)
            over.set()
            await asyncio.wait({telling}, timeout=_PATIENCE)
        finally:
            telling.cancel()
            await asyncio.wait({telling})

    async def _tell(self, sheet: Sheet, over: asyncio.Event) -> None:
        """Keep the waiting message up to date until it is `over`; an edit on its way is finished."""
        shown = ""
        while not over.is_set():
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
            try:
                async with asyncio.timeout(self._interval):
                    await over.wait()
            except TimeoutError:
                continue

    async def _hand_over(self, sheet_id: str) -> None:
        sheet = await self._sheets.any(sheet_id)
        if sheet.state is not SheetState.DRAWING:
            return
        found = await self._sheets.generations(sheet)
        there = {number: each for number, each in found.items() if each.state is JobState.FINISHED}
        missing = [each for number, each in found.items() if number not in there]
        comparison = sheet.comparison
        if not there:
            text = wording.comparison_failed(comparison, missing)
            ways = sentence_ways(
                sheet.id, sheet.member_id, sheet.address, self._post, text, lambda: View(timeout=None)
            )
            if all(each.state is JobState.CANCELLED for each in missing):
                ways = islice(ways, 1)  # who cancelled knows, and is not called for it
        else:
            picture = await asyncio.to_thread(draw_sheet, _rows(comparison, found), side=_SIDE)
            parcel = Parcel(
                text=wording.comparison_result(comparison, there, member_id=sheet.member_id, missing=missing),
                contents=((f"compare-{sheet.id}.jpg", picture),),
                description=wording.comparison_alternative(comparison),
            )
            cells = {each.id: wording.cell_option(comparison.names[number - 1]) for number, each in there.items()}
            ways = picture_ways(
                sheet.id, sheet.member_id, sheet.address, self._post, parcel, lambda: sheet_view(sheet.id, cells)
            )
        await go_first_open(ways, sheet.id, sheet.address, self._post, self._sheets.delivered)


def _rows(comparison: Comparison, found: Mapping[int, Generation]) -> list[list[Tile]]:
    tiles = [_tile(names, found.get(number)) for number, names in enumerate(comparison.names, start=1)]
    return [tiles[start : start + comparison.across] for start in range(0, len(tiles), comparison.across)]


def _tile(names: tuple[str, ...], generation: Generation | None) -> Tile:
    """A cell with its picture; one that there is none of, or that the content filter flagged, is empty."""
    across, *down = names
    pictures = () if generation is None else generation.pictures
    file = next((each.file for each in pictures if not each.flagged), None)
    return Tile(title=across, caption=down[0] if down else "", file=file, note=wording.cell_note(generation))
