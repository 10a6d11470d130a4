"""A picture's own recipe, with changes -> what to ask for to have it drawn again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.place import Viewer
from bot.recipes import Recipes
from generation import (
    BadSize,
    Catalogue,
    Family,
    FoundRecipe,
    Mode,
    Model,
    NeedsPicture,
    NotFetched,
    can_draw,
    find_model,
)


@dataclass(frozen=True, kw_only=True)
class Redrawn:
    """What to ask for, by Request's field names.

    `model` draws, `instead` of one that is not here, or of none where that is empty. `left` are fields that do not
    fit it and are its own to fill. `source_wanted`: the picture came of another one, which is not in it.
    """

    options: dict[str, Any]
    model: str
    instead: str
    left: tuple[str, ...]
    source_wanted: bool


async def redrawn_here(
    found: FoundRecipe, changes: Mapping[str, Any], recipes: Recipes, viewer: Viewer, *, has_image: bool
) -> Redrawn:
    """As `redrawn`, with the models that are on this machine and may draw where the viewer is."""
    first = recipes.catalogue.find(await recipes.first_choice(viewer))
    rules = recipes.servers.over(viewer)

    def look() -> list[Model]:  # the default one among them may have yet to be fetched
        return [model for model in recipes.models_here(rules) if find_model(model) is not None]

    here = await asyncio.to_thread(look)
    return redrawn(found, changes, recipes.catalogue, first=first, here=here, has_image=has_image)


def redrawn(
    found: FoundRecipe,
    changes: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    first: Model,
    here: Sequence[Model],
    has_image: bool,
) -> Redrawn:
    """Put `changes` over what was `found`; `first` draws where no model is named, and `here` are on this machine.

    What does not fit the model that draws instead is left to that model; what was asked for is never left out.
    Raises UnknownChoice for a model among the changes that there is not, NotFetched where nothing here draws in
    place of one that was found, and NeedsPicture where a picture would be made larger and none is given.
    """
    options = dict(found.options)
    mode = changes.get("mode", options.get("mode"))
    # 1. The model: the very one, one that is likely to be it, or one that stands in for it
    wanted = changes.get("model", options.get("model"))
    if "model" in changes:
        model = catalogue.find(wanted)
    else:
        by_image = has_image and "control" not in options
        way = Mode.IMAGE_TO_IMAGE if by_image else Mode.TEXT_TO_IMAGE
        way = mode if mode is Mode.UPSCALE else way
        model = _drawing(wanted, way, catalogue, first=first, here=here)
    # 2. What another one was asked for and this one cannot do
    left = _unfit(options, model) - changes.keys() if model.name != options.get("model") else set()
    # 3. The source: a strength without one has nothing to leave, and nothing can be made larger
    source_wanted = "strength" in options and not has_image
    dropped = left | ({"strength", "mode", "control"} if source_wanted else set())
    if mode is not Mode.UPSCALE or ("mode" not in changes and not can_draw(model, mode)):
        dropped |= {"scale", "mode"} if options.get("mode") is Mode.UPSCALE else set()
    elif not has_image:
        raise NeedsPicture("image", mode=mode, model=model.name)
    kept = {name: value for name, value in options.items() if name not in dropped}
    is_here = wanted is None or wanted in {model.name, *(each.name for each in here)}
    return Redrawn(
        options={**kept, **changes, "model": model.name},
        model=model.name,
        instead="" if is_here else wanted,
        left=tuple(sorted(left)),
        source_wanted=source_wanted,
    )


def _drawing(wanted: str | None, way: Mode, catalogue: Catalogue, *, first: Model, here: Sequence[Model]) -> Model:
    """The model that draws in `way` what was drawn with the one that some program calls `wanted`.

    Raises NotFetched.
    """
    near = first if wanted is None else catalogue.get(wanted)
    if near is None and wanted is not None:
        near = catalogue.nearest(wanted)
    # A picture can be made larger by another model than has drawn it.
    if near is not None and (near in here or near == first) and (way is not Mode.UPSCALE or can_draw(near, way)):
        return near
    able = [model for model in here if can_draw(model, way)]
    if not able:
        raise NotFetched(first.name if near is None else near.name)

    def rank(model: Model) -> tuple[bool, bool, bool]:
        """One of the same family comes first; what knows a picture book alone is kin to nothing else."""
        is_kin = near is not None and (model.family, model.harmless) == (near.family, near.harmless)
        return (model.family is Family.LANCZOS, not is_kin, model != first)

    return min(able, key=rank)


def _unfit(options: Mapping[str, Any], model: Model) -> set[str]:
    """Names of what another model was asked for and `model` cannot do."""
    bounds = {"num_inference_steps": model.steps, "guidance_scale": model.guidance}
    unfit = {
        name
        for name, within in bounds.items()
        if name in options and not within.minimum <= options[name] <= within.maximum
    }
    if options.get("scheduler", model.scheduler) not in model.schedulers:
        unfit.add("scheduler")
    if options.get("clip_skip", 1) != 1 and not model.skips_layers:
        unfit.add("clip_skip")
    try:
        model.size.read(options.get("size", str(model.size.native)))
    except BadSize:
        unfit.add("size")
    return unfit
