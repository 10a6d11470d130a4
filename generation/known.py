"""What besides models can be had by its name alone: ControlNets, and what finds something in a picture."""

import functools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from generation.mode import Mode
from generation.model import Family, Place

_FILE = Path(__file__).with_name("controls.toml")


class Finds(StrEnum):
    """What a detector finds in a picture."""

    PEOPLE = "people"  # where they are
    POSE = "pose"  # the joints of each
    DEPTH = "depth"  # how far away everything is
    WORDS = "words"  # that say what it shows


@dataclass(frozen=True, kw_only=True)
class Known:
    """An entry of `controls.toml`: a ControlNet for `mode` of models of `family`, or what `finds` something.

    `architectures` are those of transformers that find the same, each with what prepares pictures for it.
    """

    name: str
    title: str
    places: tuple[Place, ...]
    licence: str
    mode: Mode | None = None
    family: Family | None = None
    finds: Finds | None = None
    architectures: Mapping[str, str] = field(default_factory=dict)


@functools.cache
def known() -> Mapping[str, Known]:
    """All entries by their names."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: Known(
            name=name,
            title=values["title"],
            places=tuple(Place(**place) for place in values["sources"]),
            licence=values["licence"],
            mode=Mode(values["mode"]) if "mode" in values else None,
            family=Family(values["family"]) if "family" in values else None,
            finds=Finds(values["finds"]) if "finds" in values else None,
            architectures=values.get("architectures", {}),
        )
        for name, values in entries.items()
    }


def detector(architecture: str) -> Known | None:
    """The entry that an `architecture` of transformers belongs to, None for one that finds nothing for Easel."""
    return next((entry for entry in known().values() if architecture in entry.architectures), None)


def architecture_in(folder: Path) -> str | None:
    """The class of transformers that the model in `folder` is of, None where nothing tells."""
    try:
        [name] = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return str(name)


def finds_in(folder: Path) -> Finds | None:
    """What the detector in `folder` finds, None where there is none."""
    architecture = architecture_in(folder)
    entry = None if architecture is None else detector(architecture)
    return None if entry is None else entry.finds
