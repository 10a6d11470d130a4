"""ControlNets, and what finds something in a picture: those on this machine."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generation import download
from generation.errors import ModelUnavailable
from generation.inspection import Found, Kind, inspect
from generation.known import Finds, finds_in, known
from generation.mode import Mode
from generation.model import Family, Model, Use

log = logging.getLogger(__name__)

CONTROLS, DETECTORS = "controlnets", "detectors"  # their folders
_WORDS = {
    Mode.EDGES: r"canny|lineart|line_art|soft_?edges?|hed|pidi(?:net)?|edges?",
    Mode.SKETCH: r"scribbles?|sketch(?:es)?",
    Mode.POSE: r"(?:open|dw)?_?pose(?:v2|xl)?",
    Mode.DEPTH: r"(?:zoe|midas|leres)?_?depth|midas",
}


_WIDTHS = {Family.SD1: 768, Family.SD2: 1024, Family.SDXL: 2048}  # of the text that models of these families read


_NEEDS: Mapping[Mode, tuple[Finds, ...]] = {Mode.POSE: (Finds.POSE, Finds.PEOPLE), Mode.DEPTH: (Finds.DEPTH,)}


@dataclass(frozen=True, kw_only=True)
class Control:
    """A ControlNet on this machine; `width` is that of the text that it reads, where that is known."""

    name: str
    mode: Mode
    family: Family
    width: int | None
    path: Path


def mode_named(*names: str) -> Mode | None:
    """What a ControlNet with one of these names is for; None where none of them tells, or where they tell two."""
    for name in names:
        told = {
            mode
            for mode, words in _WORDS.items()
            if re.search(rf"(?<![a-z])(?:{words})(?![a-z])", name.lower().replace("-", "_"))
        }
        if len(told) == 1:
            return told.pop()
    return None


class Controls:
    """Finds what the operator has in `folder`/controlnets and `folder`/detectors, anew each time.

    A ControlNet is a file or a diffusers folder, in a folder that is called after what it is for, or called so
    itself. A detector is a transformers folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[tuple[str, int, int], Found | None] = {}  # (path, bytes, time of change) -> what it is

    def installed(self) -> tuple[Control, ...]:
        """Every ControlNet that is whole, in the order of names."""
        found = (self._control(path, mode) for path, mode in self._paths())
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.name))

    def files(self) -> Iterator[Path]:
        """Everything that lies where ControlNets and detectors belong, whole or not."""
        yield from (path for path, _ in self._paths())
        yield from _visible(self._folder / DETECTORS)

    def modes(self, model: Model) -> frozenset[Mode]:
        """The ways of drawing that a ControlNet gives to `model`."""
        return frozenset(each.mode for each in self._fitting(model))

    def choose(self, mode: Mode, model: Model, *, rather: str | None = None) -> Control | None:
        """The ControlNet that `model` draws with in `mode`: the one called `rather`, else the first by name."""
        fitting = [each for each in self._fitting(model) if each.mode is mode]
        return next((each for each in fitting if each.name == rather), next(iter(fitting), None))

    def detectors(self, mode: Mode) -> tuple[Path, ...]:
        """The folders of what prepares pictures for `mode`: the first by name for each thing to be found."""
        first = (self.detector(each) for each in _NEEDS.get(mode, ()))
        return tuple(path for path in first if path is not None)

    def detector(self, finds: Finds) -> Path | None:
        """The folder of what finds such things: the first by name, None where there is none."""
        there = _visible(self._folder / DETECTORS)
        return next((path.absolute() for path in there if finds_in(path) is finds), None)

    def wanted(self, mode: Mode, model: Model) -> str | None:
        """The name of a known ControlNet with which `model` would draw in `mode`."""
        if not self._could(model) or _width(model) not in {None, _WIDTHS[model.family]}:
            return None
        return next(
            (each.name for each in known().values() if (each.mode, each.family) == (mode, model.family)), None
        )

    def _fitting(self, model: Model) -> list[Control]:
        if not self._could(model):
            return []
        width = _width(model)
        return [
            each
            for each in self.installed()
            if each.family is model.family and (width is None or each.width is None or each.width == width)
        ]

    def _could(self, model: Model) -> bool:
        return model.can[0] is Use.TEXT and model.family in _WIDTHS

    def _paths(self) -> Iterator[tuple[Path, Mode | None]]:
        for path in _visible(self._folder / CONTROLS):
            if path.name in {Mode.EDGES, Mode.SKETCH, Mode.POSE, Mode.DEPTH} and not path.is_symlink():
                yield from ((each, Mode(path.name)) for each in _visible(path))
            else:
                yield path, mode_named(path.stem)

    def _control(self, path: Path, mode: Mode | None) -> Control | None:
        found = self._look(path)
        if found is None or found.kind is not Kind.CONTROLNET or found.family is None or mode is None:
            return None
        # Not resolved: the hub's cache links to files without endings.
        return Control(name=name_of(path), mode=mode, family=found.family, width=found.width, path=path.absolute())

    def _look(self, path: Path) -> Found | None:
        try:
            facts = [each.stat() for each in ([path] if path.is_file() else path.glob("*"))]
            size, changed = (
                sum(each.st_size for each in facts),
                max((each.st_mtime_ns for each in facts), default=0),
            )
            key = str(path.resolve()), size, changed
            if key not in self._told:
                self._told[key] = _inspected(path)
        except OSError as error:
            log.warning("%s is passed over: %s", path, error)
            return None
        return self._told[key]


def name_of(path: Path) -> str:
    """What a file or folder of the operator's is called."""
    return path.name if path.is_dir() else path.stem


def _inspected(path: Path) -> Found | None:
    try:
        return inspect(str(path))
    except ModelUnavailable as error:
        log.warning("%s", error)
        return None


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def _width(model: Model) -> int | None:
    """How wide the text is that `model` reads; None where that is not told by a small file on this machine."""
    path = download.find(model)
    if path is None or path.is_file():
        return None
    try:
        width = json.loads((path / "unet" / "config.json").read_text(encoding="utf-8"))["cross_attention_dim"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return width if isinstance(width, int) else None
