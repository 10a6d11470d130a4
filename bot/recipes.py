"""What a request means on this machine: the recipe that is drawn for it, and the models that there are for it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom

from PIL import Image

from bot.errors import NotFound
from bot.pictures import Pictures
from bot.place import OPERATOR_ID, Viewer
from bot.preferences import Defaults, Preferences
from generation import (
    NO_STYLE,
    Adapters,
    BadPicture,
    Catalogue,
    Family,
    Mode,
    Model,
    NotFetched,
    NotThisMode,
    PictureFault,
    Recipe,
    Request,
    Size,
    Styles,
    can_draw,
    complete,
    find_model,
)


class Recipes:
    """Makes recipes of requests, from what the catalogue, the styles and the adapters of this machine offer."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        styles: Styles,
        adapters: Adapters,
        preferences: Preferences,
        pictures: Pictures,
        chance: Random | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.styles = styles
        self.adapters = adapters
        self._preferences = preferences
        self._pictures = pictures
        self._chance = SystemRandom() if chance is None else chance

    async def of(self, request: Request, viewer: Viewer) -> Recipe:
        """What a request of the viewer means: its holes are filled from their own defaults, then the model's.

        Where nobody named a model and the first choice is not made for what is asked, one that is here and made
        for it draws. Raises InvalidRequest or NotFound.
        """
        if request.mode is Mode.UPSCALE and request.model is None:
            # Which model makes a picture larger is nobody's matter of taste, and a filter takes no style.
            model = await self.model_for(Mode.UPSCALE)
            style = NO_STYLE if request.style is None else request.style
            count = 1 if request.count is None else request.count
            request = replace(request, model=model, style=style, count=count)
        defaults = await self.defaults(viewer)
        try:
            recipe = await self._complete(self._filled(request, defaults), viewer)
        except NotThisMode as error:
            other = await self.model_for(Mode(str(error.value)))
            if request.model is not None or not await self.is_here(other):
                raise
            recipe = await self._complete(self._filled(replace(request, model=other), defaults), viewer)
        await asyncio.to_thread(self.adapters.of, recipe)
        return recipe

    async def first_choice(self, viewer: Viewer) -> str:
        """The model that draws for the viewer where nobody names one: their own default, else that of all."""
        own = (await self.defaults(viewer)).model
        return self.catalogue.default if own is None else own

    async def is_here(self, name: str | None) -> bool:
        """Whether members can draw with the model of that name: the default one, or one on this machine."""
        model = self.catalogue.get(name or "")
        if model is None:
            return False
        return name == self.catalogue.default or await asyncio.to_thread(find_model, model) is not None

    async def defaults(self, viewer: Viewer) -> Defaults:
        """The viewer's own defaults, without a model that is no longer here."""
        defaults = await self._preferences.of(viewer)
        return defaults if await self.is_here(defaults.model) else replace(defaults, model=None)

    def _filled(self, request: Request, defaults: Defaults) -> Request:
        return defaults.filled(request, catalogue=self.catalogue, styles=self.styles)

    async def _complete(self, request: Request, viewer: Viewer) -> Recipe:
        """The recipe of a request whose source and mask are here. Raises InvalidRequest or NotFound."""
        model = self.catalogue.find(request.model)
        # Gigabytes are the operator's to fetch, and nobody else's.
        own = model.name == self.catalogue.default or viewer.member_id == OPERATOR_ID
        if not own and await asyncio.to_thread(find_model, model) is None:
            raise NotFetched(model.name)
        source_size = await self._size_of(request.source)
        mask_size = await self._size_of(request.mask)
        if source_size is not None and mask_size is not None and not source_size.has_shape_of(mask_size):
            raise BadPicture(
                PictureFault.OTHER_SHAPE, name="The mask", value=str(mask_size), limit=str(source_size)
            )
        try:
            return complete(
                request,
                model=model,
                source_size=source_size,
                chance=self._chance,
                styles=self.styles,
                controls=self.adapters.controls,
            )
        except NotThisMode as error:
            others = await asyncio.to_thread(self._able, Mode(str(error.value)))
            raise NotThisMode(str(error.value), model=error.model, others=others, control=error.control) from None

    async def model_for(self, mode: Mode, *, rather: str | None = None) -> str | None:
        """A model on this machine that is made for `mode`: `rather`, the default one, or any; None for none.

        Of two that upscale, the one that adds detail.
        """
        able = await asyncio.to_thread(self._able, mode)
        wanted = (rather, self.catalogue.default, *able)
        return next((name for name in wanted if name in able), None)

    def models_here(self) -> tuple[Model, ...]:
        """The models that members can draw with: the default one, and the others that are on this machine."""
        first = self.catalogue.find(None)
        others = (model for model in self.catalogue.values() if model is not first)
        return (first, *(model for model in others if find_model(model) is not None))

    def kept_model(self, recipe: Recipe, mode: Mode | None) -> str | None:
        """The model of `recipe` for what is made of its picture in `mode`; None where it cannot, or is gone."""
        model = self.catalogue.get(recipe.model)
        able = model is not None and can_draw(model, Mode.IMAGE_TO_IMAGE if mode is None else mode)
        return recipe.model if able else None

    def controlled_modes(self) -> frozenset[Mode]:
        """The ways of drawing for which a ControlNet is on this machine."""
        return frozenset(control.mode for control in self.adapters.controls.installed())

    def _able(self, mode: Mode) -> tuple[str, ...]:
        """Models made for `mode`: those on this machine, else all; those of the default one's family come first.

        A plain filter comes last, and before it the built-in models, which know a picture book alone.
        """
        family = self.catalogue.find(None).family
        controls = self.adapters.controls
        made = [
            model
            for model in self.catalogue.values()
            if (can_draw(model, mode) and not mode.controlled) or controls.choose(mode, model) is not None
        ]
        made.sort(key=lambda model: (model.family is Family.LANCZOS, model.harmless, model.family is not family))
        here = [model.name for model in made if find_model(model) is not None]
        return tuple(here or [model.name for model in made])

    async def _size_of(self, sha256: str | None) -> Size | None:
        """The size of a stored source image or mask, None for none. Raises NotFound where it is gone."""
        if sha256 is None:
            return None
        try:
            return await asyncio.to_thread(_size_of, self._pictures.source_file(sha256))
        except FileNotFoundError:
            raise NotFound("source", sha256) from None


def _size_of(file: Path) -> Size:
    with Image.open(file) as image:
        return Size(width=image.width, height=image.height)
