"""What the supervisor and the worker say to each other: one JSON object a line, orders in, reports out.

The worker reads orders from its standard input and writes reports to what was its standard output when it
started; prints of libraries go to standard error, so that they cannot break the channel. Pictures travel as files;
those that are small and leave nothing behind, as previews, in the lines themselves.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Base64Bytes, Field, TypeAdapter

from generation.adapters import Adapter
from generation.job import DrawnPicture, Failure
from generation.model import Model
from generation.recipe import Recipe
from generation.tries import Try


@dataclass(frozen=True, kw_only=True)
class RanOut:
    """Memory ran out for `job` as it was `tried`; so it did for a `Load` order, whose `job` is empty.

    A report, and then what an order says of the time before, so that nothing is tried in vain once more.
    """

    kind: Literal["ran_out"] = "ran_out"
    job: str
    tried: Try


# Orders ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Load:
    """Have `model` in memory, so that the next picture need not wait for it; `ran_out` as in `Generate`."""

    kind: Literal["load"] = "load"
    model: Model
    ran_out: tuple[RanOut, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Generate:
    """Draw `recipe` with `model`, from the files of its source and its mask, if it has them, into `folder`.

    The pictures are named `job`.png, `job`-2.png and so on. All paths are absolute. `adapters` holds
    the file of every LoRA and embedding that the recipe's prompts name, of its ControlNet and what serves that.
    Meanwhile there may be a preview each `preview_every` seconds, and none where that is None. `ran_out` is for
    what memory ran out before, with this model, the job itself included.
    """

    kind: Literal["generate"] = "generate"
    job: str
    recipe: Recipe
    model: Model
    folder: str
    source_file: str | None
    mask_file: str | None = None
    adapters: tuple[Adapter, ...] = ()
    preview_every: float | None = None
    ran_out: tuple[RanOut, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Describe:
    """Put a `picture`, a small file, into words with the captioner in the folder `captioner`, an absolute path."""

    kind: Literal["describe"] = "describe"
    job: str
    picture: Base64Bytes
    captioner: str


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Stop drawing `job` after the step that is being taken; unknown or ended jobs are ignored."""

    kind: Literal["cancel"] = "cancel"
    job: str


@dataclass(frozen=True, kw_only=True)
class ShutDown:
    """Finish the job that is being drawn, then end.

    A worker whose input is closed without this order has lost its owner, and ends after the step it is taking.
    """

    kind: Literal["shut_down"] = "shut_down"


Order = Load | Generate | Describe | Cancel | ShutDown

# Reports -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The worker takes orders. `memory` is what the device has, in bytes; `reason` says why this dtype."""

    kind: Literal["ready"] = "ready"
    device: str
    device_name: str
    dtype: str
    reason: str
    memory: int
    threads: int
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model is in memory; `seconds` is what that took, `placement` says how it stands there.

    `unfiltered`: a filter is wanted and it comes without.
    """

    kind: Literal["loaded"] = "loaded"
    model: str
    seconds: float
    unfiltered: bool = False
    placement: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadFailed:
    """A `Load` order came to nothing."""

    kind: Literal["load_failed"] = "load_failed"
    model: str
    failure: Failure


@dataclass(frozen=True, kw_only=True)
class Loading:
    """A job waits for its model to come into memory; so does a `Load` order, whose `job` is empty.

    While the model is fetched it is said again and again: `done` of `total` bytes are here.
    """

    kind: Literal["loading"] = "loading"
    job: str
    model: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Trying:
    """How a job is tried from now on, or a `Load` order, whose `job` is empty: said in case the worker dies."""

    kind: Literal["trying"] = "trying"
    job: str
    tried: Try


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`step` of `steps` has been taken; `steps` is the count that will really run."""

    kind: Literal["progress"] = "progress"
    job: str
    step: int
    steps: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What the picture being drawn is going to look like, by the steps taken so far: a small JPEG."""

    kind: Literal["preview"] = "preview"
    job: str
    picture: Base64Bytes


@dataclass(frozen=True, kw_only=True)
class Finished:
    """All pictures of a job are on disk; `recipe` has its environment filled in, `seconds` is compute time."""

    kind: Literal["finished"] = "finished"
    job: str
    recipe: Recipe
    pictures: tuple[DrawnPicture, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a picture shows, in other words each time, as prompts; none where there is nothing to say."""

    kind: Literal["described"] = "described"
    job: str
    prompts: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A job came to nothing, and the worker takes further orders."""

    kind: Literal["failed"] = "failed"
    job: str
    failure: Failure
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """A job was stopped between two steps, as ordered."""

    kind: Literal["cancelled"] = "cancelled"
    job: str
    seconds: float


Report = (
    Ready
    | Loaded
    | LoadFailed
    | Loading
    | Trying
    | RanOut
    | Progress
    | Preview
    | Finished
    | Described
    | Failed
    | Cancelled
)

_ORDER: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="kind")])
_REPORT: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="kind")])


def encode(message: Order | Report) -> bytes:
    """One line, its newline included."""
    adapter: TypeAdapter[Order] | TypeAdapter[Report] = _ORDER if isinstance(message, Order) else _REPORT
    return adapter.dump_json(message) + b"\n"  # type: ignore[arg-type] # each message has its own adapter


def decode_order(line: bytes) -> Order:
    """Read an order that `encode` wrote. Raises ValueError for anything else."""
    return _ORDER.validate_json(line)


def decode_report(line: bytes) -> Report:
    """Read a report that `encode` wrote. Raises ValueError for anything else."""
    return _REPORT.validate_json(line)
