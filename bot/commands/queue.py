"""`/queue`: what is being drawn and what waits."""

from discord import app_commands
from discord.ext import commands

from bot.acknowledge import whisper
from bot.commands.options import Interaction
from bot.desk import Desk, viewer_of
from bot.views import queue_message
from bot.wording import labels


class QueueCommands(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="queue", description=labels.COMMANDS["queue"])
    async def queue(self, interaction: Interaction) -> None:
        await whisper(interaction, **queue_message(self._desk.studio.queue(), viewer_of(interaction)))
