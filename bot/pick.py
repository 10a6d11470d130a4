"""Which picture is meant: a generation's id as people type, paste and press it, and a number if it has several."""

import re
from dataclasses import dataclass
from typing import Any

from bot.errors import NotAllowed, NotFound
from bot.history import Generation, Picture


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A generation, and which of its pictures is meant, from 1; None where nobody said."""

    generation_id: str
    number: int | None = None

    @classmethod
    def read(cls, typed: str) -> "Pick":
        """From "abc", "abc-2" or the name of a file: "abc.png", "SPOILER_abc-2.png"."""
        name = typed.strip(" `").removeprefix("SPOILER_")
        generation_id, _, number = name.partition(".")[0].partition("-")
        named = re.fullmatch(r"\d{1,9}", number) is not None
        return cls(generation_id=generation_id, number=int(number) if named else None)

    def __str__(self) -> str:
        return self.generation_id if self.number is None else f"{self.generation_id}-{self.number}"

    @property
    def first(self) -> int:
        """The number of the picture that is meant: the first one where nobody said."""
        return 1 if self.number is None else self.number


def seed_of(generation: Generation, number: int) -> int:
    """The seed of a generation's picture `number`, counted from 1. Raises NotFound where there is none."""
    _check(generation, number)
    return generation.recipe.seeds[number - 1]


def alone(generation: Generation, number: int, *, new_seed: bool = False) -> dict[str, Any]:
    """What to change in a generation's request for its picture `number` alone, or another one. Raises NotFound."""
    _check(generation, number)
    recipe = generation.recipe
    if new_seed:
        return {"count": 1}
    changes: dict[str, Any] = {"count": 1, "seed": recipe.seeds[number - 1]}
    if recipe.variation_seeds:
        changes["variation_seed"] = recipe.variation_seeds[number - 1]
    return changes


def turns(generation: Generation, number: int) -> tuple[tuple[int, float], ...]:
    """How the noise of picture `number` came about from its seed: what its own neighbours start from."""
    recipe = generation.recipe
    if not recipe.variation_seeds:
        return ()
    return (*recipe.turned, (recipe.variation_seeds[number - 1], recipe.variation))


def picture_of(generation: Generation, number: int) -> Picture:
    """The picture `number` that a generation brought, if its file is there. Raises NotFound."""
    # Where the content filter has held some back, only the file's name tells which of the seeds it is of.
    found = next((each for each in generation.pictures if Pick.read(each.name).first == number), None)
    if found is None or not found.file.exists():
        raise NotFound("picture", f"{generation.id}-{number}")
    return found


def starting_picture(generation: Generation, number: int) -> Picture:
    """The picture `number` to make something of. Raises as `picture_of` does, and NotAllowed for a flagged one.

    What is made of a picture may come from a model that has no content filter.
    """
    picture = picture_of(generation, number)
    if picture.flagged:
        raise NotAllowed("flagged")
    return picture


def _check(generation: Generation, number: int) -> None:
    if not 1 <= number <= len(generation.recipe.seeds):
        raise NotFound("generation", f"{generation.id}-{number}")
