"""The lists with buttons: a page of the history, and the queue."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import discord

from bot import wording
from bot.acknowledge import take_note, think, whisper
from bot.board import QueuedJob
from bot.desk import Desk, desk_of, viewer_of
from bot.history import Page
from bot.parcel import pack, thumbnails
from bot.place import Viewer
from bot.views.buttons import GenerationButton, RerollButton, View, shown_view, waiting_view
from bot.wording import labels
from generation import JobState

ROWS = 4  # generations on a page: a message has five rows of buttons, and the last one turns the page
_CANCELS = 20  # buttons below a queue: four rows of five


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
        await interaction.edit_original_response(**queue_message(desk.studio.queue(), viewer))
        if ended_before:
            await whisper(interaction, wording.ALREADY_ENDED)


class PageButton(GenerationButton, template=r"easel:page:(?P<id>[0-9a-z]{0,32})"):
    """Turns to the page of the history that begins after a generation, or to the newest where the id is empty."""

    action = "page"
    label = labels.OLDER

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        before = self.generation_id or None
        message = await history_message(desk_of(interaction), viewer_of(interaction), before=before)
        files = message.pop("files")
        await interaction.edit_original_response(**message, attachments=files)


async def show(interaction: discord.Interaction[Any], generation_id: str) -> None:
    """Answer with one generation, its pictures and its buttons, for the asker alone."""
    history, viewer = desk_of(interaction).history, viewer_of(interaction)
    generation = await history.recall(generation_id, viewer)
    text = wording.shown(generation)
    if not generation.state.ended:
        await whisper(interaction, text, view=waiting_view(generation.id))
        return
    if generation.state is not JobState.FINISHED:
        await whisper(interaction, text, view=shown_view(generation, viewer))
        return
    try:
        setting = desk_of(interaction).studio.content_filter
        parcel = await pack(generation, text, setting, age_restricted=viewer.age_restricted)
    except FileNotFoundError:
        await whisper(interaction, wording.with_notes(text, (wording.LOST,)), view=shown_view(generation, viewer))
        return
    await whisper(interaction, parcel.text, files=parcel.files(), view=shown_view(generation, viewer))


async def history_message(desk: Desk, viewer: Viewer, *, before: str | None = None) -> dict[str, Any]:
    """One page of the viewer's history: what a message needs, by discord.py's names."""
    page = await desk.history.page(viewer, before=before, limit=ROWS)
    if not page.generations:
        text = wording.HISTORY_EMPTY if before is None else wording.HISTORY_END
        return {"content": text, "embeds": [], "files": [], "view": _page_view(page)}
    small = await thumbnails(page.generations)
    return {
        "content": None,
        "embeds": wording.history_page(page, thumbnails=frozenset(name for name, _ in small)),
        "files": [discord.File(BytesIO(data), filename=name) for name, data in small],
        "view": _page_view(page),
    }


def queue_message(jobs: Sequence[QueuedJob], viewer: Viewer) -> dict[str, Any]:
    """The queue as it is now, with Cancel for the viewer's own jobs."""
    if not jobs:
        return {"content": wording.QUEUE_EMPTY, "embeds": [], "view": View(timeout=None)}
    view = View(timeout=None)
    for job in [job for job in jobs if job.member_id == viewer.member_id][:_CANCELS]:
        label = labels.CANCEL if job.running else labels.numbered(labels.CANCEL, job.place)
        view.add_item(DropButton(job.generation_id, label=label))
    return {"content": None, "embeds": [wording.queue_list(jobs, viewer.member_id)], "view": view}


def _page_view(page: Page) -> View:
    view = View(timeout=None)
    for row, generation in enumerate(page.generations):
        number = row + 1
        view.add_item(ShowButton(generation.id, label=labels.numbered(labels.SHOW, number), row=row))
        view.add_item(RerollButton(generation.id, label=labels.numbered(labels.REROLL, number), row=row))
    if page.newer:
        view.add_item(PageButton("", label=labels.NEWEST, row=ROWS))
    if page.older is not None:
        view.add_item(PageButton(page.older, row=ROWS))
    return view


LIST_BUTTONS = (ShowButton, DropButton, PageButton)
