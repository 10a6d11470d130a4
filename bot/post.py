"""How a message of the bot comes to be, changes and goes, by whichever of its ways is open.

Two ways lead to a message: the interaction's token, which lives for a quarter of an hour and sometimes less, and
the bot's own token, which works where the bot is a member and may post. discord.py repeats what Discord asks to
have repeated (429) and most of its faults; what it does not repeat is repeated here.

Changes of one message come one after the other. One that is dropped while it is on its way, so that nothing waits
for it, may still arrive at Discord after the next one: that is looked after, and made again where it was undone.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import aiohttp
import discord
from discord.webhook import async_

from bot.place import Address

log = logging.getLogger(__name__)
T = TypeVar("T")

# What a connection that broke off leaves. discord.py knows a reset one by the numbers of other systems than Linux.
_BROKEN_OFF = (aiohttp.ClientError, ConnectionError, TimeoutError)

_TRIES = 4
_FIRST_PAUSE = 0.5  # seconds; doubled each time
_TOKEN_MARGIN = 20.0  # seconds before its end at which an interaction's token is no longer begun with
_INVALID_TOKEN = 50027
_UNAUTHORISED = 401
_TOO_MANY = 429
_LOOKED_THROUGH = 500  # messages of a channel, for one that may be there already
_LOOKS = (2.0, 5.0, 15.0, 40.0, 60.0)  # seconds between looks at a message that a dropped change may still reach

Files = Callable[[], Sequence[discord.File]]  # opened anew for each try: sending closes them


class _Turn(async_.AsyncDeferredLock):
    """Whose turn it is among all calls on one interaction.

    discord.py makes a pause where Discord wants one, and whoever is dropped in it never gives the turn on.
    """

    async def __aexit__(self, *error: object) -> None:
        try:
            if self.delta:
                await asyncio.sleep(self.delta)
        finally:
            self.lock.release()


async_.AsyncDeferredLock = _Turn  # type: ignore[misc]


class Closed(Exception):
    """A way that is closed for good; another one may be open."""


class Unreachable(Exception):
    """Discord cannot be reached at the moment, or does not take the bot's token: later it may."""


class NoConnection(Unreachable):
    """Discord cannot be reached by anybody: there was nobody at its address."""


def no_files() -> Sequence[discord.File]:
    return ()


async def insist(call: Callable[[], Awaitable[T]], *, tries: int = _TRIES) -> T:
    """Await `call()`, again after a pause where a fault of the moment came between. It must be safe to repeat."""
    for attempt in range(tries - 1):
        try:
            return await call()
        except (discord.HTTPException, *_BROKEN_OFF) as fault:
            if not passing(fault):
                raise
            pause = _FIRST_PAUSE * 2**attempt
            log.info("Discord: %r, trying again in %.1f s", fault, pause)
            await asyncio.sleep(pause)
    return await call()


def passing(fault: Exception) -> bool:
    """Whether a fault is one of the moment: Discord's own, a limit of its rate, or a connection that broke off."""
    if isinstance(fault, discord.HTTPException):
        return fault.status >= 500 or fault.status == _TOO_MANY
    return isinstance(fault, _BROKEN_OFF)


