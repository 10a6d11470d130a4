"""The buttons of a comparison: to draw it, to leave it, to cancel it, and to open and delete what it shows."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import discord

from bot import wording
from bot.acknowledge import take_note, whisper
from bot.desk import Desk, desk_of, viewer_of
from bot.errors import Blocked, OtherChannels, RoleNeeded
from bot.place import Viewer
from bot.post import insist
from bot.views.buttons import GenerationButton, LastingItem, View, take_down
from bot.views.pages import show
from bot.wording import labels

_ID = r"(?P<id>[0-9a-z]{1,32})"  # a sheet's
_SELECT = "easel:cell"


class DrawSheetButton(GenerationButton, template=rf"easel:sheetdraw:{_ID}"):
    """Says yes to a comparison: its question becomes the message that tells how far it is."""

    action = "sheetdraw"
    label = labels.DRAW
    style = discord.ButtonStyle.primary

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        address = await desk.take_over(interaction)
        await desk.draw_sheet(self.generation_id, viewer, address)


class DropSheetButton(GenerationButton, template=rf"easel:sheetdrop:{_ID}"):
    """Says no to a comparison: its question goes, and nothing was charged."""

    action = "sheetdrop"
    label = labels.NOT_NOW

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        await desk_of(interaction).sheets.drop(self.generation_id, viewer_of(interaction))
        with suppress(discord.NotFound):  # a moderator was quicker
            await insist(interaction.delete_original_response)


class CancelSheetButton(GenerationButton, template=rf"easel:sheetcancel:{_ID}"):
    """Stops whatever of a comparison has not ended. What is there already is shown."""

    action = "sheetcancel"
    label = labels.CANCEL
    style = discord.ButtonStyle.danger

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        if not await desk_of(interaction).sheets.cancel(self.generation_id, viewer_of(interaction)):
            await whisper(interaction, wording.ALREADY_ENDED)


class DeleteSheetButton(GenerationButton, template=rf"easel:sheetdelete:{_ID}"):
    """Removes a comparison with its pictures, and the messages that they were opened as."""

    action = "sheetdelete"
    label = labels.DELETE
    style = discord.ButtonStyle.danger

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        sheet, posted = await desk_of(interaction).sheets.delete(self.generation_id, viewer_of(interaction))
        with suppress(discord.NotFound):  # a moderator was quicker
            await insist(interaction.delete_original_response)
        for each in posted:
            await take_down(interaction.client, each, sheet.member_id)
        await whisper(interaction, wording.comparison_deleted(sheet.comparison))


class CellSelect(LastingItem[discord.ui.Select[Any]], template=_SELECT):
    """Opens a cell as the result that it is: posted once, and shown to whoever may not draw or opens it again."""

    def __init__(self, cells: Mapping[str, str] | None = None) -> None:
        select: discord.ui.Select[Any] = discord.ui.Select(custom_id=_SELECT, placeholder=labels.OPEN_CELL)
        for generation_id, label in ({} if cells is None else cells).items():
            select.add_option(label=label, value=generation_id)
        super().__init__(select)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        generation_id = self.item.values[0]
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        generation = await desk.history.recall(generation_id, viewer)
        posts = _may_post(desk, viewer) and not await desk.studio.has_address(generation.id)
        address = await desk.think(interaction, private=generation.private or not posts)
        if not posts or not await desk.studio.hand_out(generation.id, viewer=viewer, address=address):
            await show(interaction, generation.id)


def _may_post(desk: Desk, viewer: Viewer) -> bool:
    """Whether a cell that the viewer opens is posted: to look at it alone nobody needs to be let draw."""
    try:
        desk.studio.servers.admit(viewer)
    except (Blocked, OtherChannels, RoleNeeded):
        return False
    return True


def sheet_asking_view(sheet_id: str) -> View:
    """Below the question what a comparison costs."""
    return _of(DrawSheetButton(sheet_id), DropSheetButton(sheet_id))


def sheet_waiting_view(sheet_id: str) -> View:
    """Below a comparison that is being drawn."""
    return _of(CancelSheetButton(sheet_id))


def sheet_view(sheet_id: str, cells: Mapping[str, str]) -> View:
    """Below a sheet: its `cells` to choose from, as generation -> what it is called."""
    return _of(CellSelect(cells), DeleteSheetButton(sheet_id))


def _of(*items: discord.ui.Item[Any]) -> View:
    view = View(timeout=None)
    for item in items:
        view.add_item(item)
    return view


SHEET_BUTTONS = (DrawSheetButton, DropSheetButton, CancelSheetButton, DeleteSheetButton, CellSelect)
