"""What a picture of any program tells of how it was made."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from generation.mode import Mode
from generation.recipe import Recipe
from generation.request import CLIP_SKIP_LIMIT, SEED_LIMIT
from generation.schedulers import Scheduler


@dataclass(frozen=True, kw_only=True)
class FoundRecipe:
    """What `program` wrote into a picture.

    `options` are what was understood, by Request's field names; `strength` is among them only where the picture
    was made from another one. `not_taken` is what was written and has no place in Easel, a phrase each. `recipe`
    is there where Easel itself drew it.
    """

    program: str
    options: dict[str, Any]
    not_taken: tuple[str, ...] = ()
    recipe: Recipe | None = None


@dataclass(kw_only=True)
class Gathered:
    """Values on their way into a FoundRecipe: each is taken if Easel has a place for it, and named if not."""

    options: dict[str, Any] = field(default_factory=dict)
    not_taken: list[str] = field(default_factory=list)

    def take(self, name: str, word: str, value: object) -> None:
        """Take `value`, as text or as a number, for the field `name` of a Request; `word` is what it is called."""
        if value is None or value == "":
            return
        taken = _READ[name](value)
        if taken is None:
            self.leave(word, value)
        else:
            self.options[name] = taken

    def leave(self, word: str, value: object) -> None:
        self.not_taken.append(f"{word} {str(value)[:60]}")


def _whole(low: int, high: int) -> Callable[[object], int | None]:
    def read(value: object) -> int | None:
        text = str(value).strip()
        return int(text) if re.fullmatch(r"\d{1,20}", text) and low <= int(text) <= high else None

    return read


def _between(low: float, high: float) -> Callable[[object], float | None]:
    def read(value: object) -> float | None:
        try:
            number = float(str(value))
        except ValueError:
            return None
        return number if math.isfinite(number) and low <= number <= high else None

    return read


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) else None


def bare_name(value: object) -> str | None:
    """The name of a model or a LoRA without its folder and its ending."""
    text = _text(value)
    if text is None:
        return None
    return re.sub(r"\.(safetensors|ckpt|sft|pt)$", "", re.split(r"[/\\]", text)[-1]) or None


def _size(value: object) -> str | None:
    text = str(value).strip()
    return text if re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", text) else None


_READ: dict[str, Callable[[object], Any]] = {
    "prompt": _text,
    "negative_prompt": _text,
    "model": bare_name,
    "size": _size,
    "strength": _between(0.0, 1.0),
    "num_inference_steps": _whole(1, 10_000),
    "guidance_scale": _between(0.0, 1000.0),
    "scheduler": lambda value: value if isinstance(value, Scheduler) else None,
    "clip_skip": _whole(1, CLIP_SKIP_LIMIT),
    "seed": _whole(0, SEED_LIMIT - 1),
    "variation": _between(0.0, 1.0),
    "variation_seed": _whole(0, SEED_LIMIT - 1),
    "mode": lambda value: value if isinstance(value, Mode) else None,
    "control": _text,
}
