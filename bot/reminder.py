"""Tells members, beside their next answer, of what could be handed over by no way and waits in `/history`."""

import asyncio
import logging
from typing import Any

import aiohttp
import discord

from bot import wording
from bot.studio import Studio
from db import DatabaseError

log = logging.getLogger(__name__)

# Seconds between looks whether an answer stands there: what is sent before it would take its place.
_LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_UNANSWERABLE = {discord.InteractionType.ping, discord.InteractionType.autocomplete}


class Reminder:
    """One note to each member at a time, for their eyes alone; one that does not arrive is tried at the next."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._under_way: set[int] = set()

    async def remind(self, interaction: discord.Interaction[Any]) -> None:
        """Follow the answer to an interaction up with what its member has not seen."""
        member_id = interaction.user.id
        if interaction.type in _UNANSWERABLE or member_id in self._under_way:
            return
        self._under_way.add(member_id)
        try:
            finished, failed = await self._studio.unseen(member_id)
            if (finished or failed) and await _answered(interaction):
                await interaction.followup.send(wording.unseen(len(finished), len(failed)), ephemeral=True)
                await self._studio.note_unseen([*finished, *failed])
        except (discord.DiscordException, aiohttp.ClientError, OSError, DatabaseError) as fault:
            log.info("%s is told later what waits in the history: %s", member_id, fault)
        finally:
            self._under_way.discard(member_id)


async def _answered(interaction: discord.Interaction[Any]) -> bool:
    """Wait for the answer, which may have gone by now; False where there is none after a while."""
    for pause in _LOOKS:
        await asyncio.sleep(pause)
        if interaction.response.is_done():
            try:
                first = await interaction.original_response()
                if not (await interaction.followup.fetch_message(first.id)).flags.loading:
                    return True
            except discord.NotFound:  # a waiting message is taken away once its result is there
                return True
    return False
