"""`/help`: how to draw, by examples."""

from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import whisper
from bot.commands.options import Interaction
from bot.wording import labels


class Help(commands.Cog):
    @app_commands.command(name="help", description=labels.COMMANDS["help"])
    async def help(self, interaction: Interaction) -> None:
        user = interaction.client.user
        await whisper(interaction, embeds=[wording.manual(None if user is None else user.id)])
