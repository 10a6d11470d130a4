"""Whether a picture that was drawn again is the same: by the records, and by the pictures themselves."""

import asyncio
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageStat

from bot.errors import NotFound
from bot.history import Generation, History, Picture
from bot.lineage import draws_again, each_own
from bot.pick import Pick
from generation import Sameness, Verdict, compare

_NEARLY = 10.0  # levels of 256: two pictures that differ by more on average are two pictures


@dataclass(frozen=True, kw_only=True)
class DrawnAgain:
    """`verdict` on a generation that asked for the same as the one called `first_id`."""

    first_id: str
    verdict: Verdict


async def drawn_again(generation: Generation, history: History) -> DrawnAgain | None:
    """The verdict on a generation that draws its parent's recipe; None where it is no such or that is gone.

    The records decide what can differ. Where the first pictures are still there, they are looked at as well, and
    what is seen there can make the verdict worse, never better.
    """
    if generation.parent_id is None:
        return None
    try:
        first = await history.any(generation.parent_id)
    except NotFound:
        return None
    then, now = first.recipe.environment, generation.recipe.environment
    if then is None or now is None or not draws_again(generation.recipe, first.recipe):
        return None
    verdict = compare(then, now)
    seen = await asyncio.to_thread(_seen, first, generation)
    return DrawnAgain(first_id=first.id, verdict=verdict.at_best(seen))


def _seen(first: Generation, again: Generation) -> Sameness:
    """How much alike the pictures are that have a counterpart; what cannot be read is passed over."""
    counterparts = _by_own(first)
    differences = (
        _difference(counterparts[own], picture) for own, picture in _by_own(again).items() if own in counterparts
    )
    return max(differences, default=Sameness.SAME)


def _by_own(generation: Generation) -> dict[object, Picture]:
    """The pictures by what each has of its own; where some were held back, the names tell which are left."""
    owns = each_own(generation.recipe)
    return {owns[Pick.read(picture.name).first - 1]: picture for picture in generation.pictures}


def _difference(then: Picture, now: Picture) -> Sameness:
    try:
        with Image.open(then.file) as before, Image.open(now.file) as after:
            if before.size != after.size:
                return Sameness.NOT
            difference = ImageChops.difference(before.convert("RGB"), after.convert("RGB"))
    except OSError:
        return Sameness.SAME
    if difference.getbbox() is None:
        return Sameness.SAME
    mean = sum(ImageStat.Stat(difference).mean) / 3
    return Sameness.NEARLY if mean <= _NEARLY else Sameness.NOT
