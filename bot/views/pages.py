"""One generation with its family, and the queue: what is looked at through buttons."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any

import discord

from bot import wording
from bot.acknowledge import take_note, think, whisper
from bot.board import QueuedJob
from bot.desk import Desk, desk_of, viewer_of
from bot.history import Family
from bot.parcel import family_sheet, pack
from bot.place import Viewer
from bot.views.buttons import GenerationButton, View, shown_view, waiting_view
from bot.wording import labels
from generation import JobState

_IN_ROW = 5  # buttons
_KIN_ROW = 2  # between the buttons of the generation itself and those of its pictures
_CANCELS = 20  # buttons below a queue: four rows of five
_STOPPING = 20.0  # seconds
_LOOKS = 5  # at a queue that changes while it is being shown


class ShowButton(GenerationButton, template=r"easel:show:(?P<id>[0-9a-z]{1,32})"):
    """Shows one generation of a list, for the presser alone."""

    action = "show"
    label = labels.SHOW

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await think(interaction, private=True)
        await show(interaction, self.generation_id)


class DropButton(GenerationButton, template=r"easel:drop:(?P<id>[0-9a-z]{1,32})"):
    """Cancels one's own job from the queue's list, and shows the list as it is then."""

    action = "drop"
    label = labels.CANCEL
    style = discord.ButtonStyle.danger

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        await take_note(interaction)
        ended_before = not await desk.studio.cancel(self.generation_id, viewer)
        with suppress(TimeoutError):  # what is being drawn stops at its next step, and is on the list until then
            async with asyncio.timeout(_STOPPING):
                async for _ in desk.studio.follow(self.generation_id):
                    pass
        await _show_queue(interaction, desk, viewer)
        if ended_before:
            await whisper(interaction, wording.ALREADY_ENDED)


async def _show_queue(interaction: discord.Interaction[Any], desk: Desk, viewer: Viewer) -> None:
    """Have the message show the queue as it is now.

    Where the viewer's jobs are others by then it is shown once more: of two presses, the edit that was begun first
    may arrive last.
    """
    for _ in range(_LOOKS):
        jobs = desk.studio.queue()
        await interaction.edit_original_response(**queue_message(jobs, viewer))
        if _own(jobs, viewer) == _own(desk.studio.queue(), viewer):
            return


def _own(jobs: Sequence[QueuedJob], viewer: Viewer) -> list[str]:
    return [job.generation_id for job in jobs if job.member_id == viewer.member_id]


async def show(interaction: discord.Interaction[Any], generation_id: str) -> None:
    """Answer with one generation, its pictures, its family and buttons to all of it, for the asker alone."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    family = await desk.history.family(generation_id, viewer)
    generation = family.itself
    text = wording.shown(generation)
    if not generation.state.ended:
        await whisper(interaction, text, view=waiting_view(generation.id))
        return
    view = shown_view(generation, viewer)
    for button in _kin(family):
        view.add_item(button)
    files: list[discord.File] = []
    if generation.state is JobState.FINISHED:
        try:
            display = desk.studio.display(generation.guild_id)
            parcel = await pack(generation, text, display, age_restricted=viewer.age_restricted)
            text = parcel.text
            files += parcel.files()
        except FileNotFoundError:
            text = wording.with_notes(text, (wording.LOST,))
    embeds = []
    if not family.alone:
        name = f"{generation.id}-family.jpg"
        # An embed cannot cover a picture: one that is to be covered stands beside it.
        covered = any(desk.studio.display(each.guild_id).covered for each in family.members)
        files.append(discord.File(BytesIO(await family_sheet(family)), filename=name, spoiler=covered))
        embeds.append(wording.family_embed(family, picture=None if covered else name))
    await whisper(interaction, text, embeds=embeds, files=files, view=view)


def _kin(family: Family) -> list[ShowButton]:
    """Buttons to a parent and to children, below those of the generation itself."""
    buttons = [] if family.parent is None else [ShowButton(family.parent.id, label=labels.PARENT, row=_KIN_ROW)]
    for number, child in enumerate(family.children, start=1):
        row = _KIN_ROW + len(buttons) // _IN_ROW
        buttons.append(ShowButton(child.id, label=labels.child(number), row=row))
    return buttons


def queue_message(jobs: Sequence[QueuedJob], viewer: Viewer) -> dict[str, Any]:
    """The queue as it is now, with Cancel for the viewer's own jobs."""
    if not jobs:
        return {"content": wording.QUEUE_EMPTY, "embeds": [], "view": View(timeout=None)}
    view = View(timeout=None)
    for job in [job for job in jobs if job.member_id == viewer.member_id][:_CANCELS]:
        label = labels.CANCEL if job.running else labels.numbered(labels.CANCEL, job.place)
        view.add_item(DropButton(job.generation_id, label=label))
    return {"content": None, "embeds": [wording.queue_list(jobs, viewer.member_id)], "view": view}


LIST_BUTTONS = (ShowButton, DropButton)
