"""Gets everything that ended to its member, whatever has expired, and records how."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Protocol

from bot.errors import NotFound
from bot.ledger import Route
from bot.lines import Lines, Place
from bot.post import Closed, NoConnection, Post, Unreachable
from bot.studio import Studio
from bot.ways import Addressee, Way, looked_for
from db import DatabaseUnusable

log = logging.getLogger(__name__)

_PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0, 120.0)  # seconds between tries while Discord cannot be reached
_LONGEST_PAUSE = 300.0

_AT_ONCE = 4  # results whose files are in memory


class Kind(Protocol):
    """What of one kind there is to hand over; all kinds share their keys."""

    async def addressee(self, key: str) -> Addressee | None:
        """Whose it is and where it goes; None once it was delivered. Raises NotFound for another kind's key."""

    async def silence(self, key: str) -> None:
        """Tell no more how far it is, whatever kind it is of."""

    async def ways(self, to: Addressee, post: Post) -> Iterator[Way]:
        """The ways that it can go, the first open one of which is taken."""


@dataclass
class _Errand:
    """What is on its way: `to` as it was last read, and the way and the message by which it got there.

    It is `doubtful` where it was sent before and nobody knows whether it arrived.
    """

    key: str
    to: Addressee | None
    doubtful: bool
    arrived: tuple[Route, int | None] | None = None

    @property
    def place(self) -> Place:
        """Where it goes: a channel, or its member; on its own where that cannot be told."""
        if self.to is None:
            return self.key
        channel_id = self.to.address.channel_id
        return self.to.member_id if channel_id is None or self.to.address.ephemeral else channel_id


class Delivery:
    """Takes whatever ended to its member: several at a time, and in the order of their ends at each place."""

    def __init__(self, *, studio: Studio, post: Post, kinds: Sequence[Kind]) -> None:
        self._studio = studio
        self._post = post
        self._kinds = kinds
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._lines = Lines(blameless=(NoConnection,))
        self._under_way: set[str] = set()
        self._again: set[str] = set()  # of these what was announced anew meanwhile
        self._doubtful: set[str] = set()  # sent before, and nobody knows whether they arrived

    async def run(self) -> None:
        """Deliver for ever, beginning with what was left over from before the start."""
        self._doubtful = set(await self._studio.undelivered())
        async with asyncio.TaskGroup() as errands:
            async for key in self._studio.endings():
                # What ended just before Discord was there is told by the records and by the studio.
                if key in self._under_way:
                    self._again.add(key)
                    continue
                self._under_way.add(key)
                errand = _Errand(key=key, to=await self._addressee(key), doubtful=key in self._doubtful)
                place = errand.place
                self._lines.stand(place, key)
                errands.create_task(self._deliver(errand, place), name=f"delivery of {key}")

    async def _addressee(self, key: str) -> Addressee | None:
        """Where it goes, if that can be told now. One record that cannot be read does not end all deliveries."""
        try:
            _, to = await self._find(key)
        except (NotFound, DatabaseUnusable):
            return None
        except Exception:
            log.exception("the record of %s cannot be read", key)
            return None
        return to

    async def _find(self, key: str) -> tuple[Kind, Addressee | None]:
        for kind in self._kinds:
            try:
                return kind, await kind.addressee(key)
            except NotFound:
                continue
        raise NotFound("generation", key)

    async def _deliver(self, errand: _Errand, place: Place) -> None:
        key = errand.key
        try:
            for kind in self._kinds:
                await kind.silence(key)
            try:
                await self._insist(errand, place, self._hand_over)
            except NotFound:
                log.info("%s was deleted before it was delivered", key)
                await self._insist(errand, place, self._take_back)
            self._doubtful.discard(key)
        except Exception:
            # One result must not end the deliveries of all others; its record stays, and so does the next start.
            log.exception("%s was not delivered; the next start tries again", key)
            self._doubtful.add(key)
        finally:
            self._lines.leave(place, key)
            self._under_way.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._studio.announce(key)

    async def _insist(self, errand: _Errand, place: Place, deed: Callable[[_Errand], Awaitable[None]]) -> None:
        """Do it, again after a pause as long as Discord, the records or the disk are out of reach."""
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                async with self._lines.turn(place, errand.key), self._at_once:
                    await deed(errand)
            except (Unreachable, DatabaseUnusable, OSError) as fault:
                log.warning("%s is delivered later: %s", errand.key, fault)
                await asyncio.sleep(pause)
            else:
                return

    async def _hand_over(self, errand: _Errand) -> None:
        """Go the first way that is open, remove the waiting message, and write that down.

        Raises Unreachable where no way can be told to be open or closed, and NotFound where it was deleted, be it
        on its way.
        """
        key = errand.key
        kind, to = await self._find(key)
        if to is None:
            return
        errand.to = to
        ways = await kind.ways(to, self._post)
        if errand.doubtful:
            ways = chain(looked_for(to, self._post), ways)
        try:
            route, message_id = await _first_open(ways, key)
            if route is not Route.INTERACTION and message_id != to.address.waiting_message_id:
                # Before the record: who fails or dies here looks for the result, and comes by again.
                await self._post.delete_waiting(to.address)
        except Unreachable:
            errand.doubtful = True
            raise
        if not await self._record(key, route, message_id):
            errand.arrived = route, message_id
            raise NotFound("generation", key)
        log.info("%s was delivered: %s", key, route)

    async def _take_back(self, errand: _Errand) -> None:
        """Remove what is in Discord of something that was deleted. Raises Unreachable."""
        to = errand.to
        if to is None:
            return
        if errand.arrived is None and errand.doubtful:
            errand.arrived = await _first_open(looked_for(to, self._post), errand.key)
        route, message_id = errand.arrived or (Route.HISTORY, None)
        if message_id is not None and route is Route.DIRECT:
            await self._post.delete_directly(to.member_id, message_id)
        elif message_id is not None:
            await self._post.delete(to.address, message_id)
        if message_id != to.address.waiting_message_id:
            await self._post.delete_waiting(to.address)

    async def _record(self, key: str, route: Route, message_id: int | None) -> bool:
        """Write down how it went, however long that takes: to deliver it twice would be worse than to wait.

        False where it was deleted meanwhile.
        """
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                return await self._studio.delivered(key, route=route, message_id=message_id)
            except DatabaseUnusable as error:
                log.error("the delivery of %s cannot be recorded yet: %s", key, error)  # noqa: TRY400
                await asyncio.sleep(pause)
        raise AssertionError("the pauses never end")


async def _first_open(ways: Iterator[Way], key: str) -> tuple[Route, int | None]:
    """Go the first way that is open. Raises Unreachable where none can be told to be."""
    for route, go in ways:
        try:
            return route, await go()
        except Closed as closed:
            log.info("%s cannot go by %s: %s", key, route, closed)
    return Route.HISTORY, None
