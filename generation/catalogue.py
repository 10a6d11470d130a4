"""The models that Easel knows, by name."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from generation.errors import ModelUnavailable, UnknownChoice
from generation.inspection import inspect_model
from generation.model import Family, Model, Place, Use
from generation.schedulers import Scheduler
from generation.size import Range, Size, SizeBounds

_FILE = Path(__file__).with_name("models.toml")
# How the files of well-known models begin, in small letters.
_PUBLISHED = {
    "sd-v1-4": "sd-1.4",
    "v1-5-pruned": "sd-1.5",
    "v2-1_512": "sd-2.1-base",
    "v2-1_768": "sd-2.1",
    "sd_xl_turbo": "sdxl-turbo",
    "sd_xl_base": "sdxl",
    "sd_turbo": "sd-turbo",
}


class Catalogue(Mapping[str, Model]):
    """Models by name; the default one is named apart."""

    def __init__(self, models: Mapping[str, Model], *, default: str) -> None:
        """Raises UnknownChoice where `default` is none of `models`."""
        self._models = dict(models)
        self.default = self.find(default).name

    @classmethod
    def read(cls, *, default: str, file: Path = _FILE, own: Path | None = None) -> Self:
        """The catalogue in `file` and the operator's `own`, whose entries come first where both have a name.

        A default that is a path or a hub id becomes an entry of its own.
        Raises UnknownChoice for a default that leads nowhere, and ModelUnavailable for one that cannot be read and
        for an entry of `own` that is not as it should be.
        """
        entries = read_entries(file) | (read_entries(own) if own is not None else {})
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

    def nearest(self, name: str) -> Model | None:
        """The model that another program calls `name`; None where none of these is likely to be it."""
        from difflib import get_close_matches

        wanted = name.casefold()
        published = next((known for start, known in _PUBLISHED.items() if wanted.startswith(start)), None)
        if published in self._models:
            return self._models[published]
        called = {each.casefold(): key for key, model in self._models.items() for each in (key, model.title)}
        close = get_close_matches(wanted, called, n=1, cutoff=0.8)
        return self._models[called[close[0]]] if close else None

    def __getitem__(self, name: str) -> Model:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)


def read_entries(file: Path) -> dict[str, Model]:
    """The models in a catalogue file; none if it is not there. Raises ModelUnavailable."""
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnavailable(file.name, f"{file} cannot be read: {error}") from error
    models = {}
    for name, values in entries.items():
        try:
            models[name] = _entry(name, values)
        except KeyError as error:
            raise ModelUnavailable(name, f"[{name}] in {file} has no {error.args[0]}; add it") from error
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            raise ModelUnavailable(name, f"[{name}] in {file} is not as it should be: {error}") from error
    return models


def _entry(name: str, values: Mapping[str, Any]) -> Model:
    size = values["size"]
    first, *others = _places(values)
    width, height = size["native"]
    model = Model(
        name=name,
        title=values["title"],
        family=Family(values["family"]),
        **vars(first),
        others=tuple(others),
        size=SizeBounds(
            native=Size(width=width, height=height),
            grid=size["grid"],
            minimum=size["minimum"],
            maximum=size["maximum"],
            trained=tuple(Size(width=width, height=height) for width, height in size.get("trained", ())),
        ),
        steps=Range.of(*values["steps"]),
        guidance=Range.of(*values["guidance"]),
        scheduler=Scheduler(values["scheduler"]),
        strength=values["strength"],
        licence=values["licence"],
        can=tuple(map(Use, values.get("can", (Use.TEXT, Use.IMAGE, Use.INPAINT)))),
        prediction=values.get("prediction"),
        parameters=values.get("parameters"),
        gated=values.get("gated", False),
        harmless=values.get("harmless", False),
        lora=Place(**values["lora"]) if "lora" in values else None,
        decoder=Place(**values["decoder"]) if "decoder" in values else None,
    )
    if model.scheduler not in model.schedulers:
        choices = ", ".join(model.schedulers)
        raise ValueError(f"{model.family} takes the schedulers {choices}, not {model.scheduler}")
    return model


def _places(values: Mapping[str, Any]) -> list[Place]:
    if "sources" not in values:
        return [Place(source=values["source"], revision=values.get("revision"))]
    places = [Place(**place) for place in values["sources"]]
    if not places:
        raise ValueError("sources is empty")
    return places
