"""What the styles look like: a small picture of each, drawn once by the default model in the ordinary queue."""

import asyncio
import hashlib
import logging
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bot.history import History
from bot.place import OPERATOR_ID, Viewer
from bot.sheet import Tile, draw_sheet
from bot.studio import Studio
from bot.updates import Ended
from generation import GenerationError, JobState, Recipe, Request, Style, complete

log = logging.getLogger(__name__)

PROMPT = "a red cat on the beach"
_SEED = 7
_NO_CHANCE = random.Random(0)  # noqa: S311  (with a seed nothing is left to chance)
_DEAREST = 30.0  # seconds that a sample may be expected to take; dearer ones are left to members' own wishes
_EASEL = Viewer(member_id=OPERATOR_ID)  # who has no allowance, and waits in the queue like everybody
_SIDE = 256  # pixels at most of what is kept
_ACROSS = 3  # samples in a row of the sheet
_QUALITY = 88


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A JPEG of all samples that are there, if any, and how many are still to come."""

    picture: bytes | None
    coming: int


class Samples:
    """Keeps a sample of each style in `folder`; another default model or another template means another one."""

    def __init__(self, folder: Path, *, studio: Studio, history: History) -> None:
        self._folder = folder
        self._studio = studio
        self._history = history
        self._wanted: dict[Path, Recipe] = {}
        self._given_up: set[Path] = set()
        self._drawing: asyncio.Task[None] | None = None

    async def sheet(self, styles: Sequence[Style]) -> Sheet:
        """The samples of `styles` on one sheet; what is missing is asked for, unless it would take too long."""
        recipes = {self._file(recipe): recipe for recipe in map(self._recipe, styles)}
        there = await asyncio.to_thread(_existing, recipes)
        for file, recipe in recipes.items():
            if file not in there and file not in self._given_up and self._studio.cost(recipe) <= _DEAREST:
                self._wanted.setdefault(file, recipe)
        if self._wanted and (self._drawing is None or self._drawing.done()):
            self._drawing = asyncio.create_task(self._draw(), name="samples of styles")
        samples = [(file, style) for file, style in zip(recipes, styles, strict=True) if file in there]
        picture = await asyncio.to_thread(_sheet, samples) if samples else None
        return Sheet(picture=picture, coming=sum(file in self._wanted for file in recipes))

    async def close(self) -> None:
        """Give up waiting for what is still to come."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.wait({self._drawing})

    def _recipe(self, style: Style) -> Recipe:
        model = self._studio.catalogue.find(None)
        request = Request(prompt=PROMPT, seed=_SEED, style=style, model=model.name)
        return complete(request, model=model, source_size=None, chance=_NO_CHANCE)

    def _file(self, recipe: Recipe) -> Path:
        model = self._studio.catalogue.find(recipe.model)
        drawn_from = f"{model.source}\n{model.revision}\n{recipe.to_json()}"
        return self._folder / f"{hashlib.sha256(drawn_from.encode()).hexdigest()[:24]}.jpg"

    async def _draw(self) -> None:
        """Draw what is wanted, one after the other, so that no member waits for more than one of them."""
        while self._wanted:
            file, recipe = next(iter(self._wanted.items()))
            try:
                if not await self._draw_one(file, recipe):
                    self._given_up.add(file)
            except GenerationError as refused:
                log.info("the sample of %s has to wait: %s", recipe.style and recipe.style.name, refused)
                self._wanted.clear()
                return
            except Exception:
                log.exception("no sample of %s", recipe.style and recipe.style.name)
                self._given_up.add(file)
            self._wanted.pop(file, None)

    async def _draw_one(self, file: Path, recipe: Recipe) -> bool:
        """Whether a picture came of it that everybody may see. Raises what `Studio.submit` raises."""
        asked = await self._studio.submit(recipe.to_request(), viewer=_EASEL, address=None, private=True)
        async for update in self._studio.follow(asked.generation_id):
            if isinstance(update, Ended):
                break
        generation = await self._history.any(asked.generation_id)
        good = generation.state is JobState.FINISHED and not generation.pictures[0].flagged
        if good:
            await asyncio.to_thread(_keep, generation.pictures[0].file, file)
        await self._history.delete(generation.id, _EASEL)
        return good


def _existing(files: Iterable[Path]) -> frozenset[Path]:
    return frozenset(file for file in files if file.exists())


def _keep(drawn: Path, file: Path) -> None:
    """Keep a small copy, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with Image.open(drawn) as image:
        small = image.convert("RGB")
        small.thumbnail((_SIDE, _SIDE))
        small.save(part, "JPEG", quality=_QUALITY)
    os.replace(part, file)  # noqa: PTH105


def _sheet(samples: Sequence[tuple[Path, Style]]) -> bytes:
    tiles = [Tile(title=style.name, caption=style.title, file=file) for file, style in samples]
    return draw_sheet([tiles[at : at + _ACROSS] for at in range(0, len(tiles), _ACROSS)])
