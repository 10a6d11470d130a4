"""The models that Easel knows: what they are good at, and where their files are."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from generation.errors import UnknownChoice
from generation.schedulers import Scheduler
from generation.size import Range, Size, SizeBounds

_FILE = Path(__file__).with_name("models.toml")


class Family(StrEnum):
    """An architecture that pipelines exist for."""

    SD1 = "sd1"  # Stable Diffusion 1.x, and storybook, which has its shape
    SD2 = "sd2"
    SDXL = "sdxl"


@dataclass(frozen=True, kw_only=True)
class Model:
    """One entry of the catalogue.

    `source` is a Hugging Face id, a diffusers folder or a single .safetensors or .ckpt file; a relative path is
    relative to this package. `strength` is the default of image to image.
    """

    name: str
    title: str
    family: Family
    source: str
    size: SizeBounds
    steps: Range
    guidance: Range
    scheduler: Scheduler
    strength: float
    licence: str
    revision: str | None = None  # a hub commit or branch

    @property
    def folder(self) -> Path | None:
        """Where the files are if they are on this machine already, None for a hub id."""
        path = Path(self.source).expanduser()
        if not path.is_absolute():
            path = _FILE.parent / path
        return path if path.exists() else None


class Catalogue(Mapping[str, Model]):
    """Models by name; the default one is named apart."""

    def __init__(self, models: Mapping[str, Model], *, default: str) -> None:
        """Raises UnknownChoice where `default` is none of `models`."""
        self._models = dict(models)
        self.default = self.find(default).name

    @classmethod
    def read(cls, *, default: str, file: Path = _FILE) -> Self:
        """The catalogue in `file`. A default that is a path or a hub id becomes an entry of its own.

        Raises UnknownChoice or ModelUnavailable for a default that leads nowhere.
        """
        from generation.inspection import inspect_model

        with file.open("rb") as opened:
            entries = {name: _entry(name, values) for name, values in tomllib.load(opened).items()}
        if default not in entries and ("/" in default or "\\" in default or Path(default).exists()):
            added = inspect_model(default)
            entries[added.name] = added
            default = added.name
        return cls(entries, default=default)

    def find(self, name: str | None) -> Model:
        """The model called `name`, or the default for None. Raises UnknownChoice, which names the closest."""
        if name is None:
            name = self.default
        try:
            return self._models[name]
        except KeyError:
            raise UnknownChoice("model", name, choices=tuple(self._models)) from None

    def __getitem__(self, name: str) -> Model:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)


def _entry(name: str, values: Mapping[str, Any]) -> Model:
    size = values["size"]
    return Model(
        name=name,
        title=values["title"],
        family=Family(values["family"]),
        source=values["source"],
        size=SizeBounds(
            native=Size(width=size["native"][0], height=size["native"][1]),
            grid=size["grid"],
            minimum=size["minimum"],
            maximum=size["maximum"],
        ),
        steps=Range.of(*values["steps"]),
        guidance=Range.of(*values["guidance"]),
        scheduler=Scheduler(values["scheduler"]),
        strength=values["strength"],
        licence=values["licence"],
        revision=values.get("revision"),
    )
