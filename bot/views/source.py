"""The modal in which a picture of Easel's own is redrawn, and how its answer is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.desk import desk_of, viewer_of
from bot.history import Generation
from bot.pick import Pick
from bot.views.buttons import GenerationButton
from bot.wording import labels
from generation import PROMPT_LIMIT

_PREFIX = "easel:source:"
_OPEN_FOR = 60 * 60.0  # seconds that discord.py remembers a modal; one answered later is read all the same


@dataclass(frozen=True, kw_only=True)
class SourceWish:
    """What the modal was answered with; `strength` is as typed, and `number` counts the pictures from 1."""

    generation_id: str
    prompt: str
    strength: str
    number: int


class SourceModal(discord.ui.Modal):
    """Prompt, strength, and which picture where there are several.

    Its answer is read from the interaction, not from this object, so that one opened before a restart counts.
    """

    def __init__(self, generation: Generation) -> None:
        super().__init__(title=labels.SOURCE_TITLE, custom_id=f"{_PREFIX}{generation.id}", timeout=_OPEN_FOR)
        prompt: discord.ui.TextInput[SourceModal] = discord.ui.TextInput(
            custom_id="prompt",
            style=discord.TextStyle.paragraph,
            default=generation.recipe.prompt,
            max_length=PROMPT_LIMIT,
        )
        strength: discord.ui.TextInput[SourceModal] = discord.ui.TextInput(
            custom_id="strength", required=False, max_length=10
        )
        self.add_item(discord.ui.Label(text=labels.SOURCE_PROMPT, component=prompt))
        hint = labels.SOURCE_STRENGTH_HINT
        self.add_item(discord.ui.Label(text=labels.EDIT_STRENGTH, description=hint, component=strength))
        if len(generation.pictures) > 1:
            which: discord.ui.Select[SourceModal] = discord.ui.Select(custom_id="number")
            for picture in generation.pictures:
                number = Pick.read(picture.name).first
                default = picture is generation.pictures[0]
                which.add_option(label=labels.picture(number, picture.seed), value=str(number), default=default)
            self.add_item(discord.ui.Label(text=labels.SOURCE_PICTURE, component=which))


class SourceButton(GenerationButton, template=r"easel:source:(?P<id>[0-9a-z]{1,32})"):
    """Asks what a picture should become."""

    action = "source"
    label = labels.USE_AS_SOURCE

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        generation = await desk_of(interaction).history.recall(self.generation_id, viewer_of(interaction))
        await interaction.response.send_modal(SourceModal(generation))


def read_source_wish(interaction: discord.Interaction[Any]) -> SourceWish | None:
    """What `interaction` wishes for if it answers a SourceModal."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data: Mapping[str, Any] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if not custom_id.startswith(_PREFIX):
        return None
    fields = dict(_fields(data.get("components", [])))
    number = fields.get("number", "")
    return SourceWish(
        generation_id=custom_id.removeprefix(_PREFIX),
        prompt=fields.get("prompt", ""),
        strength=fields.get("strength", ""),
        number=int(number) if number.isdecimal() else 1,
    )


def _fields(components: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for component in components:
        inner = component.get("component", {})
        if "custom_id" in inner:
            [value] = inner.get("values") or [inner.get("value") or ""]
            yield str(inner["custom_id"]), str(value)
