"""How a message of the bot comes to be, changes and goes, by whichever of its ways is open.

Two ways lead to a message: the interaction's token, which lives for a quarter of an hour and sometimes less, and
the bot's own token, which works where the bot is a member and may post. discord.py repeats what Discord asks to
have repeated (429) and most of its faults; what it does not repeat is repeated here.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

import aiohttp
import discord

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

Files = Callable[[], Sequence[discord.File]]  # opened anew for each try: sending closes them


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

    async def send_to_channel(
        self,
        channel_id: int,
        *,
        key: str,
        content: str,
        view: discord.ui.View,
        files: Files = no_files,
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
        return await self._send(channel, key, content=content, view=view, files=files, **options)

    async def send_directly(
        self, member_id: int, *, key: str, content: str, view: discord.ui.View, files: Files = no_files
    ) -> int:
        """Post to a member's direct messages; otherwise as `send_to_channel`."""
        channel = await self._through(lambda: self._bot.create_dm(discord.Object(member_id)))
        return await self._send(channel, key, content=content, view=view, files=files)

    async def _send(
        self, channel: discord.abc.Messageable, key: str, *, content: str, files: Files, **options: Any
    ) -> int:
        mentions = discord.AllowedMentions(
            everyone=False, users=False, roles=False, replied_user="reference" in options
        )
        message: discord.Message = await self._through(
            lambda: channel.send(
                content,
                files=files(),
                nonce=_nonce(key),
                suppress_embeds=True,
                allowed_mentions=mentions,
                **options,
            )
        )
        return message.id

    async def find(self, channel_id: int, *, names: Collection[str], after: int) -> int:
        """The bot's own message with a file of one of `names`, posted after the message `after`; returns its id.

        Whether a message that was sent is there is known for minutes only by its key: Discord forgets nonces. The
        answer to a command does not count. Raises Closed where it is not there, or cannot be looked for.
        """
        channel = self._bot.get_partial_messageable(channel_id)

        async def look() -> int | None:
            first = discord.Object(after)
            async for message in channel.history(after=first, oldest_first=True, limit=_LOOKED_THROUGH):
                own = message.author == self._bot.user and message.interaction_metadata is None
                if own and any(attachment.filename in names for attachment in message.attachments):
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
            return {"content": content, "view": view, **kept}

        webhook = self._webhook(address)
        if webhook is not None:
            try:
                edited = await self._through(lambda: webhook.edit_message(waiting, **changes()))
            except Closed:
                if not channel_too:
                    raise
            else:
                return edited.id
        channel = self._channel(address)
        if channel is None or not channel_too:
            raise Closed("the interaction is over")
        message = channel.get_partial_message(waiting)
        await self._through(lambda: message.edit(**changes()))
        return waiting

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
        waiting = address.waiting_message_id
        if waiting is None:
            return
        webhook, channel = self._webhook(address), self._channel(address)
        try:
            if webhook is not None:
                await self._through(lambda: webhook.delete_message(waiting))
                return
        except Closed:
            log.debug("waiting message %s cannot be removed through its interaction", waiting)
        try:
            if channel is not None:
                await self._through(channel.get_partial_message(waiting).delete)
        except Closed:
            log.debug("waiting message %s cannot be removed", waiting)

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


def _nonce(key: str) -> int:
    """A number that belongs to `key`: Discord takes at most 25 characters."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
