"""The buttons below results and waiting messages: one class a family, ids only, so that they outlive restarts."""

import logging
import re
from contextlib import suppress
from io import BytesIO
from typing import Any, ClassVar, Self

import aiohttp
import discord

from bot import wording
from bot.acknowledge import refuse, take_note, think, whisper
from bot.desk import desk_of, viewer_of
from bot.history import Generation, Posted
from bot.place import Viewer
from bot.post import insist
from bot.views.edit import EditModal
from bot.wording import labels
from generation import JobState

log = logging.getLogger(__name__)

View = discord.ui.View
_ID = r"(?P<id>[0-9a-z]{1,32})"


class GenerationButton(discord.ui.DynamicItem[discord.ui.Button[View]], template=r"(?!)"):
    """A button about one generation. Whoever sees the message may press it; what they may do is asked then."""

    action: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, generation_id: str, *, label: str | None = None, row: int | None = None) -> None:
        super().__init__(
            discord.ui.Button(
                label=self.label if label is None else label,
                style=self.style,
                custom_id=f"easel:{self.action}:{generation_id}",
                row=row,
            )
        )
        self.generation_id = generation_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003  (discord.py's signature)
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await self.press(interaction)
        except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
            await refuse(interaction, error)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says. Any error becomes the member's answer."""
        raise NotImplementedError


class RerollButton(GenerationButton, template=rf"easel:reroll:{_ID}"):
    """Draws the generation again with another seed; the result is the presser's."""

    action = "reroll"
    label = labels.REROLL
    style = discord.ButtonStyle.primary

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        parent = await desk.history.recall(self.generation_id, viewer)
        address = await desk.think(interaction, private=parent.private)
        request = await desk.history.again(parent.id, viewer, new_seed=True)
        await desk.submit(request, viewer=viewer, address=address, private=parent.private, parent_id=parent.id)


class EditButton(GenerationButton, template=rf"easel:edit:{_ID}"):
    """Opens the generation's words for editing."""

    action = "edit"
    label = labels.EDIT

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        generation = await desk_of(interaction).history.recall(self.generation_id, viewer_of(interaction))
        await interaction.response.send_modal(EditModal(generation))


class RecipeButton(GenerationButton, template=rf"easel:recipe:{_ID}"):
    """Tells everything needed to draw it again."""

    action = "recipe"
    label = labels.RECIPE

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        generation = await desk_of(interaction).history.recall(self.generation_id, viewer_of(interaction))
        text = wording.recipe_text(generation)
        block = wording.code_block(text)
        if len(block) <= wording.EMBED_LIMIT:
            await whisper(interaction, embeds=[discord.Embed(description=block)])
        else:
            file = discord.File(BytesIO(text.encode()), filename=f"{generation.id}.txt")
            await whisper(interaction, files=[file])


class StarButton(GenerationButton, template=rf"easel:star:{_ID}"):
    """Sets the presser's own star, or takes it away."""

    action = "star"
    label = labels.STAR

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await think(interaction, private=True)
        history, viewer = desk_of(interaction).history, viewer_of(interaction)
        set_now = await history.star(self.generation_id, viewer)
        generation = await history.recall(self.generation_id, viewer)
        await whisper(interaction, wording.starred(generation, set_now=set_now))


class DeleteButton(GenerationButton, template=rf"easel:delete:{_ID}"):
    """Removes the generation, the message that the button is on, and the one that is the result."""

    action = "delete"
    label = labels.DELETE
    style = discord.ButtonStyle.danger

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        generation, posted = await desk_of(interaction).history.delete(self.generation_id, viewer_of(interaction))
        with suppress(discord.NotFound):  # a moderator was quicker
            await insist(interaction.delete_original_response)
        if posted is not None and (interaction.message is None or interaction.message.id != posted.message_id):
            await _take_down(interaction.client, posted, generation.member_id)
        await whisper(interaction, wording.deleted(generation))


class CancelButton(GenerationButton, template=rf"easel:cancel:{_ID}"):
    """Stops a job. Its waiting message says so once it has stopped."""

    action = "cancel"
    label = labels.CANCEL
    style = discord.ButtonStyle.danger

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        if not await desk_of(interaction).studio.cancel(self.generation_id, viewer_of(interaction)):
            await whisper(interaction, wording.ALREADY_ENDED)


def waiting_view(generation_id: str) -> View:
    """Below the waiting message of a job that has not ended."""
    return _row(CancelButton(generation_id))


def result_view(generation_id: str) -> View:
    """Below a finished picture."""
    return _row(
        RerollButton(generation_id),
        EditButton(generation_id),
        RecipeButton(generation_id),
        StarButton(generation_id),
        DeleteButton(generation_id),
    )


def shown_view(generation: Generation, viewer: Viewer) -> View:
    """Below a generation that is shown again to one viewer, who may not be one to delete it."""
    buttons: list[GenerationButton] = [RerollButton(generation.id), EditButton(generation.id)]
    if generation.state is JobState.FINISHED:
        buttons += [RecipeButton(generation.id), StarButton(generation.id)]
    if generation.may_be_managed_by(viewer):
        buttons.append(DeleteButton(generation.id))
    return _row(*buttons)


def retry_view(generation_id: str) -> View:
    """Below a job that brought no picture: nothing has to be typed again."""
    return _row(RerollButton(generation_id), EditButton(generation_id))


async def _take_down(client: discord.Client, posted: Posted, member_id: int) -> None:
    """Remove a result's message with the bot's token; one that is gone or out of reach does not matter."""
    try:
        channel_id = posted.channel_id
        if channel_id is None:
            channel_id = (await insist(lambda: client.create_dm(discord.Object(member_id)))).id
        message = client.get_partial_messageable(channel_id).get_partial_message(posted.message_id)
        await insist(message.delete)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as fault:
        log.info("message %s of a deleted result stays: %r", posted.message_id, fault)


def _row(*buttons: GenerationButton) -> View:
    view = View(timeout=None)
    for button in buttons:
        view.add_item(button)
    return view


BUTTONS: tuple[type[GenerationButton], ...] = (
    RerollButton,
    EditButton,
    RecipeButton,
    StarButton,
    DeleteButton,
    CancelButton,
)
