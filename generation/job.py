"""A recipe's trip through the queue, and what else takes its turn there."""

from dataclasses import dataclass
from enum import StrEnum

from generation.recipe import Recipe


class JobState(StrEnum):
    """Where a job is; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in {JobState.FINISHED, JobState.FAILED, JobState.CANCELLED}


class FailureKind(StrEnum):
    """Why a job failed."""

    MODEL_UNAVAILABLE = "model_unavailable"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    SOURCE_MISSING = "source_missing"  # the stored source image is gone
    UNFIT = "unfit"  # a LoRA, an embedding or clip skip that is not for this model; the detail says which
    OVERFLOW = "overflow"  # the model's numbers went beyond what its precision holds
    SET_ASIDE = "set_aside"  # took the worker down twice
    WORKER_UNAVAILABLE = "worker_unavailable"  # the worker does not start
    FLAGGED = "flagged"  # the content filter held back every picture
    BUG = "bug"  # none of the above: the log has the traceback


@dataclass(frozen=True, kw_only=True)
class Failure:
    """How a job failed; `detail` is for the operator, and where it is UNFIT a sentence for everybody."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One recipe waiting or being drawn; `id` is its generation's, `member` an opaque integer.

    `cost` is the predicted compute in seconds. `attempts` counts the orders sent for it so far.
    """

    id: str
    member: int
    recipe: Recipe
    cost: float
    created_at: float  # seconds since the epoch
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Look:
    """A picture, the content hash of whose file is `source`, that waits to be put into words.

    It takes its turn as a job does.
    """

    id: str
    member: int
    source: str
    cost: float
    created_at: float  # seconds since the epoch


Turn = Job | Look


@dataclass(frozen=True, kw_only=True)
class DrawnPicture:
    """A picture that the worker wrote: `path` is relative to the pictures' folder."""

    path: str
    seed: int
    sha256: str  # of the file's bytes
    width: int
    height: int
    flagged: bool = False  # by the content filter
