r"""The grammar of prompts: weights, pieces, blends and LoRAs.

    prompt = ( text | '("' text '", "' text '").blend(' number ',' number ')' ) with LoRAs anywhere
    LoRA   = '<lora:' name [':' weight [':' weight for the denoising network]] '>'
    text   = words with weights; BREAK, in capitals, begins a new piece

`(word)` counts 1.1 times, `(word:1.3)` 1.3 times, `[word]` a 1.1th; brackets nest, and `\(` is a bracket as text.
A bracket without its partner is text too, since people type smileys. LoRAs and weights are written as for
AUTOMATIC1111's program, blends as for compel and InvokeAI. What else these programs read in a prompt and Easel
does not (prompts that change half way, conjunctions, hypernetworks) is refused and not drawn as if it were words;
the word AND is a word.
"""

import math
import re
from dataclasses import dataclass

from generation.errors import BadPrompt, OutOfRange, PromptFault

STRONGEST = 10.0  # weight of a LoRA and of a word, either way
_STRONGER = 1.1
_PARTNERS = {")": "(", "]": "["}
_NUMBER = r"[+-]?(?>\d+\.?\d*|\.\d+)"  # all of its digits or none, or a long one takes minutes
_ESCAPED = re.compile(r"\\([\\()\[\]])")
_SYNTAX = re.compile(r"\\[\\()\[\]]|[()\[\]]")
_WEIGHT = re.compile(rf":\s*({_NUMBER})\s*")
_BREAK = re.compile(r"\bBREAK\b")

