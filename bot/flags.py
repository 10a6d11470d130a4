"""The grammar of a reply's text: a prompt with flags, as in "a red cat --strength 0.4 --no fog".

    text   = (word | flag)*
    flag   = ("--" | em dash | en dash) name [("=" | white space) value]
    value  = quoted text | one word;   of --no: quoted text | every word up to the next flag or the end

Flags may stand anywhere. Phones turn "--" into a dash: such a dash begins a flag only where it stands directly
before the name of a flag, so that dashes of ordinary prose stay what they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum, auto
from types import MappingProxyType

from bot.errors import BadFlag, FlagValue
from generation import AUTO, COUNT_LIMIT, MODES, Mode, OutOfRange, UnknownChoice

Value = str | int | float | Mode | None


class _Kind(Enum):
    WORD = auto()
    WORDS = auto()  # up to the next flag
    NUMBER = auto()
    WHOLE_NUMBER = auto()
    MODE = auto()  # a name of one


@dataclass(frozen=True, kw_only=True)
class _Flag:
    """What a flag sets, by Request's field name; bounds stand here only where no model has a say in them."""

    sets: str
    kind: _Kind
    bounds: tuple[float, float] | None = None


_FLAGS = {
    "strength": _Flag(sets="strength", kind=_Kind.NUMBER, bounds=(0.0, 1.0)),
    "seed": _Flag(sets="seed", kind=_Kind.WORD),
    "no": _Flag(sets="negative_prompt", kind=_Kind.WORDS),
    "size": _Flag(sets="size", kind=_Kind.WORD),
    "steps": _Flag(sets="num_inference_steps", kind=_Kind.WHOLE_NUMBER),
    "guidance": _Flag(sets="guidance_scale", kind=_Kind.NUMBER),
    "scheduler": _Flag(sets="scheduler", kind=_Kind.WORD),
    "model": _Flag(sets="model", kind=_Kind.WORD),
    "style": _Flag(sets="style", kind=_Kind.WORD),
    "count": _Flag(sets="count", kind=_Kind.WHOLE_NUMBER, bounds=(1, COUNT_LIMIT)),
    "mode": _Flag(sets="mode", kind=_Kind.MODE),
}
FLAG_NAMES = tuple(_FLAGS)

_SYNONYMS = {  # what other programs call them: never taken, but a better hint than the spelling gives
    "ar": "size",
    "aspect": "size",
    "cfg": "guidance",
    "scale": "guidance",
    "n": "count",
    "number": "count",
    "neg": "no",
    "not": "no",
    "without": "no",
    "negative": "no",
    "negative-prompt": "no",
    "sampler": "scheduler",
    "denoise": "strength",
    "preset": "style",
}

_START = re.compile(r"(?<!\S)(--|[\u2012-\u2015])([^\W\d_][^\s=]*)")
_LONGEST_NAME = 40  # characters of an unknown flag that an error repeats
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb", "`": "`"}
_NUMBER = re.compile(r"[+-]?(\d{1,9}([.,]\d{0,9})?|[.,]\d{1,9})", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What a reply's text says: the `prompt` left when the flags are taken out, and what they set.

    `seed` is as typed: "same", "new", a number or the name of a saved seed. `changes` are by Request's field
    names, without the seed.
    """

    prompt: str
    seed: str | None = None
    changes: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


def read_flags(text: str, *, mention: int | None = None) -> Flags:
    """Split `text` into prompt and flags; mentions of the member `mention` (the bot) are cut out.

    A text with neither is its own prompt, unchanged. Bounds that a model sets are checked when the recipe is made.
    A mode that is None is for what was given to decide.
    Raises BadFlag, OutOfRange or UnknownChoice.
    """
    if mention is not None and (cut := re.sub(rf"<@!?{mention}>", " ", text)) != text:
        text = re.sub(r"[ \t]+", " ", cut).strip()
    starts = [start for start in _START.finditer(text) if _is_flag(start)]
    if not starts:
        return Flags(prompt=text)

    pieces = [text[: starts[0].start()]]
    values: dict[str, Value] = {}
    ends = [following.start() for following in starts[1:]] + [len(text)]
    for start, end in zip(starts, ends, strict=True):
        name = start[2].casefold()
        flag = _FLAGS.get(name)
        if flag is None:
            raise BadFlag(name[:_LONGEST_NAME], closest=_closest(name))
        value, rest = _split(text[start.end() : end], flag.kind)
        if not value:
            raise BadFlag(name, value_missing=True)
        if flag.sets in values:
            raise BadFlag(name, repeated=True)
        values[flag.sets] = _read(name, flag, value)
        pieces.append(rest)
    prompt = " ".join(piece.strip() for piece in pieces if piece.strip())
    seed = values.pop("seed", None)
    return Flags(prompt=prompt, seed=None if seed is None else str(seed), changes=MappingProxyType(values))


def read_mode(text: str) -> Mode | None:
    """The way of drawing that people call `text`, None for what was given to decide. Raises UnknownChoice."""
    name = text.strip().casefold()
    if name != AUTO and name not in MODES:
        raise UnknownChoice("mode", text, choices=(AUTO, *MODES))
    return MODES.get(name)


def _is_flag(start: re.Match[str]) -> bool:
    name = start[2].casefold()
    return start[1] == "--" or name in _FLAGS or bool(get_close_matches(name, _FLAGS, n=1, cutoff=0.8))


def _closest(name: str) -> str | None:
    written = name.replace("_", "-")
    if written in _SYNONYMS:
        return _SYNONYMS[written]
    first = re.split(r"[-:]", written)[0]  # "no-fog" or "strength:0.4"
    return first if first in _FLAGS else next(iter(get_close_matches(written, _FLAGS, n=1, cutoff=0.7)), None)


def _split(text: str, kind: _Kind) -> tuple[str, str]:
    """Divide what stands between two flags into the first one's value and what belongs to the prompt."""
    text = text.lstrip().removeprefix("=").strip()
    closing = _QUOTES.get(text[:1])
    if closing is not None and (end := text.find(closing, 1)) > 0:
        return text[1:end].strip(), text[end + 1 :]
    if kind is _Kind.WORDS:
        return text.rstrip(" ,;"), ""
    word, *rest = text.split(maxsplit=1) or [""]
    return word.rstrip(",;"), "".join(rest)


def _read(name: str, flag: _Flag, text: str) -> Value:
    number: int | float
    match flag.kind:
        case _Kind.MODE:
            return read_mode(text)
        case _Kind.WORD | _Kind.WORDS:
            return text
        case _Kind.NUMBER:
            if not _NUMBER.fullmatch(text):
                raise BadFlag(name, value=text, expected=FlagValue.NUMBER)
            number = float(text.replace(",", "."))
        case _Kind.WHOLE_NUMBER:
            if not _WHOLE_NUMBER.fullmatch(text):
                raise BadFlag(name, value=text, expected=FlagValue.WHOLE_NUMBER)
            number = int(text)
    if flag.bounds is not None and not flag.bounds[0] <= number <= flag.bounds[1]:
        raise OutOfRange(name, number, minimum=flag.bounds[0], maximum=flag.bounds[1])
    return number
