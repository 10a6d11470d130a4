"""The modal in which a generation's words and settings are edited, and how its answer is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.errors import StraySetting
from bot.flags import read_flags
from bot.history import Generation
from bot.pick import Pick
from bot.views.modal import OPEN_FOR, ask, read_modal
from bot.wording import labels
from generation import NO_STYLE, PROMPT_LIMIT, Family, Mode, OutOfRange, Recipe

_PREFIX = "easel:edit:"
SETTINGS_LIMIT = 400  # characters
_OWN_FIELDS = {"negative_prompt": "--no", "strength": "--strength"}


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What an EditModal was answered with, by field, as typed."""

    pick: Pick
    fields: Mapping[str, str]

    def changes(self, recipe: Recipe) -> dict[str, Any]:
        """What was changed in the settings, by Request's field names; what stands as it was is no change.

        What was taken out is left to the model, and a style is none then.
        Raises StraySetting, BadFlag, OutOfRange or UnknownChoice.
        """
        before = read_settings(settings(recipe))
        typed = read_settings(self.fields.get("settings", ""))
        changed = {name: value for name, value in typed.items() if name not in before or before[name] != value}
        return {name: NO_STYLE if name == "style" else None for name in before if name not in typed} | changed


class EditModal(discord.ui.Modal):
    """Prompt, negative prompt, seed, the other settings as flags, and strength where a source is redrawn.

    With a `number` it is about that picture alone. Its answer is read from the interaction, not from this object,
    so that one opened before a restart counts.
    """

    def __init__(self, generation: Generation, number: int | None = None) -> None:
        pick = Pick(generation_id=generation.id, number=number)
        super().__init__(title=labels.EDIT_TITLE, custom_id=f"{_PREFIX}{pick}", timeout=OPEN_FOR)
        recipe = generation.recipe if number is None else generation.recipe.part(number - 1, number)
        required = not recipe.mode.wordless
        ask(self, "prompt", labels.EDIT_PROMPT, recipe.prompt, required=required, longest=PROMPT_LIMIT, long=True)
        ask(
            self,
            "negative_prompt",
            labels.EDIT_NEGATIVE,
            recipe.negative_prompt,
            longest=PROMPT_LIMIT,
            long=True,
        )
        ask(self, "seed", labels.EDIT_SEED, str(recipe.seeds[0]), hint=labels.EDIT_SEED_HINT, longest=40)
        if recipe.strength is not None:
            strength, hint = f"{recipe.strength:g}", labels.EDIT_STRENGTH_HINT
            ask(self, "strength", labels.EDIT_STRENGTH, strength, hint=hint, longest=10)
        ask(
            self,
            "settings",
            labels.EDIT_SETTINGS,
            settings(recipe),
            hint=labels.EDIT_SETTINGS_HINT,
            longest=SETTINGS_LIMIT,
        )


def settings(recipe: Recipe) -> str:
    """The settings of a recipe that have no field of their own, as flags."""
    flags: dict[str, object] = {"model": _quoted(recipe.model)}
    if recipe.mode is not Mode.UPSCALE:
        flags["size"] = recipe.size
    if recipe.model != Family.LANCZOS:
        flags |= {"steps": recipe.num_inference_steps, "guidance": f"{recipe.guidance_scale:g}"}
        flags["scheduler"] = _quoted(recipe.scheduler)
    if recipe.style is not None:
        flags["style"] = _quoted(recipe.style.name)
    flags["count"] = len(recipe.seeds)
    return " ".join(f"--{name} {value}" for name, value in flags.items())


def _quoted(name: str) -> str:
    """A name as a flag's value, in quotes that it does not hold itself."""
    quote = next((each for each in "\"'`" if each not in name), '"')
    return f"{quote}{name}{quote}"


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
    answer = read_modal(interaction, _PREFIX)
    return None if answer is None else Edited(pick=Pick.read(answer[0]), fields=answer[1])


def read_strength(typed: str) -> float | None:
    """The strength that was typed, None for nothing. Raises OutOfRange for what is no number."""
    if not typed.strip():
        return None
    try:
        return float(typed.strip().replace(",", "."))
    except ValueError:
        raise OutOfRange("strength", typed, minimum=0.0, maximum=1.0) from None
