"""The buttons below results and waiting messages: one class a family, ids only, so that they outlive restarts."""

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import Any, ClassVar, Self, TypeVar

import aiohttp
import discord

from bot import wording
from bot.acknowledge import answered, take_note, think, whisper
from bot.desk import desk_of, viewer_of
from bot.further import choose, draw_again, upscale, vary
from bot.history import Generation, Posted
from bot.parcel import pack
from bot.pick import Pick, alone, picture_of, seed_of
from bot.place import Viewer
from bot.post import insist
from bot.views.edit import EditModal
from bot.wording import labels
from generation import JobState

log = logging.getLogger(__name__)

T = TypeVar("T", bound=discord.ui.Item[Any])
View = discord.ui.View
_ID = r"(?P<id>[0-9a-z]{1,32})"
_PICK = r"(?P<id>[0-9a-z]{1,32}(?:-[1-9])?)"  # one picture of several


class LastingItem(discord.ui.DynamicItem[T], template=r"(?!)"):
    """What can be pressed after any restart: it is made anew from what its id holds, its template's groups."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003  (discord.py's signature)
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(*match.groups())  # type: ignore[arg-type]  # each takes the groups of its own template

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await answered(interaction, self.press(interaction))

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Do what it says. Any error becomes the member's answer."""
        raise NotImplementedError


class GenerationButton(LastingItem[discord.ui.Button[View]], template=r"(?!)"):
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


class RerollButton(GenerationButton, template=rf"easel:reroll:{_PICK}"):
    """Draws the generation, or one of its pictures, again with another seed; the result is the presser's."""

    action = "reroll"
    label = labels.REROLL
    style = discord.ButtonStyle.primary

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        pick = Pick.read(self.generation_id)
        parent = await desk_of(interaction).history.recall(pick.generation_id, viewer_of(interaction))
        one = {} if pick.number is None else alone(parent, pick.number, new_seed=True)
        await draw_again(interaction, parent, new_seed=True, **one)


class VaryButton(GenerationButton, template=rf"easel:vary:{_PICK}"):
    """Draws near neighbours of the picture, the first one where there are several."""

    action = "vary"
    label = labels.VARY

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await vary(interaction, self.generation_id)


class UpscaleButton(GenerationButton, template=rf"easel:upscale:{_PICK}"):
    """Makes the picture larger, the first one where there are several."""

    action = "upscale"
    label = labels.UPSCALE

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        chosen = await choose(desk_of(interaction), viewer_of(interaction), image=None, typed=self.generation_id)
        await upscale(interaction, chosen)


class EditButton(GenerationButton, template=rf"easel:edit:{_PICK}"):
    """Opens the words of the generation, or of one of its pictures, for editing."""

    action = "edit"
    label = labels.EDIT

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        pick = Pick.read(self.generation_id)
        generation = await desk_of(interaction).history.recall(pick.generation_id, viewer_of(interaction))
        await interaction.response.send_modal(EditModal(generation, pick.number))


class RecipeButton(GenerationButton, template=rf"easel:recipe:{_PICK}"):
    """Tells everything needed to draw it again."""

    action = "recipe"
    label = labels.RECIPE

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await tell_recipe(interaction, self.generation_id)


async def tell_recipe(interaction: discord.Interaction[Any], typed: str) -> None:
    """Answer with all that is needed to draw a generation, or one of its pictures, again. Raises NotFound."""
    pick = Pick.read(typed)
    generation = await desk_of(interaction).history.recall(pick.generation_id, viewer_of(interaction))
    if pick.number is not None:
        seed_of(generation, pick.number)
        generation = replace(generation, recipe=generation.recipe.part(pick.number - 1, pick.number))
    text = wording.recipe_text(generation)
    block = wording.code_block(text)
    if len(block) <= wording.EMBED_LIMIT:
        await whisper(interaction, embeds=[discord.Embed(description=block)])
    else:
        file = discord.File(BytesIO(text.encode()), filename=f"{generation.id}.txt")
        await whisper(interaction, files=[file])


class PickButton(GenerationButton, template=r"easel:pick:(?P<id>[0-9a-z]{1,32}-[1-9])"):
    """Shows one picture of several to the presser, with buttons that are about it alone."""

    action = "pick"
    label = ""  # its number, where it is shown

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await think(interaction, private=True)
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        pick = Pick.read(self.generation_id)
        generation = await desk.history.recall(pick.generation_id, viewer)
        one = replace(generation, pictures=(picture_of(generation, pick.first),))
        one = replace(one, recipe=generation.recipe.part(pick.first - 1, pick.first))
        display = desk.studio.display(one.guild_id)
        parcel = await pack(one, wording.result(one), display, age_restricted=viewer.age_restricted)
        await whisper(interaction, parcel.text, files=parcel.files(), view=_row(*_about_one(str(pick))))


class StarButton(GenerationButton, template=rf"easel:star:{_ID}"):
    """Sets the presser's own star, or takes it away."""

    action = "star"
    label = labels.STAR

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await think(interaction, private=True)
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        set_now = await desk.history.star(self.generation_id, viewer)
        generation = await desk.history.recall(self.generation_id, viewer)
        await whisper(interaction, wording.starred(generation, set_now=set_now))
        if set_now:
            await desk.showcase.show(generation, viewer)


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
        for each in posted:
            if interaction.message is None or interaction.message.id != each.message_id:
                await take_down(interaction.client, each, generation.member_id)
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


def result_view(generation_id: str, names: Sequence[str] = ()) -> View:
    """Below a finished picture; of several, by their files' `names`, the last row picks one."""
    view = _row(*_about_one(generation_id), StarButton(generation_id, row=1), DeleteButton(generation_id, row=1))
    _add_picks(view, generation_id, names, row=2)
    return view


def shown_view(generation: Generation, viewer: Viewer) -> View:
    """Below a generation that is shown again to one viewer, who may not be one to delete it."""
    finished = generation.state is JobState.FINISHED
    if finished:
        view = _row(*_about_one(generation.id), StarButton(generation.id, row=1))
    else:
        view = retry_view(generation.id)
    if generation.may_be_managed_by(viewer):
        view.add_item(DeleteButton(generation.id, row=1 if finished else None))
    if finished:
        _add_picks(view, generation.id, [picture.name for picture in generation.pictures], row=4)
    return view


def _add_picks(view: View, generation_id: str, names: Sequence[str], *, row: int) -> None:
    for name in names if len(names) > 1 else ():
        number = Pick.read(name).first
        view.add_item(PickButton(f"{generation_id}-{number}", label=labels.pick(number), row=row))


def _about_one(picked: str) -> list[GenerationButton]:
    """What can be done with a picture, or with the first one of several: one row."""
    kinds = (RerollButton, VaryButton, UpscaleButton, EditButton, RecipeButton)
    return [kind(picked, row=0) for kind in kinds]


def retry_view(generation_id: str) -> View:
    """Below a job that brought no picture: nothing has to be typed again."""
    return _row(RerollButton(generation_id), EditButton(generation_id))


async def take_down(client: discord.Client, posted: Posted, member_id: int) -> None:
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
    VaryButton,
    UpscaleButton,
    EditButton,
    RecipeButton,
    PickButton,
    StarButton,
    DeleteButton,
    CancelButton,
)
