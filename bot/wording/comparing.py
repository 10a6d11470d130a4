"""What is said about a comparison: what it would cost, how far it is, and what its sheet shows."""

from collections.abc import Mapping, Sequence

from bot.accounts import AllowanceState
from bot.comparison import Comparison
from bot.history import Generation
from bot.wording.errors import CANCELLED, failure_sentence
from bot.wording.text import Plural, about, duration, escape, expected_time, quote, shorten
from generation import Estimate, JobState

_PROMPT_SHOWN = 250  # characters
_SIDE_SHOWN = 90
_SENTENCES_SHOWN = 2
_SHEET = Plural(one="A sheet of one picture: {sides}.", more="A sheet of {count} pictures: {sides}.")
_COST = "It takes {time} of drawing time; you have {left} of {capacity} left. Others are served in between."
_COST_OF_NOTHING = (
    "It takes {time} of drawing time; you have nothing of {capacity} left. Others are served in between."
)
_DONE = "{done} of {count} done, the sheet is ready in {time}"
_NOTES = {JobState.FAILED: "failed", JobState.CANCELLED: "cancelled"}


def comparison_asked(comparison: Comparison, cost: float, allowance: AllowanceState) -> str:
    """The question before a comparison is drawn: what it shows and what it costs."""
    told = (_COST if allowance.left >= 1 else _COST_OF_NOTHING).format(
        time=about(cost), left=duration(allowance.left), capacity=duration(allowance.capacity)
    )
    sheet = _SHEET.of(len(comparison.recipes), sides=_sides(comparison))
    return f"{_title(comparison)}\n{sheet}\n{told}"


def comparison_waiting(comparison: Comparison, done: int, expected: Estimate) -> str:
    """The waiting message of a comparison: how many of its cells have ended, and when all have."""
    line = _DONE.format(done=done, count=len(comparison.recipes), time=expected_time(expected))
    return f"{_title(comparison)}\n-# {line}"


def comparison_result(
    comparison: Comparison, generations: Mapping[int, Generation], *, member_id: int, missing: Sequence[Generation]
) -> str:
    """The line with a sheet: what it compares, what all cells share, and a sentence on cells that are empty."""
    recipes = comparison.recipes
    facts = [_sides(comparison)]
    shared = (
        {recipe.model for recipe in recipes},
        {f"seed {recipe.seeds[0]}" for recipe in recipes},
        {str(recipe.size) for recipe in recipes},
    )
    facts += [escape(fact) for each in shared if len(each) == 1 for fact in each]
    seconds = sum(generation.seconds or 0.0 for generation in generations.values())
    facts.append(f"{seconds:.1f} s")
    lines = [_title(comparison), f"-# {' · '.join(facts)} · <@{member_id}>"]
    sentences = dict.fromkeys(_why(generation) for generation in missing)
    lines += [f"-# {sentence}" for sentence in [*sentences][:_SENTENCES_SHOWN]]
    return "\n".join(lines)


def comparison_failed(comparison: Comparison, missing: Sequence[Generation]) -> str:
    """The sentence that replaces the waiting message of a comparison without a single picture."""
    why = next((_why(generation) for generation in missing), CANCELLED)
    return f"{_title(comparison)}\n-# {why}"


def comparison_deleted(comparison: Comparison) -> str:
    return f"The comparison of {quote(comparison.prompt, 80)} and its pictures are deleted for good."


def comparison_alternative(comparison: Comparison) -> str:
    """What a screen reader says for a sheet."""
    names = "; ".join(", ".join(names) for names in comparison.names)
    return shorten(f"{comparison.prompt} · {names}", 1000)


def cell_note(generation: Generation | None) -> str:
    """What stands in the place of a picture that a sheet does not show; None was deleted."""
    return "deleted" if generation is None else _NOTES.get(generation.state, "not shown here")


def cell_option(names: tuple[str, ...]) -> str:
    """One cell in the menu below its sheet."""
    return shorten(", ".join(names), 100)


def _why(generation: Generation) -> str:
    cancelled = generation.state is JobState.CANCELLED
    return CANCELLED if cancelled else failure_sentence(generation.failure)


def _title(comparison: Comparison) -> str:
    return f"**{quote(comparison.prompt, _PROMPT_SHOWN)}**"


def _sides(comparison: Comparison) -> str:
    return " · ".join(
        escape(shorten(f"{side.option} {', '.join(side.values)}", _SIDE_SHOWN)) for side in comparison.sides
    )
