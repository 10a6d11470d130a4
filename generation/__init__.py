"""Pictures: what can be asked for, and the process that draws it. Knows no Discord and no database."""

from generation.catalogue import Catalogue, Family, Model
from generation.cost import CostModel, Rate
from generation.errors import (
    AllowanceSpent,
    BadPicture,
    BadSize,
    EmptyText,
    GenerationError,
    InvalidRequest,
    ModelUnavailable,
    NotForThisModel,
    OutOfRange,
    PictureFault,
    QueueFull,
    Refused,
    TooLong,
    UnknownChoice,
    WorkerDied,
)
from generation.job import DrawnPicture, Failure, FailureKind, Job, JobState
from generation.limits import Allowance, Balance
from generation.protocol import Cancelled, Failed, Finished, Generate, LoadFailed, Loading, Progress, Ready
from generation.queue import HALF_LIFE, JobQueue
from generation.recipe import Environment, Mode, Recipe, complete
from generation.request import COUNT_LIMIT, PROMPT_LIMIT, SEED_LIMIT, Request
from generation.schedulers import Scheduler
from generation.size import SIZE_WORDS, Range, Size, SizeBounds
from generation.supervisor import Supervisor, WorkerState

__all__ = [
    "COUNT_LIMIT",
    "HALF_LIFE",
    "PROMPT_LIMIT",
    "SEED_LIMIT",
    "SIZE_WORDS",
    "Allowance",
    "AllowanceSpent",
    "BadPicture",
    "BadSize",
    "Balance",
    "Cancelled",
    "Catalogue",
    "CostModel",
    "DrawnPicture",
    "EmptyText",
    "Environment",
    "Failed",
    "Failure",
    "FailureKind",
    "Family",
    "Finished",
    "Generate",
    "GenerationError",
    "InvalidRequest",
    "Job",
    "JobQueue",
    "JobState",
    "LoadFailed",
    "Loading",
    "Mode",
    "Model",
    "ModelUnavailable",
    "NotForThisModel",
    "OutOfRange",
    "PictureFault",
    "Progress",
    "QueueFull",
    "Range",
    "Rate",
    "Ready",
    "Recipe",
    "Refused",
    "Request",
    "Scheduler",
    "Size",
    "SizeBounds",
    "Supervisor",
    "TooLong",
    "UnknownChoice",
    "WorkerDied",
    "WorkerState",
    "complete",
]
