"""A message that mentions the bot and holds a picture, or replies to one: image to image."""

import logging
from contextlib import suppress
from typing import Any

import aiohttp
import discord
from discord.ext import commands

from bot import wording
from bot.acknowledge import told
from bot.attachments import Source, picture_of
from bot.commands.options import pictures_given
from bot.desk import Desk, author_of
from bot.errors import NoSeedToKeep, NotFound, WordKeptOut
from bot.flags import read_flags
from bot.history import Generation
from bot.pick import Pick, seed_of, starting_picture
from bot.place import Address, Viewer
from bot.post import insist
from bot.seeds import NEW, SAME
from generation import BadPicture, Mode, PictureFault, Request

log = logging.getLogger(__name__)

_REFUSAL_STAYS = 60.0  # seconds: a refusal, which everybody in the channel sees here, then goes
_QUIET = discord.AllowedMentions.none()


class Reply(commands.Cog):
    def __init__(self, desk: Desk, client: discord.Client) -> None:
        self._desk = desk
        self._client = client

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        if not self._is_for_us(message):
            return
        answer = _Answer(message)
        try:
            await self._redraw(message, answer)
        except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
            await answer.refuse(error)

    def _is_for_us(self, message: discord.Message) -> bool:
        if message.author.bot or message.webhook_id is not None:
            return False
        if message.type not in {discord.MessageType.default, discord.MessageType.reply}:
            return False
        return message.guild is None or self._client.user in message.mentions

    async def _redraw(self, message: discord.Message, answer: "_Answer") -> None:
        # 1. The words, and the picture that they are about.
        me = self._client.user
        flags = read_flags(message.content, mention=None if me is None else me.id)
        viewer = author_of(message)
        image = picture_of(message)
        drawn = None
        if image is None and message.attachments:
            raise BadPicture(PictureFault.NOT_A_PICTURE, name=message.attachments[0].filename)
        if image is None:
            target = await _target(message)
            if target is None:
                await answer.say(wording.NOTHING_TO_DO)
                return
            image = picture_of(target)
            if image is not None and target.author == me:
                drawn = await self._drawn(image, viewer)
        if image is None:
            raise BadPicture(PictureFault.MISSING)
        own_words = bool(flags.prompt.strip())
        prompt = flags.prompt if own_words or drawn is None else drawn.recipe.prompt
        # 2. A sign that it was understood, and how; it becomes the waiting message, or the refusal.
        notes = wording.understood(flags.changes, flags.seed)
        waiting_message_id = await answer.say(wording.with_notes(wording.accepted(prompt), notes))
        # 3. The request. Redrawing one of Easel's own pictures stays with its model unless another is named,
        #    and with its style where it stays with its words.
        changes: dict[str, Any] = dict(flags.changes)
        if drawn is not None and changes.get("mode") is not Mode.UPSCALE:
            kept = self._desk.studio.recipes.kept_model(drawn.recipe, changes.get("mode"), viewer)
            changes.setdefault("model", kept)
        if drawn is not None and not own_words:
            changes.setdefault("style", drawn.recipe.to_request().style)
        seed = await self._seed(flags.seed, viewer, image, drawn)
        address = Address(
            channel_id=message.channel.id,
            reply_to_message_id=message.id,
            waiting_message_id=waiting_message_id,
        )
        parent_id = None if drawn is None else drawn.id
        with_holes = changes.get("mode") is Mode.INPAINT
        async with self._desk.holding(self._source(image, drawn, with_holes=with_holes)) as source:
            request = Request(prompt=prompt, seed=seed, **pictures_given(source, None), **changes)
            # 4. To the studio.
            await self._desk.submit(
                request, viewer=viewer, address=address, parent_id=parent_id, source=source, notes=notes
            )

    async def _drawn(self, image: discord.Attachment, viewer: Viewer) -> Generation | None:
        """The generation that a picture of Easel's own shows, if the viewer may see it: its file is named for it.

        Asking the record of deliveries instead would miss who answers before it is written.
        """
        try:
            return await self._desk.history.recall(Pick.read(image.filename).generation_id, viewer)
        except NotFound:
            return None

    async def _source(
        self, image: discord.Attachment, drawn: Generation | None, *, with_holes: bool = False
    ) -> Source:
        """The picture as it was drawn where it is Easel's own; what Discord keeps may have been changed.

        Raises BadPicture, or NotAllowed where the content filter flagged it.
        """
        if drawn is not None:
            with suppress(NotFound):  # its file is gone
                return await self._desk.read_drawn(starting_picture(drawn, Pick.read(image.filename).first))
        return await self._desk.read_source(image, with_holes=with_holes)

    async def _seed(
        self, typed: str | None, viewer: Viewer, image: discord.Attachment, drawn: Generation | None
    ) -> int | None:
        if typed is None or typed.casefold() == NEW:
            return None
        if typed.casefold() == SAME:
            if drawn is None:
                raise NoSeedToKeep
            return seed_of(drawn, Pick.read(image.filename).first)
        return await self._desk.seeds.read(viewer, typed)


class _Answer:
    """The one message with which a message is answered: it is there once, whatever it says in the end."""

    def __init__(self, message: discord.Message) -> None:
        self._message = message
        self._standing: discord.Message | None = None

    async def say(self, text: str) -> int:
        """Answer, or change the answer; returns its id. Nobody is pinged."""
        standing = self._standing
        if standing is None:
            self._standing = await insist(
                # The nonce keeps a repeated answer from being there twice.
                lambda: self._message.reply(
                    text, nonce=self._message.id, suppress_embeds=True, allowed_mentions=_QUIET
                )
            )
        else:
            self._standing = await insist(lambda: standing.edit(content=text, allowed_mentions=_QUIET))
        return self._standing.id

    async def refuse(self, error: Exception) -> None:
        """Tell its author in one sentence what went wrong, for a while."""
        if isinstance(error, WordKeptOut):
            error = WordKeptOut(None)  # everybody reads this
        text = told(error, self._message.author.id)
        if text is None:
            return
        try:
            await self.say(text)
            if self._standing is not None and self._message.guild is not None:
                await self._standing.delete(delay=_REFUSAL_STAYS)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as fault:
            log.info("a refusal did not reach %s: %r", self._message.author.id, fault)


async def _target(message: discord.Message) -> discord.Message | None:
    """The message that this one replies to. Raises NotFound where it is gone or may not be read."""
    reference = message.reference
    if reference is None or reference.message_id is None or message.type is not discord.MessageType.reply:
        return None
    if isinstance(reference.resolved, discord.Message):
        return reference.resolved
    if reference.resolved is None:
        try:
            return await message.channel.fetch_message(reference.message_id)
        except (discord.NotFound, discord.Forbidden):
            log.info("message %s cannot be read", reference.message_id)
    raise NotFound("message", str(reference.message_id))
