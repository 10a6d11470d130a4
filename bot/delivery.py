"""Gets everything that ended to its member, whatever has expired, and records how."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
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


class Delivery:
    """Takes whatever ended to its member: several at a time, and in the order of their ends at each place."""

    def __init__(self, *, studio: Studio, post: Post, kinds: Sequence[Kind]) -> None:
        self._studio = studio
        self._post = post
        self._kinds = kinds
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._lines = Lines(blameless=(NoConnection,))
        self._under_way: set[str] = set()
        self._doubtful: set[str] = set()  # sent before, and nobody knows whether they arrived

    async def run(self) -> None:
        """Deliver for ever, beginning with what was left over from before the start."""
        self._doubtful = set(await self._studio.undelivered())
        async with asyncio.TaskGroup() as errands:
            async for key in self._studio.endings():
                # What ended just before Discord was there is told by the records and by the studio.
                if key not in self._under_way:
                    self._under_way.add(key)
                    place = await self._place(key)
                    self._lines.stand(place, key)
                    errands.create_task(self._deliver(key, place), name=f"delivery of {key}")

    async def _place(self, key: str) -> Place:
        """Where it goes: a channel, or its member; on its own where that cannot be told."""
        try:
            _, to = await self._find(key)
        except (NotFound, DatabaseUnusable):
            return key
        if to is None:
            return key
        channel_id = to.address.channel_id
        return to.member_id if channel_id is None or to.address.ephemeral else channel_id

    async def _find(self, key: str) -> tuple[Kind, Addressee | None]:
        for kind in self._kinds:
            try:
                return kind, await kind.addressee(key)
            except NotFound:
                continue
        raise NotFound("generation", key)

    async def _deliver(self, key: str, place: Place) -> None:
        try:
            for kind in self._kinds:
                await kind.silence(key)
            await self._insist(key, place)
        except NotFound:
            log.info("%s was deleted before it was delivered", key)
        except Exception:
            # One result must not end the deliveries of all others; its record stays, and so does the next start.
            log.exception("%s was not delivered; the next start tries again", key)
        finally:
            self._lines.leave(place, key)
            self._under_way.discard(key)
            self._doubtful.discard(key)

    async def _insist(self, key: str, place: Place) -> None:
        """Hand it over, again after a pause as long as Discord, the records or the disk are out of reach."""
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                async with self._lines.turn(place, key), self._at_once:
                    await self._hand_over(key)
            except (Unreachable, DatabaseUnusable, OSError) as fault:
                log.warning("%s is delivered later: %s", key, fault)
                await asyncio.sleep(pause)
            else:
                return

    async def _hand_over(self, key: str) -> None:
        """Go the first way that is open, remove the waiting message, and write that down.

        Raises Unreachable where no way can be told to be open or closed.
        """
        kind, to = await self._find(key)
        if to is None:
            return
        ways = await kind.ways(to, self._post)
        if key in self._doubtful:
            ways = chain(looked_for(to, self._post), ways)
        try:
            route, message_id = await _first_open(ways, key)
            if route is not Route.INTERACTION and message_id != to.address.waiting_message_id:
                # Before the record: who fails or dies here looks for the result, and comes by again.
                await self._post.delete_waiting(to.address)
        except Unreachable:
            self._doubtful.add(key)
            raise
        await self._record(key, route, message_id)
        log.info("%s was delivered: %s", key, route)

    async def _record(self, key: str, route: Route, message_id: int | None) -> None:
        """Write down how it went, however long that takes: to deliver it twice would be worse than to wait."""
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                await self._studio.delivered(key, route=route, message_id=message_id)
            except DatabaseUnusable as error:
                log.error("the delivery of %s cannot be recorded yet: %s", key, error)  # noqa: TRY400
                await asyncio.sleep(pause)
            else:
                return


async def _first_open(ways: Iterator[Way], key: str) -> tuple[Route, int | None]:
    """Go the first way that is open. Raises Unreachable where none can be told to be."""
    for route, go in ways:
        try:
            return route, await go()
        except Closed as closed:
            log.info("%s cannot go by %s: %s", key, route, closed)
    return Route.HISTORY, None
