"""The modal in which a generation's words are edited, and how its answer is read."""

from collections.abc import Iterator, Mapping
from typing import Any

import discord

from bot.history import Generation
from bot.wording import labels
from generation import PROMPT_LIMIT, OutOfRange

_PREFIX = "easel:edit:"
_OPEN_FOR = 60 * 60.0  # seconds that discord.py remembers a modal; one answered later is read all the same


class EditModal(discord.ui.Modal):
    """Prompt, negative prompt, seed, and strength where a source is redrawn.

    Its answer is read from the interaction, not from this object, so that one opened before a restart counts.
    """

    def __init__(self, generation: Generation) -> None:
        super().__init__(title=labels.EDIT_TITLE, custom_id=f"{_PREFIX}{generation.id}", timeout=_OPEN_FOR)
        recipe = generation.recipe
        long = discord.TextStyle.paragraph
        self._ask(labels.EDIT_PROMPT, "prompt", recipe.prompt, style=long, required=True, longest=PROMPT_LIMIT)
        self._ask(
            labels.EDIT_NEGATIVE, "negative_prompt", recipe.negative_prompt, style=long, longest=PROMPT_LIMIT
        )
        self._ask(labels.EDIT_SEED, "seed", str(recipe.seeds[0]), hint=labels.EDIT_SEED_HINT, longest=40)
        if recipe.strength is not None:
            self._ask(
                labels.EDIT_STRENGTH,
                "strength",
                f"{recipe.strength:g}",
                hint=labels.EDIT_STRENGTH_HINT,
                longest=10,
            )

    def _ask(
        self,
        label: str,
        field: str,
        value: str,
        *,
        longest: int,
        hint: str | None = None,
        style: discord.TextStyle = discord.TextStyle.short,
        required: bool = False,
    ) -> None:
        box: discord.ui.TextInput[EditModal] = discord.ui.TextInput(
            custom_id=field, default=value or None, required=required, style=style, max_length=longest
        )
        self.add_item(discord.ui.Label(text=label, description=hint, component=box))


def read_edit(interaction: discord.Interaction[Any]) -> tuple[str, Mapping[str, str]] | None:
    """The generation's id and what was typed, by field, if `interaction` answers an EditModal."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data: Mapping[str, Any] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if not custom_id.startswith(_PREFIX):
        return None
    return custom_id.removeprefix(_PREFIX), dict(_fields(data.get("components", [])))


def read_strength(typed: str) -> float | None:
    """The strength that was typed, None for nothing. Raises OutOfRange for what is no number."""
    if not typed.strip():
        return None
    try:
        return float(typed.strip().replace(",", "."))
    except ValueError:
        raise OutOfRange("strength", typed, minimum=0.0, maximum=1.0) from None


def _fields(components: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for component in components:
        inner = component.get("component", component)
        yield from _fields(component.get("components", []))
        if "custom_id" in inner and "value" in inner:
            yield str(inner["custom_id"]), str(inner["value"])
