"""What each way of drawing needs: its pipeline, and its picture and mask as that pipeline takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import (
    FluxPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from generation.adapters import Adapter
from generation.mode import Margins, Mode
from generation.model import Family, Model, Use
from generation.recipe import Recipe
from generation.size import Size
from generation.worker.flow import ImageToImage3, ImageToImageFlux, Inpaint3, InpaintFlux
from generation.worker.noise import DepthToImage, ImageToImage, ImageToImageXL, Inpaint, InpaintXL

_SEAM = 4  # pixels within what is drawn anew over which the old picture fades into it

_STABLE_DIFFUSION: Mapping[Mode, Any] = {
    Mode.TEXT_TO_IMAGE: StableDiffusionPipeline,
    Mode.IMAGE_TO_IMAGE: ImageToImage,
    Mode.INPAINT: Inpaint,
    Mode.OUTPAINT: Inpaint,
    Mode.DEPTH: DepthToImage,
    Mode.UPSCALE: StableDiffusionUpscalePipeline,
}
_KINDS: Mapping[Family, Mapping[Mode, Any]] = {
    Family.SD1: _STABLE_DIFFUSION,
    Family.SD2: _STABLE_DIFFUSION,
    Family.SDXL: {
        Mode.TEXT_TO_IMAGE: StableDiffusionXLPipeline,
        Mode.IMAGE_TO_IMAGE: ImageToImageXL,
        Mode.INPAINT: InpaintXL,
        Mode.OUTPAINT: InpaintXL,
    },
    Family.SD3: {
        Mode.TEXT_TO_IMAGE: StableDiffusion3Pipeline,
        Mode.IMAGE_TO_IMAGE: ImageToImage3,
        Mode.INPAINT: Inpaint3,
        Mode.OUTPAINT: Inpaint3,
    },
    Family.FLUX: {
        Mode.TEXT_TO_IMAGE: FluxPipeline,
        Mode.IMAGE_TO_IMAGE: ImageToImageFlux,
        Mode.INPAINT: InpaintFlux,
        Mode.OUTPAINT: InpaintFlux,
    },
}
_BY_USE = {
    Use.TEXT: (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINT, Mode.OUTPAINT),
    Use.INPAINT: (Mode.INPAINT, Mode.OUTPAINT),
    Use.DEPTH: (Mode.DEPTH,),
    Use.UPSCALE: (Mode.UPSCALE,),
}


class SourceMissing(Exception):
    """The source image or the mask of a recipe is not there, or is no picture any more."""


def pipelines(model: Model, whole: Any) -> dict[Mode, Any]:
    """The pipelines that the engine draws with, all of the parts of `whole`, which is for what `model` is for."""
    kinds = _KINDS.get(model.family, {})
    made: dict[Any, Any] = {type(whole): whole}
    for mode in _BY_USE.get(model.can[0], ()):
        if (kind := kinds.get(mode)) is not None and kind not in made:
            # Not with from_pipe, which would cast the shared parts (see diffusers 0.42).
            checked = "requires_safety_checker" in whole.config and kind is not DepthToImage
            made[kind] = kind(**whole.components, **({"requires_safety_checker": False} if checked else {}))
            made[kind].set_progress_bar_config(disable=True)
    found = {mode: made[kinds[mode]] for mode in _BY_USE.get(model.can[0], ()) if kinds.get(mode) in made}
    if Mode.IMAGE_TO_IMAGE in found:
        found[Mode.BLEND] = found[Mode.IMAGE_TO_IMAGE]  # which is given two images
    return found


@dataclass(frozen=True, kw_only=True)
class Materials:
    """What a recipe is drawn from besides words, at the size of its picture; for upscaling, as large as it came.

    `mask` is white where the picture is drawn anew. A blend has a `second` picture. A `control` draws after the
    source and not over it.
    """

    source: Image.Image | None = None
    second: Image.Image | None = None
    mask: Image.Image | None = None
    control: Adapter | None = None

    @classmethod
    def of(cls, recipe: Recipe, source: Path | None, mask: Path | None) -> "Materials":  # noqa: PLR0911  (a mode each)
        """Read the files that `recipe` needs. Raises SourceMissing."""
        if not recipe.mode.takes_source:
            return cls()
        picture = _read(source, "source").convert("RGB")
        match recipe.mode:
            case Mode.UPSCALE:
                return cls(source=picture)
            case Mode.BLEND:
                pair = _halves(picture, recipe.size)
                if recipe.steps_run == 0:
                    return cls(source=Image.blend(*pair, 0.0 if recipe.blend is None else recipe.blend))
                return cls(source=pair[0], second=pair[1])
            case Mode.INPAINT:
                # A mask of another size is of the same picture, so it is stretched over it before both are cut.
                shape = _read(mask, "mask").convert("L").resize(picture.size, Image.Resampling.BILINEAR)
                return cls(source=_fitted(picture, recipe.size), mask=_hard(_fitted(shape, recipe.size)))
            case Mode.OUTPAINT:
                canvas, new = _grown(picture, recipe.size, _margins(recipe))
                return cls(source=canvas, mask=new)
            case _:
                return cls(source=_fitted(picture, recipe.size))

    def arguments(self) -> dict[str, Any]:
        """The pictures under the argument names of diffusers pipelines."""
        pair = self.source if self.second is None else [self.source, self.second]
        named = {"image": pair, "mask_image": self.mask}
        return {name: image for name, image in named.items() if image is not None}

    def over(self, drawn: Image.Image) -> Image.Image:
        """`drawn` with every pixel of the source that was to be kept."""
        if self.source is None or self.mask is None:
            return drawn
        return Image.composite(drawn, self.source, _soft(self.mask))


def _read(file: Path | None, what: str) -> Image.Image:
    if file is None:
        raise SourceMissing(f"the order names no {what} file")
    try:
        with Image.open(file) as opened:
            return ImageOps.exif_transpose(opened)
    except FileNotFoundError as error:
        raise SourceMissing(f"{file} is gone") from error
    except (UnidentifiedImageError, SyntaxError) as error:
        raise SourceMissing(f"{file} is no picture any more") from error


def _fitted(picture: Image.Image, size: Size) -> Image.Image:
    """The picture filling `size`, with what stands over cut off evenly."""
    return ImageOps.fit(picture, (size.width, size.height), method=Image.Resampling.LANCZOS)


def _halves(pair: Image.Image, size: Size) -> tuple[Image.Image, Image.Image]:
    """The two pictures that stand side by side in one, each filling `size`."""
    middle = pair.width // 2
    boxes = (0, 0, middle, pair.height), (middle, 0, 2 * middle, pair.height)
    left, right = (_fitted(pair.crop(box), size) for box in boxes)
    return left, right


def _margins(recipe: Recipe) -> Margins:
    if recipe.margins is None:
        raise SourceMissing("a recipe that outpaints has no margins")
    return recipe.margins


def _grown(picture: Image.Image, size: Size, margins: Margins) -> tuple[Image.Image, Image.Image]:
    """The picture on its canvas, its edges drawn out over the margins, and the mask of these."""
    kept = Size(width=size.width - margins.left - margins.right, height=size.height - margins.top - margins.bottom)
    inner = _fitted(picture, kept)
    around = ((margins.top, margins.bottom), (margins.left, margins.right))
    stretched = np.pad(np.asarray(inner), (*around, (0, 0)), mode="edge")
    mask = np.pad(np.zeros((kept.height, kept.width), np.uint8), around, constant_values=255)
    return Image.fromarray(stretched), Image.fromarray(mask)


def _hard(mask: Image.Image) -> Image.Image:
    """Black and white alone, as the networks were trained with."""
    return mask.point(lambda value: 255 if value >= 128 else 0)


def _soft(mask: Image.Image) -> Image.Image:
    """The mask rising from its border inwards, so that no seam is seen and no kept pixel touched."""
    blurred = mask.filter(ImageFilter.BoxBlur(_SEAM))
    return ImageChops.darker(mask, blurred.point(lambda value: max(0, 2 * value - 255)))
