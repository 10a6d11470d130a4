"""The operator's own catalogue file: entries are added and taken out, and everything else in it stays as it is."""

import json
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from generation.catalogue import read_entries
from generation.model import Model, Place
from generation.size import Range, Size

_BEGIN = """\
# The models that you added to Easel. This file is yours: change what you like. Easel reads it when it starts.
# `steps` and `guidance` are [minimum, default, maximum]; sides are in pixels.
"""
_HEADER = re.compile(r"^\s*\[(?!\[)")


def add_entry(file: Path, model: Model) -> None:
    """Put `model` at the end of `file`, which is made if it is not there. Raises OSError and ModelUnavailable."""
    read_entries(file)  # what cannot be read is not added to
    text = file.read_text(encoding="utf-8") if file.exists() else _BEGIN
    _write(file, f"{text.rstrip()}\n\n{_entry(model)}")


def remove_entry(file: Path, name: str) -> bool:
    """Take the entry `name` out of `file`; returns whether it was there. Raises OSError and ModelUnavailable."""
    if name not in read_entries(file):
        return False
    kept, inside = [], False
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
        if _HEADER.match(line):
            inside = name in tomllib.loads(line)
        if not inside:
            kept.append(line)
    _write(file, "".join(kept).rstrip() + "\n")
    return True


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
