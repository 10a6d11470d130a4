"""Modals: their texts, how long they stay open, and how what was filled in is read, also after a restart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord

OPEN_FOR = 60 * 60.0  # seconds that discord.py remembers a modal; one answered later is read all the same


def ask(
    modal: discord.ui.Modal,
    field: str,
    label: str,
    value: str | None = None,
    *,
    longest: int,
    hint: str | None = None,
    required: bool = False,
    long: bool = False,
) -> None:
    """Have a modal ask for a text: in several lines where it may be `long`, filled with `value` at first."""
    box: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
        custom_id=field,
        default=value or None,
        required=required,
        style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        max_length=longest,
    )
    modal.add_item(discord.ui.Label(text=label, description=hint, component=box))


def read_modal(interaction: discord.Interaction[Any], prefix: str) -> tuple[str, Mapping[str, str]] | None:
    """What `interaction` answers, if it is a modal whose id begins with `prefix`.

    The rest of that id, and what was filled in, by field: empty for nothing.
    """
    data: Mapping[str, Any] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if interaction.type is not discord.InteractionType.modal_submit or not custom_id.startswith(prefix):
        return None
    return custom_id.removeprefix(prefix), dict(_fields(data.get("components", [])))


def _fields(components: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for component in components:
        box = component.get("component", component)
        chosen = box.get("values")  # of a menu
        yield str(box["custom_id"]), str(box.get("value") or "") if chosen is None else next(iter(chosen), "")
