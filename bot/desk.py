"""Where members' wishes come in: who asks, from where, and where the result goes. Discord in, studio out."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import discord

from bot import wording
from bot.acknowledge import take_note, think
from bot.attachments import Source, read_bytes, read_mask, read_pair, read_source
from bot.errors import NotAllowed
from bot.history import History, Picture
from bot.mydata import MyData
from bot.pictures import Pictures
from bot.place import Address, Viewer
from bot.preferences import Preferences
from bot.progress import Progress
from bot.samples import Samples
from bot.seeds import Seeds
from bot.sheets import Sheets
from bot.showcase import Showcase
from bot.studio import Studio
from db import DatabaseError
from generation import Mode, Recipe, Request

log = logging.getLogger(__name__)

_TOKEN_LIFE = 15 * 60.0  # seconds, from the interaction's arrival


class Desk:
    """What every command and button works with."""

    def __init__(
        self,
        *,
        studio: Studio,
        history: History,
        seeds: Seeds,
        preferences: Preferences,
        samples: Samples,
        mydata: MyData,
        pictures: Pictures,
        sheets: Sheets,
        progress: Progress,
        showcase: Showcase,
        follow_sheet: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.studio = studio
        self.history = history
        self.seeds = seeds
        self.preferences = preferences
        self.samples = samples
        self.mydata = mydata
        self.sheets = sheets
        self.showcase = showcase
        self._pictures = pictures
        self._progress = progress
        self._follow_sheet = follow_sheet
        self._clock = clock
        self._in_hand: Counter[str] = Counter()  # sources of requests that are not yet accepted or refused

    async def is_private(self, viewer: Viewer, asked: bool | None = None) -> bool:
        """Whether a result is for the member alone: as `asked`, else as the member's own default says."""
        return bool((await self.preferences.of(viewer)).private) if asked is None else asked

    async def think(self, interaction: discord.Interaction[Any], *, private: bool) -> Address:
        """Acknowledge at once; returns where the result goes. What is private stays with the member alone."""
        arrived_at = self._clock()
        ephemeral = private and not _is_own_dm(interaction)
        waiting_message_id = await think(interaction, private=ephemeral)
        return _address(interaction, arrived_at, waiting_message_id, ephemeral=ephemeral)

    async def take_over(self, interaction: discord.Interaction[Any]) -> Address:
        """Acknowledge a button; the message that it is on becomes the one that tells how far the result is."""
        arrived_at = self._clock()
        await take_note(interaction)
        message = interaction.message
        if message is None:
            raise ValueError("only a button has a message to take over")
        return _address(interaction, arrived_at, message.id, ephemeral=message.flags.ephemeral)

    async def read_source(self, image: discord.Attachment, *, with_holes: bool = False) -> Source:
        """Check and keep an upload; `with_holes`, what is transparent in it as a mask too. Raises BadPicture."""
        return await read_source(image, self._pictures, with_holes=with_holes)

    async def read_data(self, data: bytes, name: str, *, with_holes: bool = False) -> Source:
        """Check and keep bytes that were fetched already. Raises BadPicture."""
        return await read_bytes(data, name=name, pictures=self._pictures, with_holes=with_holes)

    async def read_pair(self, first: tuple[bytes, str], second: tuple[bytes, str]) -> Source:
        """Check two pictures, bytes and name, and keep them as one for a blend. Raises BadPicture."""
        return await read_pair(first, second, pictures=self._pictures)

    async def read_drawn(self, picture: Picture) -> Source:
        """One of Easel's own pictures as a source. Raises BadPicture, or OSError where its file is gone."""
        data = await asyncio.to_thread(picture.file.read_bytes)
        return await self.read_data(data, picture.name)

    @asynccontextmanager
    async def upload(
        self, image: discord.Attachment | None, *, with_holes: bool = False
    ) -> AsyncIterator[Source | None]:
        """As `holding`, of an upload that there may be."""
        if image is None:
            yield None
            return
        async with self.holding(self.read_source(image, with_holes=with_holes)) as source:
            yield source

    @asynccontextmanager
    async def upload_mask(self, mask: discord.Attachment | None) -> AsyncIterator[Source | None]:
        """As `holding`, of a mask that there may be."""
        if mask is None:
            yield None
            return
        async with self.holding(read_mask(mask, self._pictures)) as kept:
            yield kept

    @asynccontextmanager
    async def holding(self, reading: Awaitable[Source]) -> AsyncIterator[Source]:
        """A source for the request that is made of it within; if an error ends that, it is not kept for nothing.

        `reading` is what reads a picture and keeps it, and its errors are raised.
        """
        source = await reading
        self._in_hand.update(source.stored)
        try:
            yield source
        except Exception:
            for sha256 in source.stored:
                if self._in_hand[sha256] == 1:
                    await self._forget(sha256)
            raise
        finally:
            self._in_hand.subtract(source.stored)
            self._in_hand = +self._in_hand

    async def _forget(self, sha256: str) -> None:
        try:
            await self.history.forget_source(sha256)
        except (DatabaseError, OSError) as error:
            log.warning("the unused source %s stays: %s", sha256, error)

    async def submit(
        self,
        request: Request,
        *,
        viewer: Viewer,
        address: Address,
        private: bool = False,
        parent_id: str | None = None,
        source: Source | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Hand a request to the studio and tell its member how far it is; `notes` are told with the result.

        Raises what `Studio.submit` raises.
        """
        corrections = () if source is None else source.corrections

        async def notes_on(recipe: Recipe) -> tuple[str, ...]:
            instead: tuple[str, ...] = ()
            if request.model is None and recipe.mode is not Mode.UPSCALE:
                first = await self.studio.recipes.first_choice(viewer)
                instead = () if recipe.model == first else (wording.drawn_instead(recipe, first),)
            return (*notes, *instead, *map(wording.corrected, corrections))

        accepted = await self.studio.submit(
            request, viewer=viewer, address=address, private=private, parent_id=parent_id, notes_on=notes_on
        )
        self._progress.follow(accepted.generation_id, address, request.prompt, guild_id=viewer.guild_id)

    async def draw_sheet(self, sheet_id: str, viewer: Viewer, address: Address) -> None:
        """Have a comparison drawn, and its member told how far it is. Raises what `Sheets.draw` raises."""
        await self.sheets.draw(sheet_id, viewer, address)
        self._follow_sheet(sheet_id)


class HasDesk(Protocol):
    """The client, as buttons see it."""

    desk: Desk


def desk_of(interaction: discord.Interaction[Any]) -> Desk:
    """The desk of the client that an interaction came to."""
    return cast(HasDesk, interaction.client).desk


def viewer_of(interaction: discord.Interaction[Any]) -> Viewer:
    """Who uses a command or a button."""
    guild_id = interaction.guild_id
    resident = guild_id is not None and interaction.client.get_guild(guild_id) is not None
    return Viewer(
        member_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        moderator=guild_id is not None and interaction.permissions.manage_guild,
        age_restricted=_is_age_restricted(interaction.channel),
        resident=resident,
        within=_around(interaction.channel),
        roles=_roles(interaction.user),
    )


def moderator_of(interaction: discord.Interaction[Any]) -> Viewer:
    """Who sets the rules of a server. Raises NotAllowed for whoever may not manage it.

    Discord offers `/server` to nobody else, unless a server hands it to others in its own settings; the rules are
    for Manage Server all the same, since buttons and menus outlive a right that was taken away.
    """
    viewer = viewer_of(interaction)
    if not (viewer.moderator and viewer.resident):
        raise NotAllowed("server")
    return viewer


def author_of(message: discord.Message) -> Viewer:
    """Who wrote a message."""
    author = message.author
    return Viewer(
        member_id=author.id,
        guild_id=None if message.guild is None else message.guild.id,
        channel_id=message.channel.id,
        moderator=isinstance(author, discord.Member) and author.guild_permissions.manage_guild,
        age_restricted=_is_age_restricted(message.channel),
        resident=message.guild is not None,
        within=_around(message.channel),
        roles=_roles(author),
    )


def _address(
    interaction: discord.Interaction[Any], arrived_at: float, waiting_message_id: int, *, ephemeral: bool
) -> Address:
    return Address(
        channel_id=interaction.channel_id if _may_post(interaction) else None,
        application_id=interaction.application_id,
        interaction_token=interaction.token,
        interaction_expires_at=arrived_at + _TOKEN_LIFE,
        waiting_message_id=waiting_message_id,
        ephemeral=ephemeral,
    )


def _is_own_dm(interaction: discord.Interaction[Any]) -> bool:
    """Whether this is the member's direct conversation with the bot, which nobody else reads."""
    return interaction.guild_id is None and interaction.context.dm_channel


def _is_age_restricted(channel: object) -> bool:
    """Whether Discord shows a channel to adults only; what has no such setting, as direct messages, is for all.

    A thread is as the channel that it belongs to, and as open as can be where that is not known.
    """
    told = getattr(channel, "is_nsfw", None)
    return told is not None and bool(told())


def _around(channel: object) -> frozenset[int]:
    """The channel that a thread belongs to, and the category that a channel is in, as far as they are known."""
    if isinstance(channel, discord.Thread):
        return frozenset({channel.parent_id}) | _around(channel.parent)
    category_id: int | None = getattr(channel, "category_id", None)
    return frozenset() if category_id is None else frozenset({category_id})


def _roles(user: discord.User | discord.Member) -> frozenset[int]:
    """The roles of a member, @everyone among them."""
    return frozenset(role.id for role in user.roles) if isinstance(user, discord.Member) else frozenset()


def _may_post(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot itself may put pictures there: it is a member and has the permissions."""
    if interaction.guild_id is None:
        return interaction.context.dm_channel
    if interaction.client.get_guild(interaction.guild_id) is None:
        return False  # brought along by the member
    may = interaction.app_permissions
    is_thread = isinstance(interaction.channel, discord.Thread)
    may_send = may.send_messages_in_threads if is_thread else may.send_messages
    return may.view_channel and may_send and may.attach_files