_TAG = re.compile(r"<([A-Za-z]+):([^<>]*)>")
_TEXT_IN_QUOTES = r'(?:"(?:[^"\\]|\\.)*"|“[^“”]*”)'
_BLEND = re.compile(
    rf"\(\s*({_TEXT_IN_QUOTES}(?:\s*,\s*{_TEXT_IN_QUOTES})*)\s*+(?:,\s*+)?\)\s*\.blend\(([^()]*)\)\s*", re.DOTALL
)
_CALL = re.compile(r"(?:\)|\w)\s*\.(blend|and|swap)\(")
_HALF_WAY = re.compile(rf":\s*{_NUMBER}\s*")  # how the inside of "[from:to:0.5]" ends
_WEIGHTED_CLAUSE = re.compile(rf"(?<!\d):\s*{_NUMBER}\s+AND\b|\bAND\b.*(?<!\d):\s*{_NUMBER}\s*$", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of a prompt, and how much it counts."""

    text: str
    weight: float


Piece = tuple[Part, ...]  # what stands between two BREAKs


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """One text of a blend and its share of the whole; a prompt that is no blend is one ingredient."""

    pieces: tuple[Piece, ...]
    share: float


@dataclass(frozen=True, kw_only=True)
class LoraTag:
    """A LoRA that a prompt asks for, and how strongly it acts on the text encoders and the denoising network."""

    name: str
    text_weight: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a prompt says; the shares of its ingredients add up to 1."""

    ingredients: tuple[Ingredient, ...]
    loras: tuple[LoraTag, ...]

    @property
    def words(self) -> str:
        """Everything that is text in it."""
        pieces = [piece for ingredient in self.ingredients for piece in ingredient.pieces]
        return "\n".join(part.text for piece in pieces for part in piece)


def read(text: str, *, argument: str = "prompt") -> Prompt:
    """What `text` says. Raises BadPrompt for `argument`, or OutOfRange for a weight."""
    rest, loras = _take_loras(text, argument)
    if (blend := _BLEND.fullmatch(rest.strip())) is not None:
        texts = [_unquoted(quoted) for quoted in re.findall(_TEXT_IN_QUOTES, blend[1])]
        shares = _shares(blend[2], len(texts), argument)
    elif (call := _CALL.search(rest)) is not None:
        fault = PromptFault.BLEND if call[1] == "blend" else PromptFault.COMPOSITION
        raise BadPrompt(argument, call[0].lstrip(") "), fault=fault)
    else:
        texts, shares = [rest], [1.0]
    ingredients = [
        Ingredient(pieces=_pieces(text, argument), share=share) for text, share in zip(texts, shares, strict=True)
    ]
    return Prompt(ingredients=tuple(ingredients), loras=loras)


def put_into(template: str, place: str, text: str) -> str:
    """`template` with `text` in place of `place`; of a blend, each of its texts is put in by itself."""

    def put(found: re.Match[str]) -> str:
        opening, inner, closing = found[0][0], found[0][1:-1], found[0][-1]
        around = template.replace("\\", "\\\\").replace('"', '\\"') if opening == '"' else template
        return f"{opening}{around.replace(place, inner)}{closing}"

    blend = _BLEND.search(text)
    if blend is None:
        return template.replace(place, text)
    return text[: blend.start(1)] + re.sub(_TEXT_IN_QUOTES, put, blend[1]) + text[blend.end(1) :]


def _take_loras(text: str, argument: str) -> tuple[str, tuple[LoraTag, ...]]:
    """`text` without its LoRA tags, and these."""
    tags: dict[str, LoraTag] = {}

    def take(found: re.Match[str]) -> str:
        if found[1].lower() not in {"lora", "lyco"}:
            raise BadPrompt(argument, found[0], fault=PromptFault.NETWORK)
        if argument != "prompt":
            raise BadPrompt(argument, found[0], fault=PromptFault.TAG_NOT_HERE)
        name, *weights = (field.strip() for field in found[2].split(":"))
        if not name or len(weights) > 2 or not all(re.fullmatch(_NUMBER, weight) for weight in weights):
            raise BadPrompt(argument, found[0], fault=PromptFault.TAG)
        if name.casefold() in tags:
            raise BadPrompt(argument, found[0], fault=PromptFault.TAG_TWICE)
        values = [float(weight) for weight in weights] or [1.0]
        for value in values:
            _within("weight of a LoRA", value)
        tags[name.casefold()] = LoraTag(name=name, text_weight=values[0], weight=values[-1])
        return ""

    rest = _TAG.sub(take, text)
    return rest, tuple(tags.values())


def _unquoted(quoted: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", quoted[1:-1]) if quoted.startswith('"') else quoted[1:-1]


def _shares(written: str, count: int, argument: str) -> list[float]:
    """The shares of `count` texts, which add up to 1; none written means that all are equal."""
    weights = [weight.strip() for weight in written.split(",")] if written.strip() else ["1"] * count
    if len(weights) != count or not all(re.fullmatch(_NUMBER, weight) for weight in weights):
        raise BadPrompt(argument, f".blend({written})", fault=PromptFault.BLEND)
    values = [float(weight) for weight in weights]
    total = sum(values)
    if min(values) < 0 or not 0 < total < math.inf:
        raise BadPrompt(argument, f".blend({written})", fault=PromptFault.BLEND)
    return [value / total for value in values]


def _pieces(text: str, argument: str) -> tuple[Piece, ...]:
    if (clause := _WEIGHTED_CLAUSE.search(text)) is not None:
        raise BadPrompt(argument, clause[0], fault=PromptFault.COMPOSITION)
    pieces: list[list[Part]] = [[]]
    for part in parse(text, argument=argument):
        first, *others = _BREAK.split(part.text)
        stretches = [first, *(each.lstrip() for each in others)]
        stretches[:-1] = [each.rstrip() for each in stretches[:-1]]
        for number, stretch in enumerate(stretches):
            if number:
                pieces.append([])
            if stretch:
                pieces[-1].append(Part(text=stretch, weight=part.weight))
    return tuple(tuple(piece) for piece in pieces if piece) or ((),)


def parse(text: str, *, argument: str = "prompt") -> tuple[Part, ...]:
    """The weighted parts of `text`; neighbours of the same weight are one part, their text as it was typed.

    Raises BadPrompt for brackets that mean something else than a weight, and OutOfRange for too large a one.
    """
    partners = _partners(text)
    text_ends = dict.fromkeys(partners.values(), 0)  # closing bracket -> where the text before it ends
    weights = [1.0]
    parts: list[Part] = []
    at = 0
    for found in _SYNTAX.finditer(text):
        sign = found.start()
        if sign in partners:
            _check_is_weight(text[sign : partners[sign] + 1], argument)
            _add(parts, text[at:sign], weights[-1])
            factor, text_ends[partners[sign]] = _factor(text, sign, partners[sign])
            weights.append(_within("weight of a word", weights[-1] * factor))
        elif sign in text_ends:
            _add(parts, text[at : text_ends[sign]], weights.pop())
        else:
            continue
        at = sign + 1
    _add(parts, text[at:], weights[-1])
    return tuple(parts)


def _within(name: str, weight: float) -> float:
    if not abs(weight) <= STRONGEST:
        raise OutOfRange(name, weight, minimum=-STRONGEST, maximum=STRONGEST)
    return weight


def _check_is_weight(bracketed: str, argument: str) -> None:
    """Raise BadPrompt for "[from:to:0.5]" and "[one|other]"; "(x)" is always a weight."""
    if not bracketed.startswith("["):
        return
    colon = bracketed.rfind(":")
    if colon > 0 and _HALF_WAY.fullmatch(bracketed, colon, len(bracketed) - 1):
        raise BadPrompt(argument, bracketed, fault=PromptFault.EDITING)
    if "|" in bracketed:
        raise BadPrompt(argument, bracketed, fault=PromptFault.ALTERNATION)


def _add(parts: list[Part], text: str, weight: float) -> None:
    text = _ESCAPED.sub(r"\1", text)
    if parts and parts[-1].weight == weight:
        parts[-1] = Part(text=parts[-1].text + text, weight=weight)
    elif text:
        parts.append(Part(text=text, weight=weight))


def _factor(prompt: str, opening: int, closing: int) -> tuple[float, int]:
    """How much a pair of brackets makes its text count, and where that text ends."""
    if prompt[opening] == "[":
        return 1 / _STRONGER, closing
    colon = prompt.rfind(":", opening, closing)
    if colon > opening and (written := _WEIGHT.fullmatch(prompt, colon, closing)):
        return float(written[1]), colon
    return _STRONGER, closing


def _partners(prompt: str) -> dict[int, int]:
    """Where each opening bracket that has a partner is closed."""
    open_at: list[int] = []
    still_open = {"(": 0, "[": 0}
    partners: dict[int, int] = {}
    for found in _SYNTAX.finditer(prompt):
        sign = found[0]
        if sign in still_open:
            open_at.append(found.start())
            still_open[sign] += 1
        elif sign in _PARTNERS and still_open[_PARTNERS[sign]]:
            at = -1
            while at < 0 or prompt[at] != _PARTNERS[sign]:  # what was opened within it has no partner
                at = open_at.pop()
                still_open[prompt[at]] -= 1
            partners[at] = found.start()
    return partners
