"""What is said about one picture: while it waits, while it is drawn, when it is there, and how it was made."""

from collections.abc import Mapping

from bot.history import Generation
from bot.updates import Drawing, Waiting
from bot.wording.errors import CANCELLED, failure_sentence, mode_name
from bot.wording.text import Plural, duration, escape, expected_time, number, quote, shorten
from generation import AUTO, Family, JobState, Mode, Recipe

_PROMPT_SHOWN = 250  # characters of a prompt beside its picture; the recipe shows all of it
_TEXT_SHOWN = 48  # characters of each picture's own prompt
_WORDS_SHOWN = 6
_WORD_SHOWN = 24  # characters
_FLAG_SHOWN = 60
_BAR = 12  # segments
_UNTITLED = "A picture"  # that was asked for without words
_LANCZOS = "Made larger by a plain filter, which adds no detail (Lanczos)."
_DIFFUSION = "Made larger by the model {model}, which adds detail."
_UNKNOWN = "{model} does not know: {words}."
_UNKNOWN_AND_OTHERS = "{model} does not know: {words} and others."
_INSTEAD = "{model} draws this, since {first} is not made for the mode {mode}."
_HELD_BACK = Plural(
    one="The content filter held back one of {asked} pictures; it cost nothing.",
    more="The content filter held back {count} of {asked} pictures; they cost nothing.",
)
_FLAGGED = Plural(one="The content filter flagged a picture.", more="The content filter flagged {count} pictures.")

_UNDERSTOOD = "Understood: {facts}"
_FLAGS = {
    "strength": "strength {value}",
    "negative_prompt": "without {value}",
    "size": "size {value}",
    "num_inference_steps": "steps {value}",
    "guidance_scale": "guidance {value}",
    "scheduler": "scheduler {value}",
    "model": "model {value}",
    "style": "style {value}",
    "count": "count {value}",
    "mode": "mode {value}",
    "seed": "seed {value}",
}
_ACCEPTED = "Taking it in…"
_NEXT = "Next in line, ready in {time}"
_PLACE = "Place {place} in the queue, ready in {time}"
_LOADING = "Loading the model…"
_STARTING = "Starting to draw…"
_STEP = "{bar} step {step} of {steps}"
_STEP_AND_TIME = "{bar} step {step} of {steps}, about {time} left"
_LAST_STEP = "{bar} step {step} of {steps}, nearly done"
_SEED, _SEEDS = "seed {first}", "seeds {first} to {last}"
_VARIATION = "variation {amount} of seed {first}"
_VARIATIONS = "variation {amount} of seeds {first} to {last}"
_UNENDED = "Not there yet: /queue tells its place"

SHELL_WAITING = "Waiting"
SHELL_LOADING = "Loading the model"
SHELL_DRAWING = "Drawing"
RESTARTED = "Easel was restarted; your place is kept."
PREVIEW = "What the picture looks like so far"


def waiting(update: Waiting, prompt: str) -> str:
    """The waiting message of a job in the queue; `prompt` is shown so that several can be told apart."""
    line = _NEXT if update.place <= 1 else _PLACE
    return _under(_title(prompt), line.format(place=update.place, time=expected_time(update.expected)))


