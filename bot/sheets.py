"""Comparisons: asked with their cost, drawn cell by cell in the ordinary queue, kept until they are delivered."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import db
from bot.accounts import AllowanceState
from bot.comparison import Comparison, compose, items, value
from bot.errors import NotAllowed, NotFound
from bot.history import Generation, History, Posted
from bot.ledger import Ledger
from bot.place import Address, Viewer
from bot.seeds import Seeds
from bot.studio import Studio, new_id
from db import Database, SheetState
from generation import SEED_LIMIT, Estimate, Request


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A comparison on record. `cells` are generations by number, from 1, once there are; a deleted one is not."""

    id: str
    member_id: int
    guild_id: int | None
    private: bool
    state: SheetState
    comparison: Comparison
    cells: dict[int, str]
    address: Address

    def may_be_managed_by(self, viewer: Viewer) -> bool:
        """As a generation: for the owner, and for moderators of its server where it is public."""
        moderated = not self.private and self.guild_id is not None and self.guild_id == viewer.guild_id
        return viewer.member_id == self.member_id or (viewer.moderator and moderated)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a comparison would cost, in seconds of compute, before anything is charged."""

    sheet_id: str
    comparison: Comparison
    cost: float
    allowance: AllowanceState


class Sheets:
    """Keeps comparisons and has them drawn."""

    def __init__(
        self,
        database: Database,
        *,
        ledger: Ledger,
        studio: Studio,
        history: History,
        seeds: Seeds,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._studio = studio
        self._history = history
        self._seeds = seeds
        self._clock = clock

    async def ask(self, prompt: str, lists: Mapping[str, str], viewer: Viewer, *, private: bool) -> Question:
        """Work out what a comparison would draw and cost, and keep it for a yes; `lists` are typed, by option.

        All cells have one seed unless that is listed. What is asked in a direct message is private. Raises
        BadComparison, InvalidRequest, NotFound, what the server's Rules raise, or AllowanceSpent where it could
        not be drawn now.
        """
        # 1. What each cell asks for.
        read = {
            option: [(item, await self._value(option, item, viewer)) for item in items(option, text)]
            for option, text in lists.items()
        }
        sides, wishes = compose(read)
        shared: dict[str, Any] = {"prompt": prompt, "count": 1, "seed": SystemRandom().randrange(SEED_LIMIT)}
        requests = [Request(**shared | wish) for wish in wishes]
        # 2. What is drawn, to the last setting, so that its cost is known.
        recipes = tuple([await self._studio.recipe(request, viewer) for request in requests])
        comparison = Comparison(prompt=prompt, sides=sides, recipes=recipes)
        cost = sum(map(self._studio.cost, recipes))
        await self._studio.check_allowance(viewer, cost)
        # 3. On record, so that the button finds it.
        row = db.SheetRow(
            id=new_id(),
            member_id=viewer.member_id,
            guild_id=viewer.guild_id,
            private=private or viewer.guild_id is None,
            plan=comparison.to_json(),
            asked_at=self._clock(),
        )
        async with self._database.transaction() as connection:
            await db.sheets.insert(connection, row)
        allowance = await self._studio.allowance(viewer)
        return Question(sheet_id=row.id, comparison=comparison, cost=cost, allowance=allowance)

    async def _value(self, option: str, item: str, viewer: Viewer) -> Any:
        return await self._seeds.read(viewer, item) if option == "seed" else value(option, item)

    async def draw(self, sheet_id: str, viewer: Viewer, address: Address) -> None:
        """Accept it: from the return on it will be drawn and answered, once.

        Raises NotFound, NotAllowed, QueueFull or AllowanceSpent; then nothing was charged.
        """
        sheet = await self.own(sheet_id, viewer)
        await self._studio.submit_sheet(
            sheet.id, sheet.comparison.recipes, viewer=viewer, address=address, private=sheet.private
        )

    async def drop(self, sheet_id: str, viewer: Viewer) -> None:
        """Forget a question. Raises NotFound or NotAllowed."""
        sheet = await self.own(sheet_id, viewer)
        async with self._database.transaction() as connection:
            if not await db.sheets.delete(connection, sheet.id, asked=True):
                raise NotAllowed("sheet_again")

    async def cancel(self, sheet_id: str, viewer: Viewer) -> bool:
        """Stop all of its cells that have not ended; False if there are none. Raises NotFound or NotAllowed."""
        sheet = await self.any(sheet_id)
        if not sheet.may_be_managed_by(viewer):
            raise NotAllowed("cancel")
        stopped = False
        for generation_id in reversed(sheet.cells.values()):  # the one being drawn last: else the next would begin
            with suppress(NotFound):
                stopped = await self._studio.cancel(generation_id, viewer) or stopped
        return stopped

    async def delete(self, sheet_id: str, viewer: Viewer) -> tuple[Sheet, list[Posted]]:
        """Remove a sheet that has ended, with all its pictures and their records, for good.

        Returns what it was, and the messages that its cells were opened as, which the caller removes. Raises
        NotFound or NotAllowed.
        """
        sheet = await self.any(sheet_id)
        ended = all(generation.state.ended for generation in (await self.generations(sheet)).values())
        if not sheet.may_be_managed_by(viewer) or sheet.state is SheetState.ASKED or not ended:
            raise NotAllowed("delete")
        posted: list[Posted] = []
        for generation_id in sheet.cells.values():
            with suppress(NotFound):
                _, messages = await self._history.delete(generation_id, viewer)
                posted += messages
        async with self._database.transaction() as connection:
            await db.sheets.delete(connection, sheet.id, asked=False)
        return sheet, posted

    async def any(self, sheet_id: str) -> Sheet:
        """A sheet whoever asks: for Easel's own errands. Raises NotFound."""
        async with self._database.reading() as connection:
            row = await db.sheets.find(connection, sheet_id)
            if row is None:
                raise NotFound("sheet", sheet_id)
            cells = await db.sheets.cells(connection, sheet_id)
        return Sheet(
            id=row.id,
            member_id=row.member_id,
            guild_id=row.guild_id,
            private=row.private,
            state=row.state,
            comparison=Comparison.from_json(row.plan),
            cells=cells,
            address=Address(
                channel_id=row.channel_id,
                application_id=row.application_id,
                interaction_token=row.interaction_token,
                interaction_expires_at=row.interaction_expires_at,
                waiting_message_id=row.waiting_message_id,
                ephemeral=row.ephemeral,
            ),
        )

    async def own(self, sheet_id: str, viewer: Viewer) -> Sheet:
        """A sheet that the viewer asked for. Raises NotFound, or NotAllowed where somebody else did."""
        sheet = await self.any(sheet_id)
        if sheet.member_id != viewer.member_id:
            raise NotAllowed("sheet")
        return sheet

    async def due(self) -> list[str]:
        """Sheets that were accepted and are not delivered, the oldest first."""
        async with self._database.reading() as connection:
            return await db.sheets.drawing(connection)

    async def ended(self, sheet: Sheet) -> None:
        """Wait until every cell has ended, and have the member told."""
        for generation_id in sheet.cells.values():
            with suppress(NotFound):  # deleted meanwhile
                async for _ in self._studio.follow(generation_id):
                    pass
        self._studio.announce(sheet.id)

    async def generations(self, sheet: Sheet) -> dict[int, Generation]:
        """What is on record of its cells, by number; a deleted one is not there."""
        found = {}
        for number, generation_id in sheet.cells.items():
            with suppress(NotFound):
                found[number] = await self._history.any(generation_id)
        return found

    def are_covered(self, sheet: Sheet) -> bool:
        """Whether pictures are spoilers where a sheet was asked for."""
        return self._studio.display(sheet.guild_id).covered

    def standing(self, sheet: Sheet) -> tuple[int, Estimate]:
        """How many cells have ended, and the time until all have."""
        ids = set(sheet.cells.values())
        waiting = [line for line in self._studio.queue() if line.generation_id in ids]
        expected = [line.expected for line in waiting] or [Estimate.sure(0.0)]
        return len(ids) - len(waiting), max(expected, key=lambda each: each.likely)
