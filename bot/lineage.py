"""What became of a picture: the changes from a recipe to the one that was made from it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest

from generation import Recipe

_ALIKE = 0.4  # of two texts that have less in common the one is no edit of the other


class Field(StrEnum):
    """What can change, in the order in which it is told."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    MODEL = "model"
    STYLE = "style"
    MODE = "mode"
    SOURCE = "source"
    MASK = "mask"
    CONTROL = "control"
    STRENGTH = "strength"
    SEED = "seed"
    VARIATION = "variation"
    COUNT = "count"
    SIZE = "size"
    SCALE = "scale"
    BLEND = "blend"
    STEPS = "steps"
    GUIDANCE = "guidance"
    SCHEDULER = "scheduler"
    CLIP_SKIP = "clip_skip"


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A field has another value; None stands for none at all."""

    field: Field
    before: str | float | None
    after: str | float | None


@dataclass(frozen=True, kw_only=True)
class Reworded:
    """A text was edited: some words were put in, some taken out."""

    field: Field
    added: tuple[str, ...]
    removed: tuple[str, ...]


Change = Changed | Reworded

_TEXTS: dict[Field, Callable[[Recipe], str]] = {
    Field.PROMPT: lambda recipe: recipe.prompt,
    Field.NEGATIVE_PROMPT: lambda recipe: recipe.negative_prompt,
}
_VALUES: dict[Field, Callable[[Recipe], str | float | None]] = {
    Field.MODEL: lambda recipe: recipe.model,
    Field.STYLE: lambda recipe: None if recipe.style is None else recipe.style.name,
    Field.MODE: lambda recipe: recipe.mode,
    Field.SOURCE: lambda recipe: recipe.source,
    Field.MASK: lambda recipe: recipe.mask,
    Field.CONTROL: lambda recipe: recipe.control,
    Field.STRENGTH: lambda recipe: recipe.strength,
    Field.SEED: lambda recipe: recipe.seeds[0],
    Field.VARIATION: lambda recipe: recipe.variation or None,
    Field.COUNT: lambda recipe: len(recipe.seeds),
    Field.SIZE: lambda recipe: str(recipe.size),
    Field.SCALE: lambda recipe: recipe.scale,
    Field.BLEND: lambda recipe: recipe.blend,
    Field.STEPS: lambda recipe: recipe.num_inference_steps,
    Field.GUIDANCE: lambda recipe: recipe.guidance_scale,
    Field.SCHEDULER: lambda recipe: recipe.scheduler,
    Field.CLIP_SKIP: lambda recipe: recipe.clip_skip,
}


def changes(parent: Recipe, child: Recipe) -> tuple[Change, ...]:
    """What differs from a picture's recipe to its child's, in the order of `Field`."""
    found: list[Change] = []
    for field in Field:
        if field in _TEXTS:
            before, after = _TEXTS[field](parent), _TEXTS[field](child)
            if before.split() != after.split():
                found.append(_reworded(field, before, after))
        elif _VALUES[field](parent) != _VALUES[field](child):
            found.append(Changed(field=field, before=_VALUES[field](parent), after=_VALUES[field](child)))
    return tuple(found)


def draws_again(child: Recipe, parent: Recipe) -> bool:
    """Whether `child` asks for pictures that `parent` asked for, all or some of them, and for nothing else."""
    return _common(child) == _common(parent) and set(each_own(child)) <= set(each_own(parent))


def each_own(recipe: Recipe) -> tuple[object, ...]:
    """What each picture of a recipe has of its own, in their order: its seeds, and its words where it has some."""
    return tuple(zip_longest(recipe.seeds, recipe.variation_seeds, recipe.words))


def _common(recipe: Recipe) -> Recipe:
    """What all pictures of a recipe share."""
    return replace(recipe, seeds=(), variation_seeds=(), words=())


def _reworded(field: Field, before: str, after: str) -> Change:
    old, new = before.split(), after.split()
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return Changed(field=field, before=before or None, after=after or None)
    runs = [codes for codes in matcher.get_opcodes() if codes[0] != "equal"]
    return Reworded(
        field=field,
        added=tuple(" ".join(new[start:end]) for _, _, _, start, end in runs if start < end),
        removed=tuple(" ".join(old[start:end]) for _, start, end, _, _ in runs if start < end),
    )
