"""What changes models and is none: LoRAs, embeddings, ControlNets and detectors, each a link in its own folder."""

import os
import shutil
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from bot.wording import models as wording
from generation import Found, Kind, Mode, ModelUnavailable, mode_named

_FOLDERS = {
    Kind.LORA: "loras",
    Kind.EMBEDDING: "embeddings",
    Kind.CONTROLNET: "controlnets",
    Kind.DETECTOR: "detectors",
}


class Purpose(StrEnum):
    """What a ControlNet follows in a picture, as the operator says it."""

    EDGES = "edges"
    SKETCH = "sketch"
    POSE = "pose"
    DEPTH = "depth"

    @property
    def mode(self) -> Mode:
        return Mode(self.value)


def everything(models: Path) -> Iterator[tuple[Kind, Path]]:
    """What lies in the folders of `models`; ControlNets lie one deeper, by what they are for."""
    for kind, folder in _FOLDERS.items():
        for path in _visible(models / folder):
            if kind is Kind.CONTROLNET and path.name in set(Purpose) and not path.is_symlink():
                yield from ((kind, each) for each in _visible(path))
            else:
                yield kind, path


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def called(path: Path) -> str:
    """The name of a file or folder of these."""
    return path.name if path.is_dir() else path.stem


def link(found: Found, models: Path, *, name: str | None, purpose: Purpose | None, source: str) -> Path:
    """A link to `found` beside the others of its kind; a copy where the system has no links.

    What a ControlNet is for is said by `purpose`, else by what it, or the `source` that it came from, is called.
    Raises ModelUnavailable.
    """
    assert found.path is not None  # noqa: S101 (what is on the hub was fetched)
    folder = models / _FOLDERS[found.kind]
    own = found.name if name is None else name
    if found.kind is Kind.CONTROLNET:
        folder /= _purpose(found, purpose, own, source)
    elif purpose is not None:
        raise ModelUnavailable(own, wording.no_purpose(found.kind))
    if any(called(path) == own for kind, path in everything(models) if kind is found.kind):
        raise ModelUnavailable(own, wording.taken(own))
    link = folder / (own if found.path.is_dir() else f"{own}{found.path.suffix}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            link.symlink_to(found.path, target_is_directory=found.path.is_dir())
        except NotImplementedError:
            (shutil.copytree if found.path.is_dir() else shutil.copyfile)(found.path, link)
    except OSError as error:
        raise ModelUnavailable(own, f"{link} cannot be written ({error.strerror or error})") from error
    return link


def _purpose(found: Found, purpose: Purpose | None, own: str, source: str) -> str:
    if found.family is None:
        raise ModelUnavailable(own, wording.NO_CROSS_ATTENTION)
    mode = purpose.mode if purpose is not None else mode_named(own, source.rstrip("/").rpartition("/")[2], source)
    if mode is None:
        raise ModelUnavailable(own, wording.which_purpose(tuple(Purpose)))
    return str(mode)


def downloaded(path: Path, models: Path) -> Path | None:
    """The folder of the hub's cache in `models` that a link leads into, if no other link does."""
    folder = _repository(path, models)
    others = (_repository(each, models) for _, each in everything(models) if each != path)
    return None if folder in others else folder


def _repository(path: Path, models: Path) -> Path | None:
    if not path.is_symlink():
        return None
    target = Path(os.path.abspath(path.parent / path.readlink()))  # noqa: PTH100 (resolve would follow the cache's links)
    inside = (each for each in target.parents if each.name.startswith("models--"))
    return next((each for each in inside if each.is_relative_to(models.absolute())), None)
