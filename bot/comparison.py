"""What `/compare` compares: comma lists -> the sides of a sheet, and what to ask for in each of its cells."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from pydantic import TypeAdapter

from bot.errors import BadComparison, ComparisonFault
from generation import Recipe, Scheduler

LISTS = ("steps", "guidance", "scheduler", "model", "seed")
CELLS_LIMIT = 16
SIDES_LIMIT = 2

_ACROSS = 4  # cells in a row where there is one list only
_FIELDS = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
_SCHEDULERS = {name.casefold(): name.value for name in Scheduler}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a sheet: an option, and its values as they were typed."""

    option: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a sheet shows: one or two `sides`, across and down, and the recipe of each cell, row by row."""

    prompt: str
    sides: tuple[Side, ...]
    recipes: tuple[Recipe, ...]

    @property
    def across(self) -> int:
        """Cells in a row."""
        width = len(self.sides[0].values)
        return width if len(self.sides) == SIDES_LIMIT else min(width, _ACROSS)

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """What each cell is called: a text for each side, such as "steps 10"."""
        return tuple(
            tuple(f"{side.option} {value}" for side, value in zip(self.sides, reversed(values), strict=True))
            for values in product(*(side.values for side in reversed(self.sides)))
        )

    def to_json(self) -> str:
        return _JSON.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "Comparison":
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        return _JSON.validate_json(text)


_JSON = TypeAdapter(Comparison)


def items(option: str, text: str) -> tuple[str, ...]:
    """The parts of a comma list; one that ends with a comma has nothing after it. Raises BadComparison."""
    found = tuple(item for item in (" ".join(part.split()) for part in text.split(",")) if item)
    if not found:
        raise BadComparison(ComparisonFault.EMPTY, option=option, value=text)
    return found


def value(option: str, item: str) -> Any:
    """What one part of a list means, where that needs no records. Raises BadComparison for what is no number."""
    read, form, fault = _NUMBERS.get(option, (str, _ANYTHING, ComparisonFault.EMPTY))
    if not form.fullmatch(item):
        raise BadComparison(fault, option=option, value=item)
    return _SCHEDULERS.get(item.casefold(), item) if option == "scheduler" else read(item)


_ANYTHING = re.compile(r".*")
_NUMBERS: Mapping[str, tuple[Callable[[str], Any], re.Pattern[str], ComparisonFault]] = {
    "steps": (int, re.compile(r"[+-]?\d{1,9}", re.ASCII), ComparisonFault.NO_WHOLE_NUMBER),
    "guidance": (float, re.compile(r"[+-]?(\d{1,9}(\.\d{0,9})?|\.\d{1,9})", re.ASCII), ComparisonFault.NO_NUMBER),
}


def compose(lists: Mapping[str, Sequence[tuple[str, Any]]]) -> tuple[tuple[Side, ...], list[dict[str, Any]]]:
    """The sides, and what to ask for in each cell by Request's field names, row by row.

    `lists` are (as typed, what it means) by option. Raises BadComparison for what is no sheet.
    """
    # 1. Nothing twice: two cells would be one picture.
    for option, entries in lists.items():
        meant = [meaning for _, meaning in entries]
        twice = next((typed for typed, meaning in entries if meant.count(meaning) > 1), None)
        if twice is not None:
            raise BadComparison(ComparisonFault.TWICE, option=option, value=twice)
    # 2. One or two lists, and not too many cells.
    long = {option: entries for option, entries in lists.items() if len(entries) > 1}
    if not long:
        raise BadComparison(ComparisonFault.NOTHING)
    if len(long) > SIDES_LIMIT:
        raise BadComparison(ComparisonFault.TOO_MANY_LISTS, count=len(long), limit=SIDES_LIMIT)
    count = prod(map(len, lists.values()))
    if count > CELLS_LIMIT:
        raise BadComparison(ComparisonFault.TOO_MANY_CELLS, count=count, limit=CELLS_LIMIT)
    # 3. The first list goes across, so that it changes from cell to cell.
    sides = tuple(
        Side(option=option, values=tuple(typed for typed, _ in entries)) for option, entries in long.items()
    )
    options = [*reversed(tuple(lists))]
    fields = [_FIELDS.get(option, option) for option in options]
    cells = product(*([meaning for _, meaning in lists[option]] for option in options))
    return sides, [dict(zip(fields, cell, strict=True)) for cell in cells]