class Post:
    """Writes, changes and removes messages. Raises Closed, or Unreachable when repeating did not help."""

    def __init__(self, bot: discord.Client, *, clock: Callable[[], float] = time.time) -> None:
        self._bot = bot
        self._clock = clock
        self._dropped: set[int] = set()  # messages of which a change was given up while it was on its way
        self._kept: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Look after messages no longer, nor after changes that were given up."""
        for task in self._kept:
            task.cancel()
        if self._kept:
            await asyncio.wait(self._kept)

    async def send_to_channel(
        self,
        channel_id: int,
        *,
        key: str,
        content: str,
        view: discord.ui.View,
        files: Files = no_files,
        embeds: Sequence[discord.Embed] = (),
        reply_to: int | None = None,
    ) -> int:
        """Post an ordinary message; sent twice with the same `key` within minutes, it is there once.

        Only the author of the message `reply_to` is pinged. Returns the message's id.
        """
        channel = self._bot.get_partial_messageable(channel_id)
        options: dict[str, Any] = {}
        if reply_to is not None:
            options["reference"] = discord.MessageReference(
                message_id=reply_to, channel_id=channel_id, fail_if_not_exists=False
            )
        return await self._send(channel, key, content=content, view=view, files=files, embeds=embeds, **options)

    async def send_directly(
        self,
        member_id: int,
        *,
        key: str,
        content: str,
        view: discord.ui.View,
        files: Files = no_files,
        embeds: Sequence[discord.Embed] = (),
    ) -> int:
        """Post to a member's direct messages; otherwise as `send_to_channel`."""
        channel = await self._through(lambda: self._bot.create_dm(discord.Object(member_id)))
        return await self._send(channel, key, content=content, view=view, files=files, embeds=embeds)

    async def _send(
        self,
        channel: discord.abc.Messageable,
        key: str,
        *,
        content: str,
        files: Files,
        embeds: Sequence[discord.Embed],
        **options: Any,
    ) -> int:
        mentions = discord.AllowedMentions(
            everyone=False, users=False, roles=False, replied_user="reference" in options
        )
        message: discord.Message = await self._through(
            lambda: channel.send(
                content,
                files=files(),
                embeds=embeds,
                nonce=_nonce(key),
                suppress_embeds=not embeds,  # nothing that somebody links to is shown large
                allowed_mentions=mentions,
                **options,
            )
        )
        return message.id

    async def find(self, channel_id: int, *, key: str, after: int | None) -> int:
        """The bot's own message that bears `key`, posted after the message `after`; returns its id.

        A file's name or a button's id bears it. Whether a message that was sent is there is known for minutes only
        by its nonce: Discord forgets those. The answer to a command does not count. Raises Closed where it is not
        there, or cannot be looked for.
        """
        return await self._find(self._bot.get_partial_messageable(channel_id), key, after)

    async def find_directly(self, member_id: int, *, key: str, after: int | None) -> int:
        """As `find`, in a member's direct messages."""
        channel = await self._through(lambda: self._bot.create_dm(discord.Object(member_id)))
        return await self._find(channel, key, after)

    async def _find(self, channel: discord.abc.Messageable, key: str, after: int | None) -> int:
        since = None if after is None else discord.Object(after)

        async def look() -> int | None:
            async for message in channel.history(after=since, limit=_LOOKED_THROUGH):
                own = message.author == self._bot.user and message.interaction_metadata is None
                if own and _bears(message, key):
                    return message.id
            return None

        found = await self._through(look)
        if found is None:
            raise Closed("it has not been posted yet")
        return found

    async def edit_waiting(
        self,
        address: Address,
        *,
        content: str,
        view: discord.ui.View | None,
        files: Files | None = no_files,
        embeds: Sequence[discord.Embed] = (),
        channel_too: bool = True,
    ) -> int:
        """Change the waiting message, through the interaction or else (`channel_too`) with the bot's token.

        `files` take the place of those that it has; where they are None it keeps them. Returns its id.
        """
        waiting = address.waiting_message_id
        if waiting is None:
            raise Closed("there is no waiting message")

        def changes() -> dict[str, Any]:
            kept = {} if files is None else {"attachments": files()}
            shown = {"embeds": embeds} if embeds else {}
            return {"content": content, "view": view, **kept, **shown}

        webhook = self._webhook(address)
        if webhook is not None:
            try:
                return await self._change(
                    waiting,
                    lambda: webhook.edit_message(waiting, **changes()),
                    lambda: webhook.fetch_message(waiting),
                )
            except Closed:
                if not channel_too:
                    raise
        channel = self._channel(address)
        if channel is None or not channel_too:
            raise Closed("the interaction is over")
        message = channel.get_partial_message(waiting)
        return await self._change(waiting, lambda: self._to_its_end(message.edit(**changes())), message.fetch)

    async def _to_its_end(self, request: Coroutine[Any, Any, T]) -> T:
        """Await a request with the bot's token, which goes on also where nobody waits for it any more.

        discord.py makes a pause where Discord wants one of the whole bot, and all other requests wait for this one
        meanwhile: dropped there, it would never let them go on.
        """
        return await asyncio.shield(self._look_after(request))

    def _look_after(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task

    async def _change(
        self,
        message_id: int,
        change: Callable[[], Awaitable[discord.Message]],
        look: Callable[[], Awaitable[discord.Message]],
    ) -> int:
        """Change a message, and see that a change of before, which was dropped on its way, does not undo it."""
        try:
            changed = await self._through(change)
        except asyncio.CancelledError:
            self._dropped.add(message_id)
            raise
        if message_id in self._dropped:
            self._dropped.discard(message_id)
            self._look_after(self._keep(changed, change, look))
        return changed.id

    async def _keep(
        self,
        changed: discord.Message,
        change: Callable[[], Awaitable[discord.Message]],
        look: Callable[[], Awaitable[discord.Message]],
    ) -> None:
        for pause in _LOOKS:
            await asyncio.sleep(pause)
            try:
                if not await self._is_as(changed, look):
                    log.info("message %d was undone by a change of before, and is changed again", changed.id)
                    changed = await self._through(change)
            except Unreachable as fault:
                log.info("message %d cannot be looked after: %s", changed.id, fault)
            except Closed:
                return  # it was deleted, or nobody can change it any more

    async def _is_as(self, changed: discord.Message, look: Callable[[], Awaitable[discord.Message]]) -> bool:
        """Whether a message is still as it was changed; False where it may not be looked at."""
        try:
            return _shown(await self._through(look)) == _shown(changed)
        except Closed:
            return False

    async def follow_up(
        self, address: Address, *, content: str, view: discord.ui.View, files: Files = no_files
    ) -> int:
        """Post another, public message through the interaction. It is not repeated: that could double it."""
        webhook = self._webhook(address)
        if webhook is None:
            raise Closed("the interaction is over")
        message = await self._through(
            lambda: webhook.send(content, view=view, files=files(), wait=True, suppress_embeds=True), tries=1
        )
        return message.id

    async def delete_waiting(self, address: Address) -> None:
        """Remove the waiting message; one that is gone already, or out of reach, does not matter."""
        if address.waiting_message_id is not None:
            await self.delete(address, address.waiting_message_id)

    async def delete(self, address: Address, message_id: int) -> None:
        """Remove a message of the interaction or of the channel, otherwise as `delete_waiting`."""
        self._dropped.discard(message_id)
        webhook, channel = self._webhook(address), self._channel(address)
        try:
            if webhook is not None:
                await self._through(lambda: webhook.delete_message(message_id))
                return
        except Closed:
            log.debug("message %s cannot be removed through its interaction", message_id)
        try:
            if channel is not None:
                await self._through(channel.get_partial_message(message_id).delete)
        except Closed:
            log.debug("message %s cannot be removed", message_id)

    async def delete_directly(self, member_id: int, message_id: int) -> None:
        """Remove a direct message, otherwise as `delete_waiting`."""
        try:
            channel = await self._through(lambda: self._bot.create_dm(discord.Object(member_id)))
            await self._through(channel.get_partial_message(message_id).delete)
        except Closed:
            log.debug("direct message %s cannot be removed", message_id)

    def _webhook(self, address: Address) -> discord.Webhook | None:
        """The interaction's own way, while its token lives."""
        token, application, expires_at = (
            address.interaction_token,
            address.application_id,
            address.interaction_expires_at,
        )
        if token is None or application is None or expires_at is None:
            return None
        if self._clock() > expires_at - _TOKEN_MARGIN:
            return None
        return discord.Webhook.partial(application, token, client=self._bot)

    def _channel(self, address: Address) -> discord.PartialMessageable | None:
        """The bot's own way; what is for one member's eyes cannot be reached by it."""
        if address.channel_id is None or address.ephemeral:
            return None
        return self._bot.get_partial_messageable(address.channel_id)

    @staticmethod
    async def _through(call: Callable[[], Awaitable[T]], *, tries: int = _TRIES) -> T:
        try:
            return await insist(call, tries=tries)
        except (discord.HTTPException, *_BROKEN_OFF) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise NoConnection(repr(error)) from error
            if passing(error) or not isinstance(error, discord.HTTPException):
                raise Unreachable(repr(error)) from error
            if error.status == _UNAUTHORISED and error.code != _INVALID_TOKEN:
                log.critical("Discord does not take the bot's token any more")
                raise Unreachable("the bot's token is not taken") from error
            raise Closed(f"{error.status} {error.code}: {error.text}") from error


def _bears(message: discord.Message, key: str) -> bool:
    """Whether a file's name or the id of something to press has a key in it."""
    rows = (part.children for part in message.components if isinstance(part, discord.ActionRow))
    ids = [item.custom_id or "" for row in rows for item in row]
    return any(key in name for name in (*ids, *(each.filename for each in message.attachments)))


def _shown(message: discord.Message) -> tuple[object, ...]:
    return message.content, [each.id for each in message.attachments]


def _nonce(key: str) -> int:
    """A number that belongs to `key`: Discord takes at most 25 characters."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
