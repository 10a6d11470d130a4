"""`/help`: how to draw, by examples, on a few screens."""

from discord import app_commands
from discord.ext import commands

from bot.acknowledge import whisper
from bot.commands.options import Interaction
from bot.views import help_screen
from bot.wording import labels


class Help(commands.Cog):
    @app_commands.command(name="help", description=labels.COMMANDS["help"])
    async def help(self, interaction: Interaction) -> None:
        await whisper(interaction, **await help_screen(interaction))
