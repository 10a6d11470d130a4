"""What can go wrong with a request, a model or the worker.

GenerationError
├── InvalidRequest          what was asked cannot be drawn as it stands
│   ├── EmptyText           a prompt or a name of nothing but white space
│   ├── TooLong             a text over its limit
│   ├── OutOfRange          a number outside its bounds
│   ├── UnknownChoice       a name that is not one of a known set
│   ├── BadSize             a size that is no size, off the model's grid or beyond its bounds
│   ├── NotForThisModel     an option that the chosen model has no use for
│   ├── NotThisScheduler     a scheduler that the chosen model cannot be drawn with
│   ├── NotThisMode         a way of drawing that the chosen model is not made for
│   ├── NotFetched          a model of the catalogue that is not on this machine
│   ├── NeedsPicture        a way of drawing that takes a picture or a mask, and there is none
│   ├── BadPrompt           a form in the prompt that is not as it should be, or that Easel does not draw
│   └── BadPicture          an upload that is no picture, or not one that can be taken
├── Refused                 a good request that cannot be taken now
│   ├── QueueFull
│   └── AllowanceSpent
├── ModelUnavailable        a model that cannot be found, or found but not be read
│   └── HubUnreachable      one that would have to be fetched, and cannot be now
├── StylesUnreadable        the operator's styles are not as they should be
└── WorkerError
    ├── WorkerDied          the process ended by itself
    └── WorkerBusy          an order in a state that does not take it

Errors carry values, never sentences for members: `bot.wording` turns them into words. What goes wrong while a
job runs is not raised but recorded, as a `generation.Failure`.
"""

from enum import StrEnum


class GenerationError(Exception):
    """The root of everything that `generation` raises on purpose."""


class InvalidRequest(GenerationError):
    """What was asked cannot be drawn; `argument` is the option's name as the Python signature spells it."""

    def __init__(self, argument: str, value: object) -> None:
        super().__init__(f"{argument}={value!r}")
        self.argument = argument
        self.value = value


class EmptyText(InvalidRequest):
    """A text that has to be there and is nothing but white space: the prompt, or a seed's name."""

    def __init__(self, argument: str = "prompt") -> None:
        super().__init__(argument, "")


class TooLong(InvalidRequest):
    """A text of `length` characters where `limit` are taken."""

    def __init__(self, argument: str, *, length: int, limit: int) -> None:
        super().__init__(argument, length)
        self.length = length
        self.limit = limit


class OutOfRange(InvalidRequest):
    """A number outside `minimum` to `maximum`, both included."""

    def __init__(self, argument: str, value: object, *, minimum: float, maximum: float) -> None:
        super().__init__(argument, value)
        self.minimum = minimum
        self.maximum = maximum


class UnknownChoice(InvalidRequest):
    """A name that is none of `choices`; `closest` is the one that it resembles most, if any does."""

    def __init__(self, argument: str, value: str, *, choices: tuple[str, ...]) -> None:
        from difflib import get_close_matches

        super().__init__(argument, value)
        self.choices = choices
        lowered = {choice.casefold(): choice for choice in choices}
        matches = get_close_matches(value.casefold(), lowered, n=1, cutoff=0.5)
        self.closest = lowered[matches[0]] if matches else None


class BadSize(InvalidRequest):
    """A size that the model cannot draw; `closest` is one that it can, written like "512x768"."""

    def __init__(self, value: str, *, closest: str, grid: int, minimum: int, maximum: int) -> None:
        super().__init__("size", value)
        self.closest = closest
        self.grid = grid
        self.minimum = minimum
        self.maximum = maximum


class NotForThisModel(InvalidRequest):
    """An option that `model` has no use for."""

    def __init__(self, argument: str, *, model: str) -> None:
        super().__init__(argument, model)
        self.model = model


class NotThisScheduler(InvalidRequest):
    """A scheduler, `value`, that `model` cannot be drawn with; `choices` are those that it can."""

    def __init__(self, scheduler: str, *, model: str, choices: tuple[str, ...]) -> None:
        super().__init__("scheduler", scheduler)
        self.model = model
        self.choices = choices


class NotThisMode(InvalidRequest):
    """A way of drawing, `value`, that `model` is not made for; `others` are models that are.

    `control` is the name of a known ControlNet with which it would draw so.
    """

    def __init__(self, mode: str, *, model: str, others: tuple[str, ...] = (), control: str | None = None) -> None:
        super().__init__("mode", mode)
        self.model = model
        self.others = others
        self.control = control


