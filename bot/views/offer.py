"""What Use as source answers with: the picture, what it tells of itself, and buttons to go on from it."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Self

import discord

from bot import wording
from bot.acknowledge import refuse, whisper
from bot.attachments import look
from bot.desk import desk_of, viewer_of
from bot.errors import NoRecipe
from bot.further import Chosen, chosen_from
from bot.parcel import FILE_LIMIT, fitting
from bot.redraw import redrawn
from bot.views.buttons import View, tell_recipe
from bot.wording import labels
from generation import PROMPT_LIMIT, BadPicture, FoundRecipe, Request, read_recipe

_MODAL = "easel:from"
_OPEN_FOR = 60 * 60.0  # seconds that discord.py remembers a modal; one answered later is read all the same
_LOOK = 1.5  # seconds to look into the file before the modal has to be open


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What the modal was answered with, as typed."""

    prompt: str
    strength: str
    settings: str


class OfferButton(discord.ui.DynamicItem[discord.ui.Button[View]], template=r"easel:offer:(?P<action>from|again)"):
    """Draws from the picture of its message, or again what the recipe in it says. It needs nothing but that."""

    def __init__(self, action: str) -> None:
        style = discord.ButtonStyle.primary if action == "from" else discord.ButtonStyle.secondary
        super().__init__(
            discord.ui.Button(label=labels.OFFER[action], style=style, custom_id=f"easel:offer:{action}")
        )
        self._action = action

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003  (discord.py's signature)
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(match["action"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            chosen = await chosen_from(interaction, interaction.message)
            if self._action == "from":
                await interaction.response.send_modal(_modal(await _known_prompt(chosen)))
            else:
                await _draw_again(interaction, chosen)
        except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
            await refuse(interaction, error)


async def offer_source(interaction: discord.Interaction[Any], chosen: Chosen) -> None:
    """Show the picture to whoever chose it, and what can be done with it. Raises BadPicture or NotFound."""
    data, name = await chosen.read()
    image = await look(data, name=name)
    found = await found_in(data)
    if len(data) > FILE_LIMIT:  # what is shown in its place is upright, as a camera's file need not be
        name, data = await asyncio.to_thread(fitting, name, image.png)
    view = View(timeout=None)
    view.add_item(OfferButton("from"))
    if found is not None and "prompt" in found.options:
        view.add_item(OfferButton("again"))
    text = wording.offered(found)
    await whisper(interaction, text, files=[discord.File(BytesIO(data), filename=name)], view=view)


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


async def found_in(data: bytes) -> FoundRecipe | None:
    """What a picture tells of how it was made."""
    return await asyncio.to_thread(read_recipe, BytesIO(data))


def read_offer(interaction: discord.Interaction[Any]) -> Offered | None:
    """What was typed, if `interaction` answers the modal of an offer."""
    data: Mapping[str, Any] = interaction.data or {}
    if interaction.type is not discord.InteractionType.modal_submit or data.get("custom_id") != _MODAL:
        return None
    inner = [component.get("component", {}) for component in data.get("components", [])]
    return Offered(**{str(each["custom_id"]): str(each.get("value") or "") for each in inner})


def _modal(prompt: str) -> discord.ui.Modal:
    modal = discord.ui.Modal(title=labels.SOURCE_TITLE, custom_id=_MODAL, timeout=_OPEN_FOR)
    words: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        default=prompt[:PROMPT_LIMIT] or None,
        max_length=PROMPT_LIMIT,
    )
    strength: discord.ui.TextInput[Any] = discord.ui.TextInput(custom_id="strength", required=False, max_length=10)
    settings: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id="settings", required=False, max_length=400
    )
    hint = labels.SOURCE_STRENGTH_HINT
    modal.add_item(discord.ui.Label(text=labels.SOURCE_PROMPT, component=words))
    modal.add_item(discord.ui.Label(text=labels.EDIT_STRENGTH, description=hint, component=strength))
    modal.add_item(
        discord.ui.Label(text=labels.EDIT_SETTINGS, description=labels.OFFER_SETTINGS_HINT, component=settings)
    )
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
    address = await desk.think(interaction, private=chosen.private)
    data, name = await chosen.read()
    found = await found_in(data)
    if found is None:
        raise NoRecipe(name)
    again = redrawn(found, {}, desk.studio.catalogue, has_image=False)
    await desk.submit(
        Request(**{"prompt": "", **again.options}),
        viewer=viewer,
        address=address,
        private=chosen.private,
        parent_id=None if chosen.drawn is None else chosen.drawn.id,
        notes=tuple(wording.escape(line) for line in wording.redrawn(found, again)[1:]),
    )
