"""The modal in which a generation's words and settings are edited, and how its answer is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.errors import StraySetting
from bot.flags import read_flags
from bot.history import Generation
from bot.pick import Pick
from bot.wording import labels
from generation import PROMPT_LIMIT, Family, Mode, OutOfRange, Recipe

_PREFIX = "easel:edit:"
_OPEN_FOR = 60 * 60.0  # seconds that discord.py remembers a modal; one answered later is read all the same
_SETTINGS_LIMIT = 400  # characters
_OWN_FIELDS = {"negative_prompt": "--no", "strength": "--strength"}


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What an EditModal was answered with, by field, as typed."""

    pick: Pick
    fields: Mapping[str, str]

    def changes(self, recipe: Recipe) -> dict[str, Any]:
        """What was changed in the settings, by Request's field names; what stands as it was is no change.

        Raises StraySetting, BadFlag, OutOfRange or UnknownChoice.
        """
        before = read_settings(settings(recipe))
        typed = read_settings(self.fields.get("settings", ""))
        return {name: value for name, value in typed.items() if name not in before or before[name] != value}


class EditModal(discord.ui.Modal):
    """Prompt, negative prompt, seed, the other settings as flags, and strength where a source is redrawn.

    With a `number` it is about that picture alone. Its answer is read from the interaction, not from this object,
    so that one opened before a restart counts.
    """

    def __init__(self, generation: Generation, number: int | None = None) -> None:
        pick = Pick(generation_id=generation.id, number=number)
        super().__init__(title=labels.EDIT_TITLE, custom_id=f"{_PREFIX}{pick}", timeout=_OPEN_FOR)
        recipe = generation.recipe if number is None else generation.recipe.part(number - 1, number)
        long = discord.TextStyle.paragraph
        self._ask(
            labels.EDIT_PROMPT,
            "prompt",
            recipe.prompt,
            style=long,
            required=not recipe.mode.wordless,
            longest=PROMPT_LIMIT,
        )
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
        self._ask(
            labels.EDIT_SETTINGS,
            "settings",
            settings(recipe),
            hint=labels.EDIT_SETTINGS_HINT,
            longest=_SETTINGS_LIMIT,
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


def settings(recipe: Recipe) -> str:
    """The settings of a recipe that have no field of their own, as flags."""
    flags: dict[str, object] = {"model": recipe.model}
    if recipe.mode is not Mode.UPSCALE:
        flags["size"] = recipe.size
    if recipe.model != Family.LANCZOS:
        flags |= {"steps": recipe.num_inference_steps, "guidance": f"{recipe.guidance_scale:g}"}
        flags["scheduler"] = f'"{recipe.scheduler}"'
    if recipe.style is not None:
        flags["style"] = f'"{recipe.style.name}"'
    flags["count"] = len(recipe.seeds)
    return " ".join(f"--{name} {value}" for name, value in flags.items())


def read_settings(typed: str) -> dict[str, Any]:
    """Settings that were written as flags, by Request's field names; what has a field of its own is none of them.

    Raises StraySetting, BadFlag, OutOfRange or UnknownChoice.
    """
    flags = read_flags(typed)
    strays = [*flags.prompt.split(), *(flag for name, flag in _OWN_FIELDS.items() if name in flags.changes)]
    if flags.seed is not None:
        strays.append("--seed")
    if strays:
        raise StraySetting(strays[0])
    return dict(flags.changes)


def read_edit(interaction: discord.Interaction[Any]) -> Edited | None:
    """What was typed, if `interaction` answers an EditModal."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data: Mapping[str, Any] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if not custom_id.startswith(_PREFIX):
        return None
    return Edited(
        pick=Pick.read(custom_id.removeprefix(_PREFIX)), fields=dict(_fields(data.get("components", [])))
    )


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
