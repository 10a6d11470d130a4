"""`/verify`: whether a picture was made here, by what each of three witnesses says."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import think, whisper
from bot.attachments import look
from bot.commands.options import Interaction
from bot.desk import Desk, viewer_of
from bot.further import Chosen
from bot.verify import verify
from bot.wording import labels


class Verify(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="verify", description=labels.COMMANDS["verify"])
    @app_commands.describe(image=labels.VERIFY_IMAGE)
    async def verify(self, interaction: Interaction, image: discord.Attachment) -> None:
        await think(interaction, private=True)
        data, name = await Chosen(upload=image).read()
        seen = await look(data, name=name)
        found = await verify(data, seen, viewer=viewer_of(interaction), history=self._desk.history)
        await whisper(interaction, "\n".join(wording.escape(line) for line in wording.findings(found)))
