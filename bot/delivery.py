"""Gets every result to its member, whatever has expired, and records how.

The ways, in order: an ordinary message in the channel, so that replying to it reaches the bot; the interaction,
by changing its waiting message into the result; a direct message; and `/history`, where it waits. What is for
one member's eyes never takes the first.

An ordinary message is there once: its nonce keeps a repeated one away for minutes, and later it is looked for.
What goes through the interaction bears no nonce. A change of a message can be repeated; but where the answer to it
is lost and the token expires before the next try, or Easel ends just after a follow-up, the result is there twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain, islice, repeat

from bot import wording
from bot.again import drawn_again
from bot.errors import NotFound
from bot.history import Generation, History
from bot.ledger import Route
from bot.lines import Lines, Place
from bot.parcel import Parcel, pack
from bot.place import Address
from bot.post import Closed, NoConnection, Post, Unreachable
from bot.progress import Progress
from bot.studio import Studio
from bot.views import View, result_view, retry_view
from db import DatabaseUnusable
from generation import JobState

log = logging.getLogger(__name__)

_PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0, 120.0)  # seconds between tries while Discord cannot be reached
_LONGEST_PAUSE = 300.0

_AT_ONCE = 4  # results whose files are in memory

Way = tuple[Route, Callable[[], Awaitable[int]]]


class Delivery:
    """Takes each job that ended to its member: several at a time, and in the order of their ends at each place."""

    def __init__(self, *, studio: Studio, history: History, post: Post, progress: Progress) -> None:
        self._studio = studio
        self._history = history
        self._post = post
        self._progress = progress
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._lines = Lines(blameless=(NoConnection,))
        self._under_way: set[str] = set()
        self._doubtful: set[str] = set()  # sent before, and nobody knows whether they arrived

    async def run(self) -> None:
        """Deliver for ever, beginning with what was left over from before the start."""
        self._doubtful = set(await self._studio.undelivered())
        async with asyncio.TaskGroup() as errands:
            async for generation_id in self._studio.endings():
                # What ended just before Discord was there is told by the records and by the studio.
                if generation_id not in self._under_way:
                    self._under_way.add(generation_id)
                    place = await self._place(generation_id)
                    self._lines.stand(place, generation_id)
                    errands.create_task(self._deliver(generation_id, place), name=f"delivery of {generation_id}")

    async def _place(self, generation_id: str) -> Place:
        """Where its result goes: a channel, or its member; on its own where that cannot be told."""
        try:
            address = await self._studio.address(generation_id)
            member_id = (await self._history.any(generation_id)).member_id
        except (NotFound, DatabaseUnusable):
            return generation_id
        if address is None or address.channel_id is None or address.ephemeral:
            return member_id
        return address.channel_id

    async def _deliver(self, generation_id: str, place: Place) -> None:
        notes = await self._progress.stop(generation_id)

        async def hand_over() -> None:
            async with self._lines.turn(place, generation_id), self._at_once:
                try:
                    await self._hand_over(generation_id, notes)
                except Unreachable:
                    self._doubtful.add(generation_id)
                    raise

        try:
            await until_delivered(generation_id, hand_over)
        finally:
            self._lines.leave(place, generation_id)
            self._under_way.discard(generation_id)
            self._doubtful.discard(generation_id)

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
        await go_first_open(ways, generation_id, address, self._post, self._studio.delivered)

    async def _result_ways(
        self, generation: Generation, address: Address, notes: tuple[str, ...]
    ) -> Iterator[Way]:
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
        key, names = generation.id, [name for name, _ in parcel.contents]
        ways = picture_ways(
            key, generation.member_id, address, self._post, parcel, lambda: result_view(key, names)
        )
        channel_id, waiting = address.channel_id, address.waiting_message_id
        if key not in self._doubtful or channel_id is None or waiting is None or address.ephemeral:
            return ways
        return chain([(Route.CHANNEL, lambda: self._post.find(channel_id, names=names, after=waiting))], ways)


async def until_delivered(key: str, hand_over: Callable[[], Awaitable[None]]) -> bool:
    """Await `hand_over()`, again after a pause as long as Discord, the records or the disk are out of reach.

    False if something else came between; the log says what.
    """
    try:
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                await hand_over()
            except (Unreachable, DatabaseUnusable, OSError) as fault:
                log.warning("%s is delivered later: %s", key, fault)
                await asyncio.sleep(pause)
            else:
                return True
    except NotFound:
        log.info("%s was deleted before it was delivered", key)
    except Exception:
        # One result must not end the deliveries of all others; its record stays, and so does the next start.
        log.exception("%s was not delivered; the next start tries again", key)
    return False


async def go_first_open(
    ways: Iterator[Way], key: str, address: Address, post: Post, record: Callable[..., Awaitable[None]]
) -> None:
    """Go the first way that is open, write that down by `record`, and remove the waiting message.

    Raises Unreachable where no way can be told to be open or closed.
    """
    route, message_id = await _first_open(ways, key)
    for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
        try:
            await record(key, route=route, message_id=message_id)
        except DatabaseUnusable as error:  # to deliver it twice would be worse than to wait
            log.error("the delivery of %s cannot be recorded yet: %s", key, error)  # noqa: TRY400
            await asyncio.sleep(pause)
        else:
            break
    log.info("%s was delivered: %s", key, route)
    if message_id != address.waiting_message_id:
        try:
            await post.delete_waiting(address)
        except Unreachable as fault:
            log.info("the waiting message of %s stays: %s", key, fault)


def picture_ways(
    key: str, member_id: int, address: Address, post: Post, parcel: Parcel, view: Callable[[], View]
) -> Iterator[Way]:
    """The ways of finished pictures. Each makes its own view: a view belongs to one message."""
    text, channel_id = parcel.text, address.channel_id
    if channel_id is not None and not address.ephemeral:
        yield (
            Route.CHANNEL,
            lambda: post.send_to_channel(
                channel_id,
                key=key,
                content=text,
                view=view(),
                files=parcel.files,
                reply_to=address.reply_to_message_id,
            ),
        )
    yield (
        Route.INTERACTION,
        lambda: post.edit_waiting(address, content=text, view=view(), files=parcel.files, channel_too=False),
    )
    if not address.ephemeral:
        yield (
            Route.INTERACTION,
            lambda: post.follow_up(address, content=text, view=view(), files=parcel.files),
        )
    if not parcel.confined:
        yield (
            Route.DIRECT,
            lambda: post.send_directly(member_id, key=key, content=text, view=view(), files=parcel.files),
        )


def _failure_ways(generation: Generation, address: Address, post: Post) -> Iterator[Way]:
    """Who cancelled knows, and is not called for it."""
    ways = sentence_ways(
        generation.id,
        generation.member_id,
        address,
        post,
        wording.failed(generation),
        lambda: retry_view(generation.id),
    )
    return islice(ways, 1) if generation.state is JobState.CANCELLED else ways


def sentence_ways(
    key: str, member_id: int, address: Address, post: Post, text: str, view: Callable[[], View]
) -> Iterator[Way]:
    """The ways of a sentence: at first its waiting message becomes it."""
    channel_id = address.channel_id
    yield (
        Route.CHANNEL if address.interaction_token is None else Route.INTERACTION,
        lambda: post.edit_waiting(address, content=text, view=view()),
    )
    if channel_id is not None and not address.ephemeral:
        yield (
            Route.CHANNEL,
            lambda: post.send_to_channel(
                channel_id,
                key=key,
                content=text,
                view=view(),
                reply_to=address.reply_to_message_id,
            ),
        )
    yield (
        Route.DIRECT,
        lambda: post.send_directly(member_id, key=key, content=text, view=view()),
    )


async def _first_open(ways: Iterator[Way], generation_id: str) -> tuple[Route, int | None]:
    """Go the first way that is open. Raises Unreachable where none can be told to be."""
    for route, go in ways:
        try:
            return route, await go()
        except Closed as closed:
            log.info("%s cannot go by %s: %s", generation_id, route, closed)
    return Route.HISTORY, None
