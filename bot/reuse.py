"""What of a recipe still means something when the picture, the mask or the way of drawing is another one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from generation import Mode, Recipe, Request


def used_otherwise(recipe: Recipe, changes: Mapping[str, Any]) -> Request:
    """The request that `recipe` answers, without what `changes` (by Request's field names) make meaningless.

    The changes themselves are not in it.
    """
    request = recipe.to_request()
    mode = recipe.mode
    # 1. Another picture has a mask of its own, or none; one where there was none has to be put to some use
    if "source" in changes:
        request = replace(request, mask=None)
        if mode in {Mode.TEXT_TO_IMAGE, Mode.INPAINT, Mode.BLEND} and "mode" not in changes:
            request = replace(request, mode=None)
    # 2. A mask is for inpainting, a direction for outpainting
    if "mask" in changes and "mode" not in changes:
        request = replace(request, mode=None)
    if "direction" in changes and "mode" not in changes:
        request = replace(request, mode=Mode.OUTPAINT)
    # 3. Another way of drawing finds its own measures
    if changes.get("mode", request.mode) is not mode:
        request = replace(request, strength=None, mask=None, margins=None, scale=None, blend=None)
        if mode in {Mode.OUTPAINT, Mode.UPSCALE}:  # which have made the size
            request = replace(request, size=None)
    # 4. Margins are in pixels: of another picture, size or model only the direction stays
    elif request.margins is not None and not {"source", "size", "model", "direction"}.isdisjoint(changes):
        request = replace(request, margins=None, direction=request.margins.direction)
        if "size" not in changes and ("source" in changes or "direction" in changes):
            request = replace(request, size=None)
    return request
