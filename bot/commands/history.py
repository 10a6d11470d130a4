"""`/history` and `/show`: what was drawn before."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.acknowledge import whisper
from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.history import Filter
from bot.pick import Pick
from bot.views import history_message, show
from bot.wording import labels


class HistoryCommands(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="history", description=labels.COMMANDS["history"])
    @app_commands.describe(**labels.HISTORY)
    @app_commands.autocomplete(model=options.suggest_known_model)
    async def history(
        self,
        interaction: options.Interaction,
        search: options.Prompt | None = None,
        starred: bool = False,
        member: discord.User | None = None,
        model: str | None = None,
    ) -> None:
        await self._desk.think(interaction, private=True)
        viewer = viewer_of(interaction)
        own = member is None or member.id == viewer.member_id
        which = Filter(
            search="" if search is None else search,
            starred=starred,
            member_id=None if own or member is None else member.id,
            model=model,
        )
        view, files = await history_message(self._desk, viewer, which)
        await whisper(interaction, view=view, files=files)

    @app_commands.command(name="show", description=labels.COMMANDS["show"])
    @app_commands.describe(id=labels.SHOW_ID)
    @app_commands.autocomplete(id=options.suggest_generation)
    async def show(
        self,
        interaction: options.Interaction,
        id: str,  # noqa: A002  (the option's name, which members type)
    ) -> None:
        await self._desk.think(interaction, private=True)
        await show(interaction, Pick.read(id).generation_id)
