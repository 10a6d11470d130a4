"""Pictures: what can be asked for, and the process that draws it. Knows no Discord and no database."""

from generation.adapters import Adapter, AdapterKind, Adapters
from generation.catalogue import Catalogue, read_entries
from generation.controls import Controls, mode_named
from generation.cost import CostModel, Estimate, Rate
from generation.download import fetch, repository_of, size_on_disk
from generation.download import find as find_model
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
    NeedsPicture,
    NotFetched,
    NotForThisModel,
    NotThisMode,
    NotThisScheduler,
    OutOfRange,
    PictureFault,
    PromptFault,
    QueueFull,
    Refused,
    StylesUnreadable,
    TooLong,
    UnknownChoice,
    WorkerDied,
)
from generation.found import FoundRecipe
from generation.inspection import Found, Kind, inspect
from generation.job import DrawnPicture, Failure, FailureKind, Job, JobState, Look
from generation.known import Finds, Known, finds_in
from generation.known import known as known_controls
from generation.limits import Allowance, Balance
from generation.metadata import read_recipe
from generation.mode import AUTO, MODES, Direction, Margins, Mode, can_draw
from generation.model import Family, Model, Place, Use
from generation.own import add_entry, remove_entry
from generation.prompt import read as read_prompt
from generation.protocol import (
    Cancelled,
    Describe,
    Described,
    Failed,
    Finished,
    Generate,
    Loaded,
    LoadFailed,
    Loading,
    Preview,
    Progress,
    RanOut,
    Ready,
)
from generation.queue import HALF_LIFE, JobQueue
from generation.recipe import Environment, Recipe, complete
from generation.request import CLIP_SKIP_LIMIT, COUNT_LIMIT, PROMPT_LIMIT, SEED_LIMIT, UPSCALE_LIMIT, Request
from generation.schedulers import Scheduler
from generation.size import SIZE_WORDS, Range, Size, SizeBounds
from generation.styles import NO_STYLE, Style, Styles, Words
from generation.supervisor import Supervisor, WorkerState
from generation.tries import Need, Try
from generation.verdict import Aspect, Difference, Sameness, Verdict, compare
from generation.watermark import Trace, find_watermark

__all__ = [
    "AUTO",
    "CLIP_SKIP_LIMIT",
    "COUNT_LIMIT",
    "HALF_LIFE",
    "MODES",
    "NO_STYLE",
    "PROMPT_LIMIT",
    "SEED_LIMIT",
    "SIZE_WORDS",
    "UPSCALE_LIMIT",
    "Adapter",
    "AdapterKind",
    "Adapters",
    "Allowance",
    "AllowanceSpent",
    "Aspect",
    "BadPicture",
    "BadPrompt",
    "BadSize",
    "Balance",
    "Cancelled",
    "Catalogue",
    "Controls",
    "CostModel",
    "Describe",
    "Described",
    "Difference",
    "Direction",
    "DrawnPicture",
    "EmptyText",
    "Environment",
    "Estimate",
    "Failed",
    "Failure",
    "FailureKind",
    "Family",
    "Finds",
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
    "Known",
    "LoadFailed",
    "Loaded",
    "Loading",
    "Look",
    "Margins",
    "Mode",
    "Model",
    "ModelUnavailable",
    "Need",
    "NeedsPicture",
    "NotFetched",
    "NotForThisModel",
    "NotThisMode",
    "NotThisScheduler",
    "OutOfRange",
    "PictureFault",
    "Place",
    "Preview",
    "Progress",
    "PromptFault",
    "QueueFull",
    "RanOut",
    "Range",
    "Rate",
    "Ready",
    "Recipe",
    "Refused",
    "Request",
    "Sameness",
    "Scheduler",
    "Size",
    "SizeBounds",
    "Style",
    "Styles",
    "StylesUnreadable",
    "Supervisor",
    "TooLong",
    "Trace",
    "Try",
    "UnknownChoice",
    "Use",
    "Verdict",
    "Words",
    "WorkerDied",
    "WorkerState",
    "add_entry",
    "can_draw",
    "compare",
    "complete",
    "fetch",
    "find_model",
    "find_watermark",
    "finds_in",
    "inspect",
    "known_controls",
    "mode_named",
    "read_entries",
    "read_prompt",
    "read_recipe",
    "remove_entry",
    "repository_of",
    "size_on_disk",
]
