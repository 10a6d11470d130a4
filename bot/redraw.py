"""A picture's own recipe, with changes -> what to ask for to have it drawn again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation import BadSize, Catalogue, FoundRecipe, Model


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


def redrawn(found: FoundRecipe, changes: Mapping[str, Any], catalogue: Catalogue, *, has_image: bool) -> Redrawn:
    """Put `changes` over what was `found`. Raises UnknownChoice for a model that is not here, nor one like it.

    What does not fit the model that draws instead is left to that model; what was asked for is never left out.
    """
    options = dict(found.options)
    # 1. The model: the very one, one that is likely to be it, or none
    wanted = changes.get("model", options.get("model"))
    model = None if wanted is None or wanted in catalogue else catalogue.nearest(wanted)
    if model is None or "model" in changes:
        model = catalogue.find(wanted)
    # 2. What another one was asked for and this one cannot do
    left = _unfit(options, model) - changes.keys() if model.name != options.get("model") else set()
    # 3. The source: a strength without one has nothing to leave
    source_wanted = "strength" in options and not has_image
    dropped = left | ({"strength", "mode", "control"} if source_wanted else set())
    kept = {name: value for name, value in options.items() if name not in dropped}
    return Redrawn(
        options={**kept, **changes, "model": model.name},
        model=model.name,
        instead=wanted if wanted is not None and wanted != model.name else "",
        left=tuple(sorted(left)),
        source_wanted=source_wanted,
    )


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
    try:
        model.size.read(options.get("size", str(model.size.native)))
    except BadSize:
        unfit.add("size")
    return unfit
