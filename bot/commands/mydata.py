"""`/mydata export`, `delete`: everything that is kept about a member, as files, and its removal."""

from io import BytesIO

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import think, whisper
from bot.commands.options import Interaction
from bot.desk import Desk
from bot.parcel import FILE_LIMIT
from bot.views import erasing_view
from bot.wording import labels


class MyDataCommands(commands.GroupCog, group_name="mydata", group_description=labels.COMMANDS["mydata"]):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="export", description=labels.COMMANDS["mydata export"])
    async def export(self, interaction: Interaction) -> None:
        await think(interaction, private=True)
        limit = min(interaction.filesize_limit, FILE_LIMIT)
        for part in await self._desk.mydata.export(interaction.user.id, limit=limit):
            file = discord.File(BytesIO(part.data), filename=part.name)
            await whisper(interaction, wording.exported(part), files=[file])

    @app_commands.command(name="delete", description=labels.COMMANDS["mydata delete"])
    async def delete(self, interaction: Interaction) -> None:
        await think(interaction, private=True)
        holdings = await self._desk.mydata.holdings(interaction.user.id)
        await whisper(interaction, wording.erasing_asked(holdings), view=erasing_view(interaction.user.id))
