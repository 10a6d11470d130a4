"""The question before everything about a member is deleted, and its two buttons."""

import re
from typing import Any, Self

import discord

from bot import wording
from bot.acknowledge import refuse, take_note
from bot.desk import desk_of
from bot.errors import NotAllowed
from bot.post import insist
from bot.views.buttons import View
from bot.wording import labels

_ERASE, _KEEP = "erase", "keep"


class MyDataButton(
    discord.ui.DynamicItem[discord.ui.Button[View]],
    template=r"easel:mydata:(?P<action>erase|keep):(?P<id>\d{1,20})",
):
    """Deletes everything about a member, or nothing. Only the member who was asked may press it."""

    def __init__(self, action: str, member_id: int) -> None:
        style = discord.ButtonStyle.danger if action == _ERASE else discord.ButtonStyle.secondary
        super().__init__(
            discord.ui.Button(
                label=labels.MYDATA[action], style=style, custom_id=f"easel:mydata:{action}:{member_id}"
            )
        )
        self._action = action
        self._member_id = member_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003  (discord.py's signature)
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(match["action"], int(match["id"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await self._press(interaction)
        except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
            await refuse(interaction, error)

    async def _press(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.user.id != self._member_id:
            raise NotAllowed("erase")
        await take_note(interaction)
        if self._action == _KEEP:
            await insist(lambda: interaction.edit_original_response(content=wording.KEPT, view=None))
            return
        # Without its buttons, so that nobody presses twice.
        await insist(lambda: interaction.edit_original_response(content=wording.ERASING, view=None))
        await desk_of(interaction).mydata.erase(self._member_id)
        await insist(lambda: interaction.edit_original_response(content=wording.ERASED, view=None))


def erasing_view(member_id: int) -> View:
    """Below the question whether everything shall be deleted."""
    view = View(timeout=None)
    for action in (_ERASE, _KEEP):
        view.add_item(MyDataButton(action, member_id))
    return view
