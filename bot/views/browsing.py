"""A page of the history: a picture, words and buttons for each row, and the buttons that turn the page."""

from collections.abc import Collection
from io import BytesIO
from typing import Any

import discord

from bot import wording
from bot.acknowledge import take_note, think, whisper
from bot.desk import Desk, desk_of, viewer_of
from bot.further import draw_again
from bot.history import EVERYTHING, Filter, Generation, Page
from bot.parcel import thumbnails
from bot.place import Viewer
from bot.views.buttons import EditButton, GenerationButton, LastingItem, RerollButton, take_down
from bot.views.offer import SourceButton
from bot.views.pages import show
from bot.wording import labels

ROWS = 3  # generations on a page: each takes ten of the forty components that a message may have
_ID = r"(?P<id>[0-9a-z]{1,32})"
_SPOT = r"[on]?\d{0,18}\.[0-9a-f]{0,12}"  # where a page begins, and the key of its filter


class SameButton(GenerationButton, template=rf"easel:same:{_ID}"):
    """Draws the generation again as it was; the result says whether it is the same."""

    action = "same"
    label = labels.SAME_SEED

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        parent = await desk_of(interaction).history.recall(self.generation_id, viewer_of(interaction))
        await draw_again(interaction, parent, new_seed=False)


class PageButton(GenerationButton, template=rf"easel:page:(?P<id>{_SPOT})"):
    """Turns to another page; its id says where that begins and which filter it has."""

    action = "page"
    label = labels.OLDER

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        await turn_to(interaction, self.generation_id)


class EraseButton(GenerationButton, template=rf"easel:erase:(?P<id>[0-9a-z]{{1,32}}:{_SPOT})"):
    """Removes a generation for good, with the message that it was posted as, and shows the page as it is then."""

    action = "erase"
    label = labels.DELETE
    style = discord.ButtonStyle.danger

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await take_note(interaction)
        generation_id, _, spot = self.generation_id.partition(":")
        generation, posted = await desk_of(interaction).history.delete(generation_id, viewer_of(interaction))
        for each in posted:
            await take_down(interaction.client, each, generation.member_id)
        await turn_to(interaction, spot)
        await whisper(interaction, wording.deleted(generation))


class OpenSelect(LastingItem[discord.ui.Select[Any]], template=r"easel:open"):
    """Shows one generation of a page, for the chooser alone."""

    def __init__(self, generations: tuple[Generation, ...] = ()) -> None:
        select: discord.ui.Select[Any] = discord.ui.Select(custom_id="easel:open", placeholder=labels.OPEN)
        for number, generation in enumerate(generations, start=1):
            label = wording.shorten(labels.numbered(wording.titled(generation.recipe.prompt), number), 100)
            select.add_option(label=label, value=generation.id)
        super().__init__(select)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await think(interaction, private=True)
        await show(interaction, self.item.values[0])


async def history_message(
    desk: Desk, viewer: Viewer, which: Filter = EVERYTHING, *, turn: str = ""
) -> tuple[discord.ui.LayoutView, list[discord.File]]:
    """One page of what the viewer may see: the whole message, and the files that it shows."""
    page = await desk.history.page(viewer, which, turn=turn, limit=ROWS)
    key = await desk.history.remember(which, viewer) if page.generations or page.newer else ""
    files = {name: discord.File(BytesIO(data), filename=name) for name, data in await thumbnails(page.generations)}
    covered = frozenset(each.id for each in page.generations if desk.studio.display(each.guild_id).covered)
    layout = history_layout(page, viewer, files, turn=turn, key=key, covered=covered)
    return layout, list(files.values())


async def turn_to(interaction: discord.Interaction[Any], spot: str) -> None:
    """Put another page in the place of the one that was pressed on. Raises NotFound for a forgotten filter."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    turn, _, key = spot.partition(".")
    layout, files = await history_message(desk, viewer, await desk.history.recollect(key, viewer), turn=turn)
    await interaction.edit_original_response(view=layout, attachments=files)


def history_layout(
    page: Page,
    viewer: Viewer,
    files: dict[str, discord.File],
    *,
    turn: str,
    key: str,
    covered: Collection[str] = frozenset(),
) -> discord.ui.LayoutView:
    """A page as a message. `files` are its thumbnails by name; `turn` and `key` tell which page of what it is.

    Of the generations that are `covered` thumbnails are spoilers.
    """
    box: discord.ui.Container[Any] = discord.ui.Container(accent_colour=wording.COLOUR)
    box.add_item(discord.ui.TextDisplay(wording.history_heading(page)))
    if not page.generations:
        box.add_item(discord.ui.TextDisplay(wording.history_nothing(page)))
    for generation in page.generations:
        box.add_item(discord.ui.Separator())
        text: discord.ui.TextDisplay[Any] = discord.ui.TextDisplay(wording.history_row(generation))
        file = files.get(wording.thumbnail_name(generation))
        if file is None:
            box.add_item(text)
        else:
            about = wording.alternative_text(generation.recipe) or None  # Discord takes none that is empty
            small = discord.ui.Thumbnail[Any](file, description=about, spoiler=generation.id in covered)
            box.add_item(discord.ui.Section(text, accessory=small))
        box.add_item(discord.ui.ActionRow(*_buttons(generation, viewer, f"{turn}.{key}")))
    if page.generations:
        box.add_item(discord.ui.Separator())
        box.add_item(discord.ui.ActionRow(OpenSelect(page.generations)))
    turns = [
        PageButton(f"{to}.{key}", label=label)
        for to, label in ((page.newer, labels.NEWER), (page.older, labels.OLDER))
        if to is not None
    ]
    if turns:
        box.add_item(discord.ui.ActionRow(*turns))
    return discord.ui.LayoutView(timeout=None).add_item(box)


def _buttons(generation: Generation, viewer: Viewer, spot: str) -> list[GenerationButton]:
    buttons: list[GenerationButton] = [
        RerollButton(generation.id),
        SameButton(generation.id),
        EditButton(generation.id, label=labels.EDIT_SHORT),
        SourceButton(generation.id),
    ]
    if generation.may_be_managed_by(viewer):
        buttons.append(EraseButton(f"{generation.id}:{spot}"))
    return buttons


BROWSING_BUTTONS = (SameButton, SourceButton, PageButton, EraseButton, OpenSelect)
