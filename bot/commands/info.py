"""`/info`: what draws here, and what the member may still spend."""

from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import whisper
from bot.commands.options import Interaction
from bot.desk import Desk, viewer_of
from bot.wording import labels


class Info(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="info", description=labels.COMMANDS["info"])
    async def info(self, interaction: Interaction) -> None:
        studio, viewer = self._desk.studio, viewer_of(interaction)
        embed = wording.information(
            studio.worker,
            studio.catalogue.find(await studio.recipes.default_model(viewer)),
            await studio.allowance(viewer),
            await self._desk.history.totals(viewer.member_id),
            len(studio.queue()),
        )
        await whisper(interaction, embeds=[embed])
