"""The models that Easel knows: what they are good at, and where their files are."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from generation.errors import ModelUnavailable, UnknownChoice
from generation.schedulers import FLOW_SCHEDULERS, Scheduler
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
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


class Family(StrEnum):
    """An architecture that pipelines exist for."""

    SD1 = "sd1"  # Stable Diffusion 1.x, and storybook, which has its shape
    SD2 = "sd2"
    SDXL = "sdxl"
    SD3 = "sd3"  # Stable Diffusion 3 and 3.5
    FLUX = "flux"
    LANCZOS = "lanczos"  # no network: a filter that only makes pictures larger


class Use(StrEnum):
    """What a model's weights are made for."""

    TEXT = "text"  # a picture from words
    IMAGE = "image"  # from words and a picture
    INPAINT = "inpaint"  # a part of a picture
    DEPTH = "depth"  # a picture with the depth of another
    UPSCALE = "upscale"  # a picture four times as large


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a model's files may be had.

    `source` is a Hugging Face id, a folder or a single .safetensors or .ckpt file; a relative path is relative to
    this package. `revision` is a commit or branch of the hub; `file` names one file of a repository there that is
    the whole model, and `sha256` is that of its bytes.
    """

    source: str
    revision: str | None = None
    file: str | None = None
    sha256: str | None = None

    @property
    def path(self) -> Path | None:
        """Where it is on this machine, None for a hub id and for what is not there."""
        path = Path(self.source).expanduser()
        if not path.is_absolute():
            path = _FILE.parent / path
        return path if path.exists() else None


@dataclass(frozen=True, kw_only=True)
class Model:
    """One entry of the catalogue.

    `source` and `revision` say where it is, as a Place does, and `others` where it is too, should that place be
    gone. `strength` is the default of image to image. `can` begins with what the weights were trained for.
    `prediction` is what the denoising network predicts where its files do not say it, or say it wrongly.
    `parameters` is how many numbers its parts have together. `lora` is put into the weights for good. `decoder` is
    the file of a small autoencoder (TAESD) that makes pictures of the latents in place of the model's own.
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
    file: str | None = None
    sha256: str | None = None
    others: tuple[Place, ...] = ()
    can: tuple[Use, ...] = (Use.TEXT, Use.IMAGE, Use.INPAINT)
    prediction: str | None = None
    parameters: int | None = None
    gated: bool = False  # the hub asks for an agreement first
    lora: Place | None = None
    decoder: Place | None = None
    harmless: bool = False  # it knows nothing that a content filter would look for

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place where its files may be had, the best one first."""
        first = Place(source=self.source, revision=self.revision, file=self.file, sha256=self.sha256)
        return (first, *self.others)

    @property
    def extras(self) -> tuple[Place, ...]:
        """Where the files are that it needs besides its own."""
        return tuple(place for place in (self.lora, self.decoder) if place is not None)

    @property
    def folder(self) -> Path | None:
        """Where the files are if they are on this machine already, None for a hub id."""
        return self.places[0].path

    @property
    def schedulers(self) -> tuple[Scheduler, ...]:
        """Those that it can be drawn with."""
        return FLOW_SCHEDULERS if self.family in {Family.SD3, Family.FLUX} else tuple(Scheduler)

    def memory(self, dtype: str) -> int | None:
        """Bytes that its weights take in `dtype`, as PyTorch calls it; None if nobody counted them."""
        return None if self.parameters is None else self.parameters * _BYTES[dtype]


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
        from generation.inspection import inspect_model

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
        close = get_close_matches(wanted, called, n=1, cutoff=0.75)
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
