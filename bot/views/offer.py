"""What Use as source answers with: the picture, what it tells of itself, and buttons to go on from it.

Of several pictures the buttons below lead to the others.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePath
from typing import Any

import discord

from bot import wording
from bot.acknowledge import think, whisper
from bot.attachments import look
from bot.desk import desk_of, viewer_of
from bot.errors import NoRecipe
from bot.further import Chosen, choose, chosen_from
from bot.parcel import FILE_LIMIT, fitting
from bot.pick import Pick
from bot.redraw import redrawn_here
from bot.source import SourceImage
from bot.views.buttons import GenerationButton, LastingItem, View, tell_recipe
from bot.views.edit import SETTINGS_LIMIT
from bot.views.modal import OPEN_FOR, ask, read_modal
from bot.wording import labels
from generation import PROMPT_LIMIT, BadPicture, FoundRecipe, Mode, Request, read_recipe

_MODAL = "easel:from"
_LOOK = 1.5  # seconds to look into the file before the modal has to be open
_COPY = "picture"  # what a copy of an upload is called: a name of its own could be that of a picture of Easel's


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What the modal was answered with, as typed."""

    prompt: str
    strength: str
    settings: str


class OfferButton(LastingItem[discord.ui.Button[View]], template=r"easel:offer:(?P<action>from|again)"):
    """Draws from the picture of its message, or again what the recipe in it says. It needs nothing but that."""

    def __init__(self, action: str, *, label: str | None = None) -> None:
        style = discord.ButtonStyle.primary if action == "from" else discord.ButtonStyle.secondary
        label = labels.OFFER[action] if label is None else label
        super().__init__(discord.ui.Button(label=label, style=style, custom_id=f"easel:offer:{action}"))
        self._action = action

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        chosen = await chosen_from(interaction, interaction.message)
        if self._action == "from":
            await interaction.response.send_modal(_modal(await _known_prompt(chosen)))
        else:
            await _draw_again(interaction, chosen)


class SourceButton(GenerationButton, template=r"easel:source:(?P<id>[0-9a-z]{1,32}(?:-[1-9])?)"):
    """Use as source, of a generation's first picture or of the one that is named."""

    action = "source"
    label = labels.USE_AS_SOURCE

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        await think(interaction, private=True)
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        await offer_source(interaction, await choose(desk, viewer, image=None, typed=self.generation_id))


async def offer_source(interaction: discord.Interaction[Any], chosen: Chosen) -> None:
    """Show the picture to whoever chose it, and what can be done with it.

    Raises BadPicture, NotFound, or NotAllowed for a flagged one.
    """
    data, name = await chosen.read()
    image = await look(data, name=name)
    found = await found_in(data)
    view = View(timeout=None)
    view.add_item(OfferButton("from"))
    if found is not None and _is_of_words(found) and is_whole(data):
        view.add_item(OfferButton("again"))
    others = () if chosen.drawn is None or len(chosen.drawn.pictures) == 1 else chosen.drawn.pictures
    for pick in (Pick.read(picture.name) for picture in others):
        if pick.first != chosen.number:
            typed = str(replace(pick, number=pick.first))
            view.add_item(SourceButton(typed, label=labels.pick(pick.first), row=1))
    text = wording.offered(found)
    copy = await copy_of(chosen, data, name, image, covered=is_covered(interaction, chosen))
    await whisper(interaction, text, files=[copy], view=view)


def is_covered(interaction: discord.Interaction[Any], chosen: Chosen) -> bool:
    """Whether pictures are spoilers where one was drawn, or where an upload is shown."""
    guild_id = interaction.guild_id if chosen.drawn is None else chosen.drawn.guild_id
    return desk_of(interaction).studio.display(guild_id).covered


async def copy_of(chosen: Chosen, data: bytes, name: str, image: SourceImage, *, covered: bool) -> discord.File:
    """A chosen picture of these bytes, to be shown again; `covered`, as a spoiler."""
    if chosen.drawn is None:
        name = PurePath(_COPY).with_suffix(PurePath(name).suffix).name
    if not is_whole(data):  # what is shown in its place is upright, as a camera's file need not be
        name, data = await asyncio.to_thread(fitting, name, image.png)
    return discord.File(BytesIO(data), filename=name, spoiler=covered)


def is_whole(data: bytes) -> bool:
    """Whether a copy of a picture is shown as it is, with the recipe in it."""
    return len(data) <= FILE_LIMIT


async def show_recipe(interaction: discord.Interaction[Any], chosen: Chosen) -> None:
    """Tell how a picture was made: by the records, else by what its file says. Raises BadPicture."""
    if chosen.drawn is not None:
        await tell_recipe(interaction, chosen.drawn.id)
        return
    data, name = await chosen.read()
    await look(data, name=name)
    found = await found_in(data)
    text = wording.NO_RECIPE_IN_IT if found is None else wording.recipe_found(found)
    await whisper(interaction, text)


def _is_of_words(found: FoundRecipe) -> bool:
    """Whether what was found can be drawn from its words, and did not only make another picture larger."""
    return bool(found.options.get("prompt")) and found.options.get("mode") is not Mode.UPSCALE


async def found_in(data: bytes) -> FoundRecipe | None:
    """What a picture tells of how it was made."""
    return await asyncio.to_thread(read_recipe, BytesIO(data))


def read_offer(interaction: discord.Interaction[Any]) -> Offered | None:
    """What was typed, if `interaction` answers the modal of an offer."""
    answer = read_modal(interaction, _MODAL)
    return None if answer is None else Offered(**answer[1])


def _modal(prompt: str) -> discord.ui.Modal:
    modal = discord.ui.Modal(title=labels.SOURCE_TITLE, custom_id=_MODAL, timeout=OPEN_FOR)
    words = prompt[:PROMPT_LIMIT]
    ask(modal, "prompt", labels.SOURCE_PROMPT, words, required=True, longest=PROMPT_LIMIT, long=True)
    ask(modal, "strength", labels.EDIT_STRENGTH, hint=labels.SOURCE_STRENGTH_HINT, longest=10)
    ask(modal, "settings", labels.EDIT_SETTINGS, hint=labels.OFFER_SETTINGS_HINT, longest=SETTINGS_LIMIT)
    return modal


async def _known_prompt(chosen: Chosen) -> str:
    """What the picture was drawn from, if that can be told at once."""
    with suppress(TimeoutError, BadPicture):
        async with asyncio.timeout(_LOOK):
            data = b"" if chosen.upload is None else (await chosen.read())[0]
            return str((await chosen.words(data))["prompt"])
    return ""


async def _draw_again(interaction: discord.Interaction[Any], chosen: Chosen) -> None:
    """Draw what the recipe in the picture says, as far as it can be drawn here. Raises NoRecipe."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    private = chosen.private or await desk.is_private(viewer)
    address = await desk.think(interaction, private=private)
    data, name = await chosen.read()
    found = await found_in(data)
    if found is None:
        raise NoRecipe(name)
    again = await redrawn_here(found, {}, desk.studio.recipes, viewer, has_image=False)
    await desk.submit(
        Request(**{"prompt": "", **again.options}),
        viewer=viewer,
        address=address,
        private=private,
        parent_id=None if chosen.drawn is None else chosen.drawn.id,
        notes=tuple(wording.escape(line) for line in wording.redrawn(found, again)[1:]),
    )
