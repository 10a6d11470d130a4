r"""Choices in prompts: "{red|blue} boat" is a red boat or a blue one, as the picture's seed decides.

    choice = '{' alternative ('|' alternative)* '}'

Choices nest, an alternative may be empty, and `\{`, `\}` and, within a choice, `\|` are text. A closing brace
without its partner is text too, since people type smileys. What other programs write in front of an alternative or
of a whole choice (`{2::a|b}`, `{2$$a|b}`) is refused and not drawn as if it were words.
"""

import re
from dataclasses import dataclass, field
from random import Random

from generation.errors import BadPrompt, PromptFault

_SIGN = re.compile(r"\\.|[{}|]", re.DOTALL)
_OTHER_FORM = re.compile(r"\s*(?=[.\-]*\d)[\d.\-]+\s*(?:::|\$\$)")


def has_choices(text: str) -> bool:
    """Whether `expand` may give another text than `text`."""
    return "{" in text or r"\}" in text


def expand(text: str, chance: Random, *, argument: str = "prompt") -> str:
    """`text` with one alternative of each choice, drawn from `chance` in the order of reading.

    Only what was chosen is looked into, so that a choice within an alternative that was not takes nothing from
    `chance`. Raises BadPrompt for a brace that is never closed, and for a choice written in another program's way.
    """
    if not has_choices(text):
        return text
    return _pick(_read(text, argument), chance)


@dataclass(frozen=True)
class _Choice:
    """Alternatives, each of texts and further choices."""

    alternatives: list[list["str | _Choice"]] = field(default_factory=lambda: [[]])


def _read(text: str, argument: str) -> list[str | _Choice]:
    outermost = _Choice()
    nested = [outermost]
    starts: list[int] = []
    at = 0
    for found in _SIGN.finditer(text):
        sign, within = found[0], len(nested) > 1
        taken = text[at : found.start()]
        match sign:
            case "{":
                choice = _Choice()
                nested[-1].alternatives[-1] += [taken, choice]
                nested.append(choice)
                starts.append(found.start())
            case "}" if within:
                choice, start = nested.pop(), starts.pop()
                choice.alternatives[-1].append(taken)
                if any(_is_of_other_form(alternative) for alternative in choice.alternatives):
                    raise BadPrompt(argument, text[start : found.end()], fault=PromptFault.CHOICE)
            case "|" if within:
                nested[-1].alternatives[-1].append(taken)
                nested[-1].alternatives.append([])
            case r"\{" | r"\}":
                nested[-1].alternatives[-1] += [taken, sign[1]]
            case r"\|" if within:
                nested[-1].alternatives[-1] += [taken, sign[1]]
            case _:
                continue
        at = found.end()
    if starts:
        raise BadPrompt(argument, text[starts[-1] :], fault=PromptFault.UNCLOSED)
    outermost.alternatives[-1].append(text[at:])
    return outermost.alternatives[0]


def _is_of_other_form(alternative: list[str | _Choice]) -> bool:
    first = alternative[0]
    return isinstance(first, str) and _OTHER_FORM.match(first) is not None


def _pick(parts: list[str | _Choice], chance: Random) -> str:
    ahead = parts[::-1]  # not by recursion: a prompt may nest deeper than Python does
    picked = []
    while ahead:
        part = ahead.pop()
        if isinstance(part, str):
            picked.append(part)
        else:
            # Of Python's random numbers only those of random() are the same in every version.
            ahead += part.alternatives[int(chance.random() * len(part.alternatives))][::-1]
    return "".join(picked)
