"""Gets every result to its member, whatever has expired, and records how.

The ways, in order: an ordinary message in the channel, so that replying to it reaches the bot; the interaction,
by changing its waiting message into the result; a direct message; and `/history`, where it waits. What is for
one member's eyes never takes the first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain, repeat

from bot import wording
from bot.again import drawn_again
from bot.errors import NotFound
from bot.history import Generation, History
from bot.ledger import Route
from bot.parcel import Parcel, pack
from bot.place import Address
from bot.post import Closed, Post, Unreachable
from bot.progress import Progress
from bot.studio import Studio
from bot.views import result_view, retry_view
from db import DatabaseUnusable
from generation import JobState

log = logging.getLogger(__name__)

_PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0, 120.0)  # seconds between tries while Discord cannot be reached
_LONGEST_PAUSE = 300.0

_AT_ONCE = 4  # results whose files are in memory

_Way = tuple[Route, Callable[[], Awaitable[int]]]


class Delivery:
    """Takes each job that ended to its member, several at a time; one that is stuck holds up no other."""

    def __init__(self, *, studio: Studio, history: History, post: Post, progress: Progress) -> None:
        self._studio = studio
        self._history = history
        self._post = post
        self._progress = progress
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._under_way: set[str] = set()

    async def run(self) -> None:
        """Deliver for ever, beginning with what was left over from before the start."""
        async with asyncio.TaskGroup() as errands:
            async for generation_id in self._studio.endings():
                # What ended just before Discord was there is told by the records and by the studio.
                if generation_id not in self._under_way:
                    self._under_way.add(generation_id)
                    errands.create_task(self._deliver(generation_id), name=f"delivery of {generation_id}")

    async def _deliver(self, generation_id: str) -> None:
        notes = await self._progress.stop(generation_id)
        try:
            for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
                try:
                    async with self._at_once:
                        await self._hand_over(generation_id, notes)
                except (Unreachable, DatabaseUnusable, OSError) as fault:
                    log.warning("%s is delivered later: %s", generation_id, fault)
                    await asyncio.sleep(pause)
                else:
                    return
        except NotFound:
            log.info("%s was deleted before it was delivered", generation_id)
        except Exception:
            # One result must not end the deliveries of all others; its record stays, and so does the next start.
            log.exception("%s was not delivered; the next start tries again", generation_id)
        finally:
            self._under_way.discard(generation_id)

    async def _hand_over(self, generation_id: str, notes: tuple[str, ...]) -> None:
        address = await self._studio.address(generation_id)
        if address is None:
            return
        generation = await self._history.any(generation_id)
        finished = generation.state is JobState.FINISHED
        ways = (
            await self._result_ways(generation, address, notes)
            if finished
            else _failure_ways(generation, address, self._post)
        )
        route, message_id = await _first_open(ways, generation_id)
        await self._record(generation_id, route, message_id)
        log.info("%s was delivered: %s", generation_id, route)
        if message_id != address.waiting_message_id:
            try:
                await self._post.delete_waiting(address)
            except Unreachable as fault:
                log.info("the waiting message of %s stays: %s", generation_id, fault)

    async def _record(self, generation_id: str, route: Route, message_id: int | None) -> None:
        """Write down what was delivered, however long it takes: to deliver it twice would be worse."""
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                await self._studio.delivered(generation_id, route=route, message_id=message_id)
            except DatabaseUnusable as error:
                log.error("the delivery of %s cannot be recorded yet: %s", generation_id, error)  # noqa: TRY400
                await asyncio.sleep(pause)
            else:
                return

    async def _result_ways(
        self, generation: Generation, address: Address, notes: tuple[str, ...]
    ) -> Iterator[_Way]:
        again = await drawn_again(generation, self._history)
        if again is not None:
            notes = (*notes, wording.escape(wording.verdict(again)))
        text = wording.with_notes(wording.result(generation), notes)
        try:
            setting = self._studio.content_filter
            parcel = await pack(generation, text, setting, age_restricted=generation.age_restricted)
        except FileNotFoundError:
            log.exception("the pictures of %s are gone", generation.id)
            parcel = Parcel(text=wording.with_notes(text, (wording.LOST,)), contents=())
        return _ways(generation, address, self._post, parcel)


def _ways(generation: Generation, address: Address, post: Post, parcel: Parcel) -> Iterator[_Way]:
    """The ways of a finished picture. Each makes its own view: a view belongs to one message."""
    key, text, channel_id = generation.id, parcel.text, address.channel_id
    names = [name for name, _ in parcel.contents]
    if channel_id is not None and not address.ephemeral:
        yield (
            Route.CHANNEL,
            lambda: post.send_to_channel(
                channel_id,
                key=key,
                content=text,
                view=result_view(key, names),
                files=parcel.files,
                reply_to=address.reply_to_message_id,
            ),
        )
    yield (
        Route.INTERACTION,
        lambda: post.edit_waiting(
            address, content=text, view=result_view(key, names), files=parcel.files, channel_too=False
        ),
    )
    if not address.ephemeral:
        yield (
            Route.INTERACTION,
            lambda: post.follow_up(address, content=text, view=result_view(key, names), files=parcel.files),
        )
    if not parcel.confined:
        yield (
            Route.DIRECT,
            lambda: post.send_directly(
                generation.member_id, key=key, content=text, view=result_view(key, names), files=parcel.files
            ),
        )


def _failure_ways(generation: Generation, address: Address, post: Post) -> Iterator[_Way]:
    """The ways of a sentence: its waiting message becomes it. Who cancelled knows, and is not called for it."""
    key, text, channel_id = generation.id, wording.failed(generation), address.channel_id
    yield (
        Route.CHANNEL if address.interaction_token is None else Route.INTERACTION,
        lambda: post.edit_waiting(address, content=text, view=retry_view(key)),
    )
    if generation.state is JobState.CANCELLED:
        return
    if channel_id is not None and not address.ephemeral:
        yield (
            Route.CHANNEL,
            lambda: post.send_to_channel(
                channel_id,
                key=key,
                content=text,
                view=retry_view(key),
                reply_to=address.reply_to_message_id,
            ),
        )
    yield (
        Route.DIRECT,
        lambda: post.send_directly(generation.member_id, key=key, content=text, view=retry_view(key)),
    )


async def _first_open(ways: Iterator[_Way], generation_id: str) -> tuple[Route, int | None]:
    """Go the first way that is open. Raises Unreachable where none can be told to be."""
    for route, go in ways:
        try:
            return route, await go()
        except Closed as closed:
            log.info("%s cannot go by %s: %s", generation_id, route, closed)
    return Route.HISTORY, None
