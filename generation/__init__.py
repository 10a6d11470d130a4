"""Pictures: what can be asked for, and the process that draws it. Knows no Discord and no database."""

from generation.adapters import Adapter, AdapterKind, Adapters
from generation.catalogue import Catalogue, Family, Model, Place, Use, read_entries
from generation.cost import CostModel, Rate
from generation.download import find as find_model
from generation.download import repository_of, size_on_disk
from generation.errors import (
    AllowanceSpent,
    BadPicture,
    BadPrompt,
    BadSize,
    EmptyText,
    GenerationError,
    HubUnreachable,
    InvalidRequest,
    ModelUnavailable,
    NotForThisModel,
    OutOfRange,
    PictureFault,
    PromptFault,
    QueueFull,
    Refused,
    TooLong,
    UnknownChoice,
    WorkerDied,
)
from generation.found import FoundRecipe
from generation.inspection import Found, Kind, inspect
from generation.job import DrawnPicture, Failure, FailureKind, Job, JobState
from generation.limits import Allowance, Balance
from generation.metadata import read_recipe
from generation.own import add_entry, remove_entry
from generation.protocol import Cancelled, Failed, Finished, Generate, LoadFailed, Loading, Progress, Ready
from generation.queue import HALF_LIFE, JobQueue
from generation.recipe import Environment, Mode, Recipe, complete
from generation.request import CLIP_SKIP_LIMIT, COUNT_LIMIT, PROMPT_LIMIT, SEED_LIMIT, Request
from generation.schedulers import Scheduler
from generation.size import SIZE_WORDS, Range, Size, SizeBounds
from generation.supervisor import Supervisor, WorkerState
from generation.watermark import Trace, find_watermark

__all__ = [
    "CLIP_SKIP_LIMIT",
    "COUNT_LIMIT",
    "HALF_LIFE",
    "PROMPT_LIMIT",
    "SEED_LIMIT",
    "SIZE_WORDS",
    "Adapter",
    "AdapterKind",
    "Adapters",
    "Allowance",
    "AllowanceSpent",
    "BadPicture",
    "BadPrompt",
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
    "Found",
    "FoundRecipe",
    "Generate",
    "GenerationError",
    "HubUnreachable",
    "InvalidRequest",
    "Job",
    "JobQueue",
    "JobState",
    "Kind",
    "LoadFailed",
    "Loading",
    "Mode",
    "Model",
    "ModelUnavailable",
    "NotForThisModel",
    "OutOfRange",
    "PictureFault",
    "Place",
    "Progress",
    "PromptFault",
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
    "Trace",
    "UnknownChoice",
    "Use",
    "WorkerDied",
    "WorkerState",
    "add_entry",
    "complete",
    "find_model",
    "find_watermark",
    "inspect",
    "read_entries",
    "read_recipe",
    "remove_entry",
    "repository_of",
    "size_on_disk",
]
