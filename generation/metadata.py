"""Recipes inside PNG files: a text that other programs read, and a JSON object that Easel reads.

Pillow writes a tEXt chunk where Latin-1 is enough, and an iTXt chunk otherwise.
"""

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PIL import Image, PngImagePlugin

from generation.recipe import Recipe

_TEXT, _JSON = "parameters", "easel"


def pnginfo(recipe: Recipe, index: int) -> PngImagePlugin.PngInfo:
    """The chunks of picture number `index` (from 0) of `recipe`; they name this picture's seed alone."""
    own = replace(recipe, seeds=(recipe.seeds[index],))
    info = PngImagePlugin.PngInfo()
    info.add_text(_TEXT, parameters(own))
    info.add_text(_JSON, own.to_json())
    return info


def parameters(recipe: Recipe) -> str:
    """`recipe` with its first seed, in the form that AUTOMATIC1111's program gave to the world."""
    settings = {
        "Steps": str(recipe.num_inference_steps),
        "Sampler": str(recipe.scheduler),
        "CFG scale": f"{recipe.guidance_scale:g}",
        "Seed": str(recipe.seeds[0]),
        "Size": str(recipe.size),
        "Model": recipe.model,
    }
    if recipe.strength is not None:
        settings["Denoising strength"] = f"{recipe.strength:g}"
    settings["Version"] = f"Easel {_version()}"
    lines = [recipe.prompt]
    if recipe.negative_prompt:
        lines.append(f"Negative prompt: {recipe.negative_prompt}")
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in settings.items()))
    return "\n".join(lines)


def read(path: Path) -> Recipe | None:
    """The recipe in a PNG file that Easel wrote; None for any other file."""
    try:
        with Image.open(path) as image:
            if not isinstance(image, PngImagePlugin.PngImageFile):
                return None
            text = image.info.get(_JSON)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    if not isinstance(text, str):
        return None
    try:
        return Recipe.from_json(text)
    except ValueError:
        return None


def _quoted(value: str) -> str:
    # A comma or a colon would end the value for a program that reads this.
    if any(sign in value for sign in ',:\n"'):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return value


def _version() -> str:
    try:
        return version("easel")
    except PackageNotFoundError:
        return "unknown"
