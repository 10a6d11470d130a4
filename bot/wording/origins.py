"""What is said about where a picture comes from. It holds no Discord formatting."""

import time

from bot.redraw import Redrawn
from bot.verify import Findings
from bot.wording.text import escape, listing, number, quote, shorten
from generation import NO_STYLE, FoundRecipe, Style

_PROMPT_SHOWN = 120
_PROMPT_LIMIT = 600
_SURE = 1e-9  # a smaller chance is told as none

NO_RECIPE_IN_IT = "This picture tells nothing of how it was made."
WORDS_LEFT_OUT = "What this picture was drawn from cannot be drawn here, so those words are left out."
NOT_DESCRIBED = (
    "Nothing is installed here that puts pictures into words, and this one does not tell what it was drawn from."
)
_DESCRIBED = "It was drawn from: **{prompt}**"
_OFFERED = "Here it is. What should become of it?"
_OFFERED_WITH_RECIPE = "Here it is, drawn from {recipe}. What should become of it?"
_RECIPE_FOUND = "{program} made it: {recipe}."

_OPTIONS = {
    "model": "model",
    "style": "style",
    "size": "size",
    "seed": "seed",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "scheduler": "scheduler",
    "strength": "strength",
    "control": "ControlNet",
    "variation": "variation",
    "clip_skip": "clip skip",
}


def findings(found: Findings) -> list[str]:
    """A line for each witness, whatever it says, and what follows from all of them."""
    lines = [_watermark(found), _recipe(found), _records(found)]
    if not found.made_here:
        lines.append("So nothing tells that it was made here.")
    return lines


def redrawn(found: FoundRecipe, again: Redrawn) -> list[str]:
    """What is drawn again, and what of it differs."""
    lines = [f"This picture is of {found.program}: {told(found)}."]
    if again.instead:
        lines.append(f"The model {shorten(again.instead, 60)} is not here; {again.model} draws instead.")
    if again.left:
        fields = listing(tuple(_OPTIONS[name] for name in again.left))
        lines.append(f"Its {fields} would not fit {again.model}, which takes its own.")
    if again.source_wanted:
        lines.append(
            "It was made from another picture, which is not in it: to start from that one, give it as the image."
        )
    if found.not_taken:
        left = listing(tuple(shorten(phrase, 60) for phrase in found.not_taken))
        lines.append(f"Left out, since Easel has nothing like it: {left}.")
    return lines


def offered(found: FoundRecipe | None) -> str:
    """What Use as source says, with what the picture tells of itself."""
    return _OFFERED if found is None else _OFFERED_WITH_RECIPE.format(recipe=escape(told(found)))


def recipe_found(found: FoundRecipe) -> str:
    """What a picture of any program tells of how it was made, for Discord."""
    return _RECIPE_FOUND.format(program=found.program, recipe=escape(told(found)))


def described(prompt: str) -> str:
    """What a picture was drawn from, where that is known."""
    return _DESCRIBED.format(prompt=quote(prompt, _PROMPT_LIMIT)) if prompt.strip() else NOT_DESCRIBED


def told(found: FoundRecipe) -> str:
    """What was understood, in words."""
    options = found.options
    parts = [f"“{shorten(options['prompt'], _PROMPT_SHOWN)}”"] if "prompt" in options else ["no prompt"]
    if options.get("negative_prompt"):
        parts.append(f"without “{shorten(options['negative_prompt'], _PROMPT_SHOWN)}”")
    for name, word in _OPTIONS.items():
        if name in options:
            value = options[name]
            if value == NO_STYLE:
                continue
            if isinstance(value, Style):
                value = value.name
            plain = name in {"model", "style", "size", "scheduler", "seed", "control"}
            parts.append(f"{word} {shorten(str(value), 60) if plain else number(value)}")
    return ", ".join(parts)


def _watermark(found: Findings) -> str:
    trace = found.watermark
    if trace is None:
        return "Watermark: none is to be found; a small, scaled or strongly compressed picture may have lost it."
    chance = "beyond doubt" if trace.chance < _SURE else f"by chance in one of {1 / trace.chance:,.0f} pictures"
    return f"Watermark: {trace.watermark}, {chance}."


def _recipe(found: Findings) -> str:
    if found.recipe is None:
        return "Recipe: there is none in the file."
    return f"Recipe: {found.recipe.program} wrote one into it, {told(found.recipe)}."


def _records(found: Findings) -> str:
    generation = found.generation
    if generation is None:
        return "Records: this very file is not among the pictures drawn here."
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(generation.created_at))
    private = ", in private" if generation.private else ""
    return f"Records: it was drawn here on {day}{private}, with the id {generation.id}."
