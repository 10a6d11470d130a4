"""`/models` and `/styles`: what there is to draw with."""

from discord import app_commands
from discord.ext import commands

from bot.acknowledge import think, whisper
from bot.commands.options import Interaction
from bot.views import model_screen, style_screen
from bot.wording import labels


class CatalogueCommands(commands.Cog):
    @app_commands.command(name="models", description=labels.COMMANDS["models"])
    async def models(self, interaction: Interaction) -> None:
        await think(interaction, private=True)
        await whisper(interaction, **await model_screen(interaction))

    @app_commands.command(name="styles", description=labels.COMMANDS["styles"])
    async def styles(self, interaction: Interaction) -> None:
        await think(interaction, private=True)
        await whisper(interaction, **await style_screen(interaction))