def drawing(update: Drawing, prompt: str) -> str:
    """The waiting message of a job that is being drawn."""
    if update.loading:
        return _under(_title(prompt), _LOADING)
    if not update.steps:
        return _under(_title(prompt), _STARTING)
    filled = min(_BAR, _BAR * update.step // update.steps)
    bar = "▰" * filled + "▱" * (_BAR - filled)
    left = update.remaining
    line = _STEP if left is None else _LAST_STEP if left < 1 else _STEP_AND_TIME
    time = "" if left is None else duration(left)
    return _under(_title(prompt), line.format(bar=bar, step=update.step, steps=update.steps, time=time))


def accepted(prompt: str) -> str:
    """The waiting message before anything is known about the job's place."""
    return _under(_title(prompt), _ACCEPTED)


def understood(changes: Mapping[str, object], seed: str | None) -> tuple[str, ...]:
    """A line on the flags of a reply, by Request's field names, and its seed as typed; none without any."""
    told = {**changes} if seed is None else {**changes, "seed": seed}
    facts = [_FLAGS[name].format(value=_flag_value(value)) for name, value in told.items()]
    return (_UNDERSTOOD.format(facts=" · ".join(facts)),) if facts else ()


def _flag_value(value: object) -> str:
    if isinstance(value, Mode):
        return mode_name(value)
    return AUTO if value is None else quote(number(value), _FLAG_SHOWN)


def with_notes(text: str, notes: tuple[str, ...]) -> str:
    """`text` and what was done to the upload, each on a line of its own."""
    return "\n".join([text, *(f"-# {note}" for note in notes)])


def result(generation: Generation) -> str:
    """The short line with a picture: prompt, model, seed, size, time, id and whose it is (without a ping)."""
    recipe = generation.recipe
    facts = [recipe.model, *([recipe.style.name] if recipe.style else []), seeds(recipe), str(recipe.size)]
    if recipe.variation_seeds:
        facts.insert(-1, variation(recipe))
    if recipe.strength is not None:
        facts.append(f"strength {number(recipe.strength)}")
    if generation.seconds is not None:
        facts.append(duration(generation.seconds) if generation.seconds < 1 else f"{generation.seconds:.1f} s")
    facts.append(f"`{generation.id}`")
    text = f"{_title(title(recipe))}\n-# {' · '.join(escape_facts(facts))} · <@{generation.member_id}>"
    notes = (
        upscaled_by(recipe),
        choices(recipe),
        unknown_words(recipe),
        short_of_memory(recipe),
        held_back(generation),
    )
    return with_notes(text, tuple(escape(note) for note in notes if note))


def title(recipe: Recipe) -> str:
    """The prompt as it was drawn; as it was typed where each picture chose for itself."""
    first, *others = recipe.texts
    return recipe.prompt if any(text != first for text in others) else first


def choices(recipe: Recipe) -> str:
    """What each picture of several chose from the prompt; empty where all are drawn from the same words."""
    if len(set(recipe.texts)) < 2:
        return ""
    numbered = enumerate(recipe.texts, start=1)
    return " · ".join(f"{number}: {shorten(text, _TEXT_SHOWN)}" for number, text in numbered)


def held_back(generation: Generation) -> str:
    """A sentence on pictures that the content filter kept from being shown at all; empty where it kept none."""
    asked = len(generation.recipe.seeds)
    gone = asked - len(generation.pictures)
    return _HELD_BACK.of(gone, asked=asked) if gone > 0 else ""


def unknown_words(recipe: Recipe) -> str:
    """A sentence that names words which meant nothing to the model; empty where there are none.

    What a style has put around a member's words is not the member's to mend.
    """
    typed = " ".join((*recipe.texts, recipe.negative_prompt)).casefold()
    unknown = () if recipe.environment is None else recipe.environment.unknown_words
    words = [shorten(word, _WORD_SHOWN) for word in unknown if word.casefold() in typed]
    sentence = _UNKNOWN if len(words) <= _WORDS_SHOWN else _UNKNOWN_AND_OTHERS
    return sentence.format(model=recipe.model, words=", ".join(words[:_WORDS_SHOWN])) if words else ""


def short_of_memory(recipe: Recipe) -> str:
    """A sentence on a picture that took longer because memory ran out at first; empty for all others."""
    short = recipe.environment is not None and recipe.environment.short_of_memory
    return "Memory ran short, so this was drawn in a slower way that needs less." if short else ""


def escape_facts(facts: list[str]) -> list[str]:
    """Facts as they are shown; only a model's name is not Easel's own word."""
    return [fact if fact.startswith("`") else escape(fact) for fact in facts]


def drawn_instead(recipe: Recipe, first: str) -> str:
    """A sentence on a model that draws since the one called `first`, which would have, cannot; for Discord."""
    return escape(_INSTEAD.format(model=recipe.model, mode=mode_name(recipe.mode), first=first))


def failed(generation: Generation) -> str:
    """The sentence that replaces the waiting message of a job that brought no picture."""
    if generation.state is JobState.CANCELLED:
        return _under(_title(generation.recipe.prompt), CANCELLED)
    return f"{_title(generation.recipe.prompt)}\n{failure_sentence(generation.failure)}"


def unended(generation: Generation) -> str:
    """For a job that is asked about while it waits or is being drawn."""
    return _under(_title(generation.recipe.prompt), _UNENDED)


def upscaled_by(recipe: Recipe) -> str:
    """A sentence on what made a picture larger; empty for any other picture."""
    if recipe.mode is not Mode.UPSCALE:
        return ""
    return _LANCZOS if recipe.model == Family.LANCZOS else _DIFFUSION.format(model=recipe.model)


def variation(recipe: Recipe) -> str:
    """Say "variation 0.3 of seed 7", or "of seeds 7 to 10": how near the neighbours are, and to which seeds."""
    first, *others = recipe.variation_seeds
    told = _VARIATIONS if others else _VARIATION
    return told.format(amount=number(recipe.variation), first=first, last=others[-1] if others else first)


def seeds(recipe: Recipe) -> str:
    """Say "seed 7", or "seeds 7 to 10" for several pictures."""
    told = _SEED if len(set(recipe.seeds)) == 1 else _SEEDS
    return told.format(first=recipe.seeds[0], last=recipe.seeds[-1])


def alternative_text(recipe: Recipe) -> str:
    """What a screen reader says for a picture; Discord takes 1,024 characters."""
    return shorten(" · ".join(dict.fromkeys(recipe.texts)), 1000)


def recipe_text(generation: Generation) -> str:
    """Everything needed to draw it again, a line each, whole and unescaped."""
    recipe = generation.recipe
    lines = [
        f"prompt: {recipe.prompt}",
        *([f"negative_prompt: {recipe.negative_prompt}"] if recipe.negative_prompt else []),
        f"model: {recipe.model}",
        *([f"style: {recipe.style.name}"] if recipe.style is not None else []),
        *_spelled_out(recipe),
        f"size: {recipe.size}",
        f"seed: {', '.join(map(str, dict.fromkeys(recipe.seeds)))}",
        *([f"variation: {number(recipe.variation)}"] if recipe.variation_seeds else []),
        *([f"variation seed: {', '.join(map(str, recipe.variation_seeds))}"] if recipe.variation_seeds else []),
        f"steps: {recipe.num_inference_steps}",
        f"guidance: {number(recipe.guidance_scale)}",
        f"scheduler: {recipe.scheduler}",
        *([f"clip skip: {recipe.clip_skip}"] if recipe.clip_skip != 1 else []),
        *([f"strength: {number(recipe.strength)}"] if recipe.strength is not None else []),
        *([f"turned before: {_turned(recipe)}"] if recipe.turned else []),
        *([f"mode: {mode_name(recipe.mode)}"] if recipe.mode is not Mode.TEXT_TO_IMAGE else []),
        *([f"blend: {number(recipe.blend)}"] if recipe.blend is not None else []),
        *([f"scale: {number(recipe.scale)}"] if recipe.scale is not None else []),
        *([f"source: {recipe.source}"] if recipe.source is not None else []),
        *([f"mask: {recipe.mask}"] if recipe.mask is not None else []),
        f"id: {generation.id}",
    ]
    if recipe.environment is not None:
        made = recipe.environment
        lines += [
            f"revision: {made.model_revision}",
            f"drawn on: {made.device}, {made.dtype}, {made.threads} threads",
            *([f"in memory: {made.placement}"] if made.placement else []),
            f"with: {', '.join(f'{library} {version}' for library, version in made.versions.items())}",
            *(f"file of {name}: {sha256}" for name, sha256 in made.adapters.items()),
        ]
    return "\n".join(lines)


def _turned(recipe: Recipe) -> str:
    return ", ".join(f"{number(amount)} towards seed {seed}" for seed, amount in recipe.turned)


def _spelled_out(recipe: Recipe) -> list[str]:
    """What is drawn in truth where style and choices make something else of the prompt, each once."""
    words = dict.fromkeys((each.prompt, each.negative_prompt) for each in recipe.words)
    return [
        line
        for prompt, negative_prompt in words
        for line in (f"drawn as: {prompt}", *([f"drawn without: {negative_prompt}"] if negative_prompt else []))
    ]


def code_block(text: str) -> str:
    """`text` as a code block, which no text inside can end."""
    return "```\n" + text.replace("```", "`\u200b`\u200b`") + "\n```"


def deleted(generation: Generation) -> str:
    return f"{_title(generation.recipe.prompt, 80)} is deleted for good."


def starred(generation: Generation, *, set_now: bool) -> str:
    named = _title(generation.recipe.prompt, 80)
    return f"You starred {named}." if set_now else f"{named} has your star no longer."


def drawn_in_shell(generation: Generation) -> str:
    """What is said below a picture drawn from the shell, without any formatting."""
    recipe = generation.recipe
    seconds = 0.0 if generation.seconds is None else generation.seconds
    facts = f"{recipe.model}, {seeds(recipe)}, {recipe.size}, {seconds:.1f} s, id {generation.id}"
    if recipe.variation_seeds:
        facts = f"{variation(recipe)}, {facts}"
    if recipe.style is not None:
        facts = f"{recipe.style.name}, {facts}"
    drawn = title(recipe) if title(recipe) != recipe.prompt else ""
    notes = [
        drawn,
        upscaled_by(recipe),
        choices(recipe),
        unknown_words(recipe),
        short_of_memory(recipe),
        held_back(generation),
    ]
    flagged = sum(picture.flagged for picture in generation.pictures)
    if flagged:
        notes.append(_FLAGGED.of(flagged))
    return "\n".join(line for line in (facts, *notes) if line)


def _under(title: str, line: str) -> str:
    """A line in small print below a title."""
    return f"{title}\n-# {line}"


def _title(prompt: str, limit: int = _PROMPT_SHOWN) -> str:
    return f"**{quote(titled(prompt), limit)}**"


def titled(prompt: str) -> str:
    """A prompt, or what stands for one where there are no words."""
    return prompt.strip() or _UNTITLED
