"""Posts what members starred in the showcase of its server: each picture once, and nothing that is private."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import discord

from bot import wording
from bot.errors import WordKeptOut
from bot.history import Generation
from bot.parcel import Parcel, pack
from bot.place import Address, Viewer
from bot.post import Closed, Post, Unreachable
from bot.rules import Rules
from bot.servers import Deed
from bot.studio import Studio
from db import DatabaseError
from generation import Recipe

log = logging.getLogger(__name__)


class Showcase:
    """Shows pictures in the channel that a server has for them. A star taken back takes nothing down."""

    def __init__(
        self,
        bot: discord.Client,
        post: Post,
        view: Callable[[str, Sequence[str]], discord.ui.View],
        *,
        studio: Studio,
    ) -> None:
        """`view` makes what stands below a result, by its generation's id and the names of its files."""
        self._bot = bot
        self._post = post
        self._view = view
        self._studio = studio
        self._on_the_way: set[str] = set()  # generations that are being posted

    async def show(self, generation: Generation, viewer: Viewer) -> None:
        """Post what the viewer has just starred in their server, unless it is there already or is not to be shown.

        Private pictures never are, nor those of a channel for adults in one for everybody, nor what a blocked
        member has starred, nor a prompt with a word that is kept out by now. Of the rest, everybody who sees the
        showcase must see the channel, too: every role of the server, @everyone among them, that may view the one
        may view the other. Roles are compared one by one, and what a channel grants single members is not looked
        at. Private threads and channels that Easel does not know are seen by too few. Nothing is raised: whoever
        sets a star has got it, and a fault here is not theirs.
        """
        guild_id = generation.guild_id
        if generation.private or guild_id is None or guild_id != viewer.guild_id:
            return
        rules = self._studio.servers.over(viewer)
        if rules.showcase is None or rules.showcase == generation.channel_id or viewer.member_id in rules.blocked:
            return
        if generation.id in self._on_the_way or _has_word_kept_out(generation.recipe, rules):
            return
        self._on_the_way.add(generation.id)
        try:
            await self._show(generation, guild_id, rules.showcase)
        except (Unreachable, DatabaseError, OSError) as fault:
            log.warning("the starred picture %s is not shown: %s", generation.id, fault)
        finally:
            self._on_the_way.discard(generation.id)

    async def _show(self, generation: Generation, guild_id: int, channel_id: int) -> None:
        if await self._studio.servers.is_shown(generation.id):
            return
        channel = self._bot.get_channel(channel_id)
        if not isinstance(channel, discord.abc.GuildChannel):
            await self._studio.servers.note(guild_id, Deed.NOT_SHOWN)
            return
        for_adults = isinstance(channel, discord.TextChannel) and channel.is_nsfw()
        if generation.age_restricted and not for_adults:
            return
        if not self._is_seen_by_all_of(channel, generation.channel_id):
            return
        display = self._studio.display(guild_id)
        parcel = await pack(generation, wording.result(generation), display, age_restricted=for_adults)
        if parcel.contents:
            await self._send(generation.id, guild_id, channel_id, parcel)

    def _is_seen_by_all_of(self, showcase: discord.abc.GuildChannel, channel_id: int | None) -> bool:
        """Whether every role that sees the showcase sees the channel, too."""
        channel = None if channel_id is None else self._bot.get_channel(channel_id)
        if isinstance(channel, discord.Thread):
            channel = None if channel.is_private() else channel.parent
        if not isinstance(channel, discord.abc.GuildChannel) or channel.guild != showcase.guild:
            return False
        return all(
            channel.permissions_for(role).view_channel
            for role in showcase.guild.roles
            if showcase.permissions_for(role).view_channel
        )

    async def _send(self, generation_id: str, guild_id: int, channel_id: int, parcel: Parcel) -> None:
        """Post it. Where it may not be, the server's log says so; one that was deleted meanwhile is taken down."""
        try:
            message_id = await self._post.send_to_channel(
                channel_id,
                key=f"showcase {generation_id}",
                content=parcel.text,
                view=self._view(generation_id, [name for name, _ in parcel.contents]),
                files=parcel.files,
            )
        except Closed as closed:
            log.info("the starred picture %s cannot be shown: %s", generation_id, closed)
            await self._studio.servers.note(guild_id, Deed.NOT_SHOWN)
            return
        if not await self._studio.servers.note_shown(generation_id, channel_id, message_id):
            await self._post.delete_waiting(Address(channel_id=channel_id, waiting_message_id=message_id))


def _has_word_kept_out(recipe: Recipe, rules: Rules) -> bool:
    """Whether a prompt of before would be refused by now; models and ceilings are about what is drawn anew."""
    try:
        replace(rules, models=frozenset(), steps=None, side=None).check(recipe)
    except WordKeptOut:
        return True
    return False
