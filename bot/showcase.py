"""Posts what members starred in the showcase of its server: each picture once, and nothing that is private."""

import logging
from collections.abc import Callable, Sequence

import discord

from bot import wording
from bot.history import Generation
from bot.parcel import Parcel, pack
from bot.place import Viewer
from bot.post import Closed, Post, Unreachable
from bot.servers import Deed
from bot.studio import Studio
from db import DatabaseError

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

    async def show(self, generation: Generation, viewer: Viewer) -> None:
        """Post what the viewer has just starred in their server, unless it is there already or is not to be shown.

        Private pictures never are, nor those of a channel for adults in one for everybody, nor what a blocked
        member has starred. Nothing is raised: whoever sets a star has got it, and a fault here is not theirs.
        """
        guild_id = generation.guild_id
        if generation.private or guild_id is None or guild_id != viewer.guild_id:
            return
        rules = self._studio.servers.over(viewer)
        if rules.showcase is None or rules.showcase == generation.channel_id or viewer.member_id in rules.blocked:
            return
        channel = self._bot.get_channel(rules.showcase)
        for_adults = isinstance(channel, discord.TextChannel) and channel.is_nsfw()
        if generation.age_restricted and not for_adults:
            return
        try:
            display = self._studio.display(guild_id)
            parcel = await pack(generation, wording.result(generation), display, age_restricted=for_adults)
            if parcel.contents and await self._studio.servers.claim(generation.id, rules.showcase):
                await self._send(generation.id, guild_id, rules.showcase, parcel)
        except (Unreachable, DatabaseError, OSError) as fault:
            log.warning("the starred picture %s is not shown: %s", generation.id, fault)

    async def _send(self, generation_id: str, guild_id: int, channel_id: int, parcel: Parcel) -> None:
        """Post what was claimed; where it does not arrive, the claim is given up, and the server's log says so."""
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
            await self._studio.servers.give_up(generation_id)
            await self._studio.servers.note(guild_id, Deed.NOT_SHOWN)
        except Unreachable:
            await self._studio.servers.give_up(generation_id)
            raise
        else:
            await self._studio.servers.set_message(generation_id, message_id)
