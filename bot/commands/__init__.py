"""The commands, one family a file. Each turns Discord into a request and a result into Discord."""

from discord.ext import commands

from bot.commands.catalogue import CatalogueCommands
from bot.commands.compare import Compare
from bot.commands.edit import Edit
from bot.commands.further import Further
from bot.commands.help import Help
from bot.commands.history import HistoryCommands
from bot.commands.imagine import Imagine
from bot.commands.info import Info
from bot.commands.menus import Menus
from bot.commands.mydata import MyDataCommands
from bot.commands.options import offer_modes
from bot.commands.queue import QueueCommands
from bot.commands.reply import Reply
from bot.commands.reroll import Reroll
from bot.commands.seeds import SeedCommands
from bot.commands.server import Server
from bot.commands.settings import Settings
from bot.commands.verify import Verify
from bot.desk import Desk

__all__ = ["every_cog", "offer_modes"]


def every_cog(desk: Desk, client: commands.AutoShardedBot) -> tuple[commands.Cog, ...]:
    """All commands and listeners, made with what they work with."""
    return (
        Imagine(desk),
        Reroll(desk),
        Reply(desk, client),
        Edit(desk),
        Further(desk),
        Compare(desk),
        Menus(desk, client),
        Verify(desk),
        HistoryCommands(desk),
        SeedCommands(desk),
        QueueCommands(desk),
        CatalogueCommands(),
        Settings(desk),
        Server(desk),
        MyDataCommands(desk),
        Info(desk),
        Help(),
    )
