"""Where a picture comes from, by three witnesses: its watermark, the recipe in it, and the records."""

import asyncio
import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from bot.history import Generation, History
from bot.place import Viewer
from bot.source import SourceImage
from generation import FoundRecipe, Trace, find_watermark, read_recipe


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What each witness says, None where it says nothing.

    A watermark and a recipe can be copied into another picture; only the records know the very file.
    """

    watermark: Trace | None
    recipe: FoundRecipe | None
    generation: Generation | None

    @property
    def made_here(self) -> bool:
        """Whether anything says so: a watermark of the kind that is written here counts."""
        own = self.recipe is not None and self.recipe.recipe is not None
        return own or self.watermark is not None or self.generation is not None


async def verify(data: bytes, image: SourceImage, *, viewer: Viewer, history: History) -> Findings:
    """Question the three witnesses about the picture file `data`, which was checked and read as `image`.

    A generation is told of only to a `viewer` who may see it, and to the operator.
    """
    watermark = await asyncio.to_thread(_watermark, image)
    recipe = await asyncio.to_thread(read_recipe, BytesIO(data))
    generation = await history.with_picture(hashlib.sha256(data).hexdigest(), viewer)
    return Findings(watermark=watermark, recipe=recipe, generation=generation)


def _watermark(image: SourceImage) -> Trace | None:
    with Image.open(BytesIO(image.png)) as picture:
        return find_watermark(picture)
