"""`/history` and `/show`: what was drawn before."""

from discord import app_commands
from discord.ext import commands

from bot.acknowledge import whisper
from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.views import history_message, show
from bot.wording import labels


class HistoryCommands(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="history", description=labels.COMMANDS["history"])
    async def history(self, interaction: options.Interaction) -> None:
        await self._desk.think(interaction, private=True)
        await whisper(interaction, **await history_message(self._desk, viewer_of(interaction)))

    @app_commands.command(name="show", description=labels.COMMANDS["show"])
    @app_commands.describe(id=labels.SHOW_ID)
    @app_commands.autocomplete(id=options.suggest_generation)
    async def show(
        self,
        interaction: options.Interaction,
        id: str,  # noqa: A002  (the option's name, which members type)
    ) -> None:
        await self._desk.think(interaction, private=True)
        await show(interaction, options.read_id(id))
