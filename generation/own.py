"""The operator's own catalogue file: entries are added and taken out, and everything else in it stays as it is."""

import json
import os
import tomllib
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from generation.catalogue import read_entries
from generation.errors import ModelUnavailable
from generation.model import Model, Place
from generation.size import Range, Size

_BEGIN = """\
# The models that you added to Easel. This file is yours: change what you like. Easel reads it when it starts.
# `steps` and `guidance` are [minimum, default, maximum]; sides are in pixels.
"""


def add_entry(file: Path, model: Model) -> None:
    """Put `model` at the end of `file`, which is made if it is not there. Raises OSError and ModelUnavailable."""
    read_entries(file)  # what cannot be read is not added to
    text = file.read_text(encoding="utf-8") if file.exists() else _BEGIN
    _write(file, f"{text.rstrip()}\n\n{_entry(model)}")


def remove_entry(file: Path, name: str) -> bool:
    """Take the entry `name` out of `file`; returns whether it was there. Raises OSError and ModelUnavailable.

    Comments directly above a header stay, be it that of the next entry or its own. Nothing is written where the
    entry cannot be taken out by itself, as one that has no header.
    """
    if name not in read_entries(file):
        return False
    text = file.read_text(encoding="utf-8")
    left = _without(name, text)
    entries = tomllib.loads(text)
    del entries[name]
    if _read(left) != entries:
        raise ModelUnavailable(name, f"it cannot be taken out of {file} by itself; delete it there by hand")
    _write(file, left)
    return True


def _without(name: str, text: str) -> str:
    kept: list[str] = []
    above: list[str] = []  # comments, until it is known what they stand above
    inside = False  # the entry
    for statement in _statements(text):
        start = statement.lstrip()[:1]
        if start == "#":
            above.append(statement)
            continue
        if start == "[" or not inside:
            kept += above
        if start == "[":
            inside = name in tomllib.loads(statement)
        if not inside:
            kept.append(statement)
        elif start == "[" and above:
            kept.append("\n")  # or else the comments would come to stand above the next entry
        above = []
    return "".join(kept + above).rstrip() + "\n"


def _statements(text: str) -> Iterator[str]:
    """Each header, value, comment and empty line of a TOML `text`, with all the lines that it takes."""
    statement = ""
    for line in StringIO(text):  # str.splitlines cuts comments and strings at more than line feeds
        statement += line
        if _read(statement) is not None:
            yield statement
            statement = ""


def _read(text: str) -> dict[str, Any] | None:
    """What TOML says; None where `text` is none, as half a statement is."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, file)  # noqa: PTH105  (Path.replace is the same, and named like str.replace)


def _entry(model: Model) -> str:
    bounds = model.size
    sides = [
        f"native = {_sides(bounds.native)}",
        f"grid = {bounds.grid}",
        f"minimum = {bounds.minimum}",
        f"maximum = {bounds.maximum}",
        f"trained = [{', '.join(map(_sides, bounds.trained))}]",
    ]
    lines = [
        f"[{_text(model.name)}]",
        f"title = {_text(model.title)}",
        f"family = {_text(model.family)}",
        f"sources = [{', '.join(map(_place, model.places))}]",
        f"licence = {_text(model.licence)}",
        f"can = [{', '.join(map(_text, model.can))}]",
        f"size = {{ {', '.join(sides)} }}",
        f"steps = {_range(model.steps, whole=True)}",
        f"guidance = {_range(model.guidance, whole=False)}",
        f"scheduler = {_text(model.scheduler)}",
        f"strength = {model.strength}",
    ]
    if model.prediction is not None:
        lines.append(f"prediction = {_text(model.prediction)}")
    return "\n".join(lines) + "\n"


def _place(place: Place) -> str:
    values = [f"{name} = {_text(value)}" for name, value in vars(place).items() if value is not None]
    return f"{{ {', '.join(values)} }}"


def _text(value: str) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _sides(size: Size) -> str:
    return f"[{size.width}, {size.height}]"


def _range(numbers: Range, *, whole: bool) -> str:
    values: Iterable[float] = (numbers.minimum, numbers.default, numbers.maximum)
    return f"[{', '.join(str(int(value)) if whole else str(float(value)) for value in values)}]"
