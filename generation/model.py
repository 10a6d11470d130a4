"""A model as the catalogue has it: its family, what it is for, its bounds and defaults, where its files are."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from generation.schedulers import FLOW_SCHEDULERS, Scheduler
from generation.size import Range, SizeBounds

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
            path = Path(__file__).parent / path
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

    @property
    def skips_layers(self) -> bool:
        """Whether another layer of its text encoder may be taken; other families were trained on one alone."""
        return self.family in {Family.SD1, Family.SD2}

    def memory(self, dtype: str) -> int | None:
        """Bytes that its weights take in `dtype`, as PyTorch calls it; None if nobody counted them."""
        return None if self.parameters is None else self.parameters * _BYTES[dtype]
