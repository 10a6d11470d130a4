"""What is said about where a picture comes from. It holds no Discord formatting."""

import time
from collections.abc import Sequence

from bot.errors import NotDescribed, Unseen
from bot.redraw import Redrawn
from bot.verify import Findings
from bot.wording.text import escape, listing, number, quote, shorten
from generation import NO_STYLE, FoundRecipe, Style

_PROMPT_SHOWN = 120
_PROMPT_LIMIT = 600
_SURE = 1e-9  # a smaller chance is told as none

NO_RECIPE_IN_IT = "This picture tells nothing of how it was made."
WORDS_LEFT_OUT = "What this picture was drawn from cannot be drawn here, so those words are left out."
SEEN = "This is what I see in the picture, in words to draw from."
_NOT_DESCRIBED = {
    Unseen.NOBODY_LOOKS: "Nothing is installed here that puts pictures into words, and this one does not tell "
    "what it was drawn from; whoever runs this bot can add that by easel models add blip.",
    Unseen.NO_WORDS: "I looked at this picture and found no words for it. It cost nothing.",
    Unseen.FAILED: "Looking at this picture failed; whoever runs this bot finds the reason in the log. It cost "
    "nothing.",
    Unseen.SET_ASIDE: "Looking at this picture took the drawing process down twice, so it was set aside. It cost "
    "nothing.",
    Unseen.BLOCKED: "This picture was still waiting when the moderators of this server blocked you, so it was not "
    "looked at. It cost nothing.",
    Unseen.WITHDRAWN: "This picture was still waiting when you had everything about you deleted, so it was not "
    "looked at. It cost nothing.",
}
_NOT_DESCRIBED_SINCE = "{reason} It cost nothing."
_SEEN_LINE = "{number}. {prompt}"
_DESCRIBED = "It was drawn from: **{prompt}**"
_OFFERED = "Here it is. What should become of it?"
_OFFERED_WITH_RECIPE = "Here it is, drawn from {recipe}. What should become of it?"
_WATERMARK = "Watermark: {watermark}, beyond doubt."
_WATERMARK_BY_CHANCE = "Watermark: {watermark}, by chance in one of {pictures:,.0f} pictures."
_NO_WATERMARK = "Watermark: none is to be found; a small, scaled or strongly compressed picture may have lost it."
_RECIPE = "Recipe: {program} wrote one into it, {recipe}."
_NO_RECIPE = "Recipe: there is none in the file."
_RECORD = "Records: it was drawn here on {day}, with the id {id}."
_PRIVATE_RECORD = "Records: it was drawn here on {day}, in private, with the id {id}."
_NO_RECORD = "Records: this very file is not among the pictures drawn here."
_NOT_MADE_HERE = "So nothing tells that it was made here."
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
        lines.append(_NOT_MADE_HERE)
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
    """What a picture was drawn from."""
    return _DESCRIBED.format(prompt=quote(prompt, _PROMPT_LIMIT))


def not_described(error: NotDescribed) -> str:
    """Why there are no words for a picture."""
    if error.detail:
        return _NOT_DESCRIBED_SINCE.format(reason=error.detail)
    return _NOT_DESCRIBED[error.reason]


def seen(prompts: Sequence[str]) -> str:
    """What a captioner sees in a picture, a numbered line each, from which `seen_in` reads it again."""
    lines = (_SEEN_LINE.format(number=number, prompt=prompt) for number, prompt in enumerate(prompts, start=1))
    return "\n".join(lines)


def seen_in(text: str, number: int) -> str | None:
    """The prompt that has a `number` in what `seen` wrote, None if there is no such."""
    lines = (line.partition(". ") for line in text.splitlines())
    return next((prompt for place, _, prompt in lines if place == str(number)), None)


def told(found: FoundRecipe) -> str:
    """What was understood, in words."""
    options = found.options
    parts = [f"“{shorten(options['prompt'], _PROMPT_SHOWN)}”"] if options.get("prompt") else ["no prompt"]
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
        return _NO_WATERMARK
    if trace.chance < _SURE:
        return _WATERMARK.format(watermark=trace.watermark)
    return _WATERMARK_BY_CHANCE.format(watermark=trace.watermark, pictures=1 / trace.chance)


def _recipe(found: Findings) -> str:
    if found.recipe is None:
        return _NO_RECIPE
    return _RECIPE.format(program=found.recipe.program, recipe=told(found.recipe))


def _records(found: Findings) -> str:
    generation = found.generation
    if generation is None:
        return _NO_RECORD
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(generation.created_at))
    return (_PRIVATE_RECORD if generation.private else _RECORD).format(day=day, id=generation.id)
