"""What is said about one picture: while it waits, while it is drawn, when it is there, and how it was made."""

from bot.history import Generation
from bot.updates import Drawing, Waiting
from bot.wording.errors import CANCELLED, failure_sentence, mode_name
from bot.wording.text import about, counted, duration, escape, number, quote, shorten
from generation import Family, JobState, Mode, Recipe

_PROMPT_SHOWN = 250  # characters of a prompt beside its picture; the recipe shows all of it
_TEXT_SHOWN = 48  # characters of each picture's own prompt
_WORDS_SHOWN = 6
_WORD_SHOWN = 24  # characters
_BAR = 12  # segments
_UNTITLED = "A picture"  # that was asked for without words
_LANCZOS = "Made larger by a plain filter, which adds no detail (Lanczos)."
_DIFFUSION = "Made larger by the model {model}, which adds detail."

SHELL_WAITING = "Waiting"
SHELL_LOADING = "Loading the model"
SHELL_DRAWING = "Drawing"
PREVIEW = "What the picture looks like so far"


def waiting(update: Waiting, prompt: str) -> str:
    """The waiting message of a job in the queue; `prompt` is shown so that several can be told apart."""
    place = "Next in line" if update.place <= 1 else f"Place {update.place} in the queue"
    return f"{_title(prompt)}\n-# {place}, ready in {about(update.expected)}"


def drawing(update: Drawing, prompt: str) -> str:
    """The waiting message of a job that is being drawn."""
    if update.loading:
        return f"{_title(prompt)}\n-# Loading the model…"
    if not update.steps:
        return f"{_title(prompt)}\n-# Starting to draw…"
    filled = min(_BAR, _BAR * update.step // update.steps)
    bar = "▰" * filled + "▱" * (_BAR - filled)
    left = "" if update.remaining is None else f", {_left(update.remaining)}"
    return f"{_title(prompt)}\n-# {bar} step {update.step} of {update.steps}{left}"


def _left(seconds: float) -> str:
    return "nearly done" if seconds < 1 else f"about {duration(seconds)} left"


def accepted(prompt: str) -> str:
    """The waiting message before anything is known about the job's place."""
    return f"{_title(prompt)}\n-# Taking it in…"


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
    return f"The content filter held back {gone} of {asked} pictures; they cost nothing." if gone > 0 else ""


def unknown_words(recipe: Recipe) -> str:
    """A sentence that names words which meant nothing to the model; empty where there are none."""
    words = () if recipe.environment is None else recipe.environment.unknown_words
    shown = [shorten(word, _WORD_SHOWN) for word in words[:_WORDS_SHOWN]]
    more = " and others" if len(words) > len(shown) else ""
    return f"{recipe.model} does not know: {', '.join(shown)}{more}." if shown else ""


def short_of_memory(recipe: Recipe) -> str:
    """A sentence on a picture that took longer because memory ran out at first; empty for all others."""
    short = recipe.environment is not None and recipe.environment.short_of_memory
    return "Memory ran short, so this was drawn in a slower way that needs less." if short else ""


def escape_facts(facts: list[str]) -> list[str]:
    """Facts as they are shown; only a model's name is not Easel's own word."""
    return [fact if fact.startswith("`") else escape(fact) for fact in facts]


def failed(generation: Generation) -> str:
    """The sentence that replaces the waiting message of a job that brought no picture."""
    if generation.state is JobState.CANCELLED:
        return f"{_title(generation.recipe.prompt)}\n-# {CANCELLED}"
    return f"{_title(generation.recipe.prompt)}\n{failure_sentence(generation.failure)}"


def unended(generation: Generation) -> str:
    """For a job that is asked about while it waits or is being drawn."""
    return f"{_title(generation.recipe.prompt)}\n-# Not there yet: /queue tells its place"


def upscaled_by(recipe: Recipe) -> str:
    """A sentence on what made a picture larger; empty for any other picture."""
    if recipe.mode is not Mode.UPSCALE:
        return ""
    return _LANCZOS if recipe.model == Family.LANCZOS else _DIFFUSION.format(model=recipe.model)


def variation(recipe: Recipe) -> str:
    """Say "variation 0.3 of seed 7", or "of seeds 7 to 10": how near the neighbours are, and to which seeds."""
    first, *others = recipe.variation_seeds
    towards = f"seeds {first} to {others[-1]}" if others else f"seed {first}"
    return f"variation {number(recipe.variation)} of {towards}"


def seeds(recipe: Recipe) -> str:
    """Say "seed 7", or "seeds 7 to 10" for several pictures."""
    if len(set(recipe.seeds)) == 1:
        return f"seed {recipe.seeds[0]}"
    return f"seeds {recipe.seeds[0]} to {recipe.seeds[-1]}"


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
        for line in (f"drawn as: {prompt}", *([f"  without: {negative_prompt}"] if negative_prompt else []))
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
        notes.append(f"The content filter flagged {counted(flagged, 'picture')}.")
    return "\n".join(line for line in (facts, *notes) if line)


def _title(prompt: str, limit: int = _PROMPT_SHOWN) -> str:
    return f"**{quote(titled(prompt), limit)}**"


def titled(prompt: str) -> str:
    """A prompt, or what stands for one where there are no words."""
    return prompt.strip() or _UNTITLED