class NotFetched(InvalidRequest):
    """A model of the catalogue that is not on this machine: fetching it is for the operator to decide."""

    def __init__(self, model: str) -> None:
        super().__init__("model", model)
        self.model = model


class NeedsPicture(InvalidRequest):
    """`mode` takes what `argument` names ("image", "mask" or "extend"), and none was given."""

    def __init__(self, argument: str, *, mode: str, model: str) -> None:
        super().__init__(argument, mode)
        self.mode = mode
        self.model = model


class PromptFault(StrEnum):
    """What is wrong with a form in a prompt."""

    EDITING = "editing"  # "[from:to:0.5]", a prompt that changes half way
    ALTERNATION = "alternation"  # "[one|other]"
    COMPOSITION = "composition"  # "one :1 AND other :0.5", ".and()", ".swap()"
    BLEND = "blend"  # a blend that is not written as one
    NETWORK = "network"  # "<hypernet:name:1>" and whatever else is no LoRA
    TAG = "tag"  # a LoRA tag that is not written as one
    TAG_TWICE = "tag_twice"
    TAG_NOT_HERE = "tag_not_here"  # a LoRA tag in the negative prompt
    UNCLOSED = "unclosed"  # "{red|blue", a choice without its end
    CHOICE = "choice"  # "{2::red|blue}", a choice in another program's way


class BadPrompt(InvalidRequest):
    """A form in a prompt that is not as it should be, or that Easel does not draw; `value` is the form."""

    def __init__(self, argument: str, value: str, *, fault: PromptFault) -> None:
        super().__init__(argument, value)
        self.fault = fault


class PictureFault(StrEnum):
    """Why an upload was not taken."""

    NOT_A_PICTURE = "not_a_picture"  # the bytes are of no picture format that is read
    BROKEN = "broken"  # a picture's header, but the rest is missing or damaged
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_LONG = "too_long"  # one side is over the limit
    TOO_SMALL = "too_small"  # one side is under the limit
    TOO_NARROW = "too_narrow"  # the longer side is more than `limit` times the shorter
    NOTHING_WHITE = "nothing_white"  # a mask that leaves nothing to be drawn
    OTHER_SHAPE = "other_shape"  # a mask of `value` pixels for a picture of `limit` pixels
    TOO_SLOW = "too_slow"  # reading it took longer than `limit` seconds
    MISSING = "missing"  # a message was pointed at that holds no picture
    UNREACHABLE = "unreachable"  # Discord did not hand the bytes over


class BadPicture(InvalidRequest):
    """An upload that cannot be taken; `limit` is the bound that it breaks, in the unit of the fault."""

    def __init__(self, fault: PictureFault, *, name: str = "", value: object = None, limit: object = None) -> None:
        super().__init__("image", value)
        self.fault = fault
        self.name = name
        self.limit = limit


class Refused(GenerationError):
    """A good request that cannot be taken now."""


class QueueFull(Refused):
    """`waiting` jobs are waiting already, and `limit` is as many as are kept (of this member, if `own`)."""

    def __init__(self, *, waiting: int, limit: int, own: bool) -> None:
        super().__init__(f"{waiting} of {limit} waiting")
        self.waiting = waiting
        self.limit = limit
        self.own = own


class AllowanceSpent(Refused):
    """The job would cost `cost` seconds of compute, `left` are left, and enough will be there at `enough_at`.

    `enough_at` is in seconds since the epoch, or None where the job costs more than a full allowance.
    """

    def __init__(self, *, cost: float, left: float, enough_at: float | None) -> None:
        super().__init__(f"costs {cost:.1f} s, {left:.1f} s left")
        self.cost = cost
        self.left = left
        self.enough_at = enough_at


class ModelUnavailable(GenerationError):
    """A model's files cannot be found or read; `reason` says which and why, in words for the operator."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model}: {reason}")
        self.model = model
        self.reason = reason


class HubUnreachable(ModelUnavailable):
    """A model is not, or not all, on this machine, and Hugging Face's hub cannot be asked for it."""


class StylesUnreadable(GenerationError):
    """A file of styles cannot be read, or an entry is not as it should be; it says which and why."""


class WorkerError(GenerationError):
    """The worker did not do what it was ordered to."""


class WorkerDied(WorkerError):
    """The worker process ended by itself; a negative `exit_code` is the number of the signal that ended it."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


class WorkerBusy(WorkerError):
    """An order was given in a state that does not take it."""
