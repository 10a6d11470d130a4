"""What a request means on this machine: the recipe that is drawn for it, and the models that there are for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom

from PIL import Image

from bot.errors import BadRule, NotFound, RuleFault
from bot.pictures import Pictures
from bot.place import OPERATOR_ID, Viewer
from bot.preferences import Defaults, Preferences
from bot.rules import NO_RULES, Rules
from bot.servers import Servers
from generation import (
    NO_STYLE,
    Adapters,
    BadPicture,
    BadSize,
    Catalogue,
    Family,
    Mode,
    Model,
    NotFetched,
    NotThisMode,
    OutOfRange,
    PictureFault,
    Recipe,
    Request,
    Size,
    Styles,
    Use,
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
        servers: Servers,
        pictures: Pictures,
        chance: Random | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.styles = styles
        self.adapters = adapters
        self.servers = servers
        self._preferences = preferences
        self._pictures = pictures
        self._chance = SystemRandom() if chance is None else chance

    async def of(self, request: Request, viewer: Viewer) -> Recipe:
        """What a request of the viewer means: its holes are filled from their own defaults, then the model's.

        Where nobody named a model and the first choice is not made for what is asked, one that is here and made
        for it draws. What fills a hole keeps to the rules that hold where the viewer is; what was asked for is
        held to them by `Rules.check`. Raises InvalidRequest, NotFound, or what that raises.
        """
        rules = self.servers.over(viewer)
        if request.mode is Mode.UPSCALE and request.model is None:
            # Which model makes a picture larger is nobody's matter of taste, and a filter takes no style.
            model = await self.model_for(Mode.UPSCALE, viewer)
            style = NO_STYLE if request.style is None else request.style
            count = 1 if request.count is None else request.count
            request = replace(request, model=model, style=style, count=count)
        defaults = await self._defaults_there(viewer)
        filled = self._filled(request, defaults, rules)
        if (
            request.model is None
            and request.mode is not None
            and not rules.allows(self.catalogue.find(filled.model))
        ):
            filled = self._filled(
                replace(request, model=await self.model_for(request.mode, viewer)), defaults, rules
            )
        try:
            recipe = await self._complete(filled, viewer, rules)
        except NotThisMode as error:
            other = await self.model_for(Mode(str(error.value)), viewer)
            if request.model is not None or not await self.is_here(other):
                raise
            filled = self._filled(replace(request, model=other), defaults, rules)
            recipe = await self._complete(filled, viewer, rules)
        await asyncio.to_thread(self.adapters.of, recipe)
        return recipe

    async def first_choice(self, viewer: Viewer) -> str:
        """The model that draws where nobody names one: the viewer's own default, the server's, or that of all."""
        first = (await self._defaults_there(viewer)).model
        return self.catalogue.default if first is None else first

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

    async def _defaults_there(self, viewer: Viewer) -> Defaults:
        """The same, with the model that draws where the viewer is; None for the default one."""
        rules, defaults = self.servers.over(viewer), await self.defaults(viewer)
        if defaults.model is not None and rules.allows(self.catalogue.find(defaults.model)):
            return defaults
        first = await self.default_model(viewer)
        return replace(defaults, model=None if first == self.catalogue.default else first)

    async def default_model(self, viewer: Viewer) -> str:
        """The model that draws for whoever has chosen none: the server's first choice, or the default one."""
        rules = self.servers.over(viewer)
        for name in (rules.default_model, self.catalogue.default):
            if not await self.is_here(name):
                continue
            model = self.catalogue.find(name)
            if Use.TEXT in model.can and rules.allows(model):
                return model.name
        here = await asyncio.to_thread(self.models_here, rules)
        return next((model.name for model in here if Use.TEXT in model.can), self.catalogue.default)

    def check_first_choice(self, rules: Rules, here: Sequence[Model]) -> None:
        """Raises BadRule where the ceilings of `rules` would keep whoever names no model from drawing anything.

        `here` are all models on this machine, as `models_here` has them.
        """
        able = [model for model in here if Use.TEXT in model.can and rules.allows(model)]
        if not able:
            return
        first = next((model for model in able if model.name == rules.default_model), able[0])
        if rules.side is not None and rules.side < first.size.minimum:
            raise BadRule(RuleFault.SIDE_TOO_LOW, value=first.name, limit=first.size.minimum)
        if rules.steps is not None and rules.steps < first.steps.minimum:
            raise BadRule(RuleFault.STEPS_TOO_LOW, value=first.name, limit=int(first.steps.minimum))

    def _filled(self, request: Request, defaults: Defaults, rules: Rules) -> Request:
        named = self.catalogue.get(request.model or defaults.model or "", self.catalogue.find(None))
        return rules.eased(defaults, named).filled(request, catalogue=self.catalogue, styles=self.styles)

    async def _complete(self, request: Request, viewer: Viewer, rules: Rules) -> Recipe:
        """The recipe of a request whose source and mask are here. Raises as `of`."""
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

        def completed(model: Model) -> Recipe:
            return complete(
                request,
                model=model,
                source_size=source_size,
                chance=self._chance,
                styles=self.styles,
                controls=self.adapters.controls,
            )

        try:
            return completed(rules.lowered(model))
        except NotThisMode as error:
            others = await asyncio.to_thread(self._able, Mode(str(error.value)), rules)
            raise NotThisMode(str(error.value), model=error.model, others=others, control=error.control) from None
        except (OutOfRange, BadSize, BadPicture):
            # What the model could draw is refused as the server's ceiling, not as the model's.
            rules.check(completed(model))
            raise

    async def model_for(self, mode: Mode, viewer: Viewer, *, rather: str | None = None) -> str | None:
        """A model on this machine that is made for `mode`: `rather`, the default one, or any; None for none.

        Of two that upscale, the one that adds detail. It is one that may draw where the viewer is.
        """
        able = await asyncio.to_thread(self._able, mode, self.servers.over(viewer))
        wanted = (rather, self.catalogue.default, *able)
        return next((name for name in wanted if name in able), None)

    def models_here(self, rules: Rules = NO_RULES) -> tuple[Model, ...]:
        """The models that members can draw with: the default one, and the others that are on this machine."""
        first = self.catalogue.find(None)
        others = (model for model in self.catalogue.values() if model is not first)
        here = (first, *(model for model in others if find_model(model) is not None))
        return tuple(model for model in here if rules.allows(model))

    def kept_model(self, recipe: Recipe, mode: Mode | None, viewer: Viewer) -> str | None:
        """The model of `recipe` for what is made of its picture in `mode`.

        None where it cannot, is gone, or does not draw where the viewer is: nobody has named it.
        """
        model = self.catalogue.get(recipe.model)
        if model is None or not self.servers.over(viewer).allows(model):
            return None
        return recipe.model if can_draw(model, Mode.IMAGE_TO_IMAGE if mode is None else mode) else None

    def controlled_modes(self) -> frozenset[Mode]:
        """The ways of drawing for which a ControlNet is on this machine."""
        return frozenset(control.mode for control in self.adapters.controls.installed())

    def _able(self, mode: Mode, rules: Rules) -> tuple[str, ...]:
        """Models made for `mode`: those on this machine, else all; those of the default one's family come first.

        A plain filter comes last, and before it the built-in models, which know a picture book alone.
        """
        family = self.catalogue.find(None).family
        controls = self.adapters.controls
        made = [
            model
            for model in self.catalogue.values()
            if rules.allows(model)
            and ((can_draw(model, mode) and not mode.controlled) or controls.choose(mode, model) is not None)
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
