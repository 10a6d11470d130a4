"""Styles: named templates that stand around a member's words, and what a picture is drawn from in the end."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Self

from generation.errors import BadPrompt, StylesUnreadable, TooLong, UnknownChoice
from generation.prompt import put_into
from generation.wildcards import expand

PLACE = "{prompt}"  # where a template takes the member's words
NO_STYLE = "none"  # asks for none where otherwise the member's own would be taken
_FILE = Path(__file__).with_name("styles.toml")
_NAME_LIMIT = 40  # characters
_LIMIT = 2000  # characters of all the texts of a style
SPELLED_LIMIT = 6000  # characters that a prompt may come to in a style


@dataclass(frozen=True, kw_only=True)
class Style:
    """A template: `prompt` holds PLACE, and `negative_prompt` is added to the member's own."""

    name: str
    title: str
    prompt: str
    negative_prompt: str = ""


class Styles(Mapping[str, Style]):
    """Styles by name. Names are in small letters with hyphens; "Pixel art" asks for pixel-art."""

    def __init__(self, styles: Mapping[str, Style]) -> None:
        self._styles = dict(styles)

    @classmethod
    def read(cls, *, own: Path | None = None, file: Path = _FILE) -> Self:
        """The styles in `file` after the operator's `own`, which count where both have a name.

        Raises StylesUnreadable.
        """
        theirs = {} if own is None else _entries(own)
        return cls({**theirs, **{name: style for name, style in _entries(file).items() if name not in theirs}})

    def find(self, wanted: str | Style | None) -> Style | None:
        """The style called `wanted`; a style is itself, and None and NO_STYLE are none. Raises UnknownChoice."""
        if wanted is None or isinstance(wanted, Style):
            return wanted
        name = _name(wanted)
        if name == NO_STYLE:
            return None
        try:
            return self._styles[name]
        except KeyError:
            raise UnknownChoice("style", wanted, choices=tuple(self._styles)) from None

    def __getitem__(self, name: str) -> Style:
        return self._styles[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._styles)

    def __len__(self) -> int:
        return len(self._styles)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What one picture is drawn from: `text` is the member's prompt with its choices made, without the style."""

    text: str
    prompt: str
    negative_prompt: str


def spell(prompt: str, negative_prompt: str, style: Style | None, seed: int) -> Words:
    """What `prompt` comes to for the picture of `seed`: the same seed makes the same choices.

    Raises BadPrompt, and TooLong for a style or for what a prompt comes to.
    """
    chance = Random(seed)  # noqa: S311  (a choice that is the same again)
    text = expand(prompt, chance)
    without = expand(negative_prompt, chance, argument="negative_prompt")
    if style is None:
        return Words(text=text, prompt=text, negative_prompt=without)
    _check_length("style", "".join(vars(style).values()), _LIMIT)
    template = PLACE.join(expand(part, chance) for part in style.prompt.split(PLACE))
    kept_out = (without, expand(style.negative_prompt, chance))
    words = Words(
        text=text,
        prompt=put_into(template, PLACE, text),
        negative_prompt=", ".join(part for part in kept_out if part.strip()),
    )
    _check_length("prompt", words.prompt, SPELLED_LIMIT)
    return words


def _check_length(argument: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise TooLong(argument, length=len(text), limit=limit)


def _name(typed: str) -> str:
    return "-".join(typed.casefold().split())


def _entries(file: Path) -> dict[str, Style]:
    """The styles in a file; none if it is not there. Raises StylesUnreadable."""
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StylesUnreadable(f"{file} cannot be read: {error}") from error
    styles = (_style(name, values, file) for name, values in entries.items())
    return {style.name: style for style in styles}


def _style(name: str, values: object, file: Path) -> Style:
    where = f"[{name}] in {file}"
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise StylesUnreadable(f"{where} has to be a table of texts")
    if unknown := values.keys() - {"title", "prompt", "negative_prompt"}:
        raise StylesUnreadable(f"{where} has {min(unknown)}, which means nothing; leave it out")
    called = _name(name)
    if not called or called == NO_STYLE or len(called) > _NAME_LIMIT:
        raise StylesUnreadable(f"{where} needs another name, of at most {_NAME_LIMIT} characters")
    if PLACE not in values.get("prompt", ""):
        raise StylesUnreadable(f"{where} needs a prompt with {PLACE} where the member's words go")
    style = Style(
        name=called,
        title=values.get("title", name),
        prompt=values["prompt"],
        negative_prompt=values.get("negative_prompt", ""),
    )
    try:
        spell("words", "", style, 0)
    except BadPrompt as error:
        raise StylesUnreadable(f"{where} cannot be drawn: {error.value}") from error
    except TooLong as error:
        raise StylesUnreadable(f"{where} has {error.length} characters, and {error.limit} fit") from error
    return style
