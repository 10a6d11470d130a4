"""The question before everything about a member is deleted, and its two buttons."""

from typing import Any

import discord

from bot import wording
from bot.acknowledge import take_note
from bot.desk import desk_of
from bot.errors import NotAllowed
from bot.post import insist
from bot.views.buttons import LastingItem, View
from bot.wording import labels

_ERASE, _KEEP = "erase", "keep"


class MyDataButton(
    LastingItem[discord.ui.Button[View]],
    template=r"easel:mydata:(?P<action>erase|keep):(?P<id>\d{1,20})",
):
    """Deletes everything about a member, or nothing. Only the member who was asked may press it."""

    def __init__(self, action: str, member_id: int | str) -> None:
        style = discord.ButtonStyle.danger if action == _ERASE else discord.ButtonStyle.secondary
        super().__init__(
            discord.ui.Button(
                label=labels.MYDATA[action], style=style, custom_id=f"easel:mydata:{action}:{member_id}"
            )
        )
        self._action = action
        self._member_id = int(member_id)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.user.id != self._member_id:
            raise NotAllowed("erase")
        await take_note(interaction)
        if self._action == _KEEP:
            await insist(lambda: interaction.edit_original_response(content=wording.KEPT, view=None))
            return
        # Without its buttons, so that nobody presses twice.
        await insist(lambda: interaction.edit_original_response(content=wording.ERASING, view=None))
        try:
            await desk_of(interaction).mydata.erase(self._member_id)
        except Exception:
            asked = None if interaction.message is None else interaction.message.content
            again = erasing_view(self._member_id)
            await insist(lambda: interaction.edit_original_response(content=asked, view=again))
            raise
        await insist(lambda: interaction.edit_original_response(content=wording.ERASED, view=None))


def erasing_view(member_id: int) -> View:
    """Below the question whether everything shall be deleted."""
    view = View(timeout=None)
    for action in (_ERASE, _KEEP):
        view.add_item(MyDataButton(action, member_id))
    return view
