"""Everything that can go wrong, each as one sentence that names the thing, the value and what would be valid."""

from bot.errors import (
    AboveCeiling,
    AlreadyRunning,
    BackupNotWritten,
    BadBackup,
    BadComparison,
    BadFlag,
    BadRule,
    BadSetting,
    BadToken,
    Blocked,
    CommandsRefused,
    ComparisonFault,
    DrawingFailed,
    EaselError,
    FlagValue,
    FolderUnusable,
    ModelNotHere,
    NoDiscord,
    NoRecipe,
    NoRoom,
    NoSeedToKeep,
    NotAllowed,
    NotDescribed,
    NotErased,
    NotFound,
    NothingToBackUp,
    NotReplaced,
    NotWritten,
    OneOfTwo,
    OtherChannels,
    PortTaken,
    ReservedName,
    RoleNeeded,
    SourceNotYours,
    StraySetting,
    WordKeptOut,
)
from bot.seeds import NEW, SAME
from bot.wording.keeping import NOT_ERASED, keeping_error
from bot.wording.origins import not_described
from bot.wording.pictures import bad_picture
from bot.wording.server import server_error
from bot.wording.text import Plural, choice, duration, escape, listing, moment, number, shorten
from db import DatabaseError, DatabaseUnusable, Reason
from generation import (
    MODES,
    AllowanceSpent,
    BadPicture,
    BadPrompt,
    BadSize,
    EmptyText,
    Failure,
    FailureKind,
    GenerationError,
    InvalidRequest,
    Mode,
    ModelUnavailable,
    NeedsPicture,
    NotFetched,
    NotForThisModel,
    NotThisMode,
    NotThisScheduler,
    OutOfRange,
    PromptFault,
    QueueFull,
    StylesUnreadable,
    TooLong,
    UnknownChoice,
    WorkerDied,
)

# What Discord's options are called where Python's arguments have longer names.
_OPTIONS = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "source": "image",
    "clip_skip": "clip skip",
}

_NOT_FOUND = {
    "generation": "There is no picture with the id {name} that you may see; /history shows yours.",
    "picture": "The picture {name} is no longer on this machine; Re-roll draws it again.",
    "seed": "You have no seed called {name}; /seed list shows yours.",
    "source": "The picture that this one started from is no longer on this machine: attach it again.",
    "message": "That message is gone, or I may not read it.",
    "prompt": "These words are no longer there: please use Describe again.",
    "search": "That search is too long ago: please use /history again.",
    "sheet": "This comparison is no longer there: please use /compare again.",
}

_NOT_ALLOWED = {
    "flagged": "The content filter flagged this picture, so nothing is made of it.",
    "cancel": "Only the member who asked for it, or a moderator, may cancel this one.",
    "delete": "Only the member who asked for it, or a moderator, may delete this one, and only once it has ended.",
    "erase": "This is somebody else's button: /mydata delete brings you your own.",
    "sheet": "This is somebody else's comparison: /compare brings you your own.",
    "sheet_again": "This comparison is being drawn already.",
    "server": "This is for members who may manage this server.",
}

_PROMPT_FAULTS = {
    PromptFault.EDITING: "In the {option}, {form} changes the prompt half way, which Easel does not do; a word "
    "counts less as [word] and more as (word:1.3).",
    PromptFault.ALTERNATION: "In the {option}, {form} takes turns between words, which Easel does not do; two "
    'prompts are mixed as ("red cat", "blue dog").blend(0.7, 0.3).',
    PromptFault.COMPOSITION: "In the {option}, {form} puts prompts together in a way that Easel does not draw; "
    'two prompts are mixed as ("red cat", "blue dog").blend(0.7, 0.3).',
    PromptFault.BLEND: "In the {option}, {form} is no whole blend; write nothing but "
    '("red cat", "blue dog").blend(0.7, 0.3), a number from 0 up for each text.',
    PromptFault.NETWORK: "In the {option}, {form} is of a kind that Easel does not take; LoRAs are written "
    "<lora:name:0.8>.",
    PromptFault.TAG: "In the {option}, {form} is no whole LoRA tag; write it as <lora:name:0.8>.",
    PromptFault.TAG_TWICE: "In the {option}, {form} is there twice; name each LoRA once.",
    PromptFault.TAG_NOT_HERE: "In the {option}, {form} stands in the negative prompt; LoRAs belong in the prompt.",
    PromptFault.UNCLOSED: "In the {option}, {form} has no closing brace; write a choice as {{red|blue}}, and a "
    "brace as text as \\{{.",
    PromptFault.CHOICE: "In the {option}, {form} is no choice that Easel makes; write it as {{red|blue}}, where "
    "each is as likely as the other.",
}

_FAILURES = {
    FailureKind.MODEL_UNAVAILABLE: "The model could not be loaded, so nothing was drawn; try another model, or "
    "ask whoever runs this bot to look at its log.",
    FailureKind.OUT_OF_MEMORY: "The machine ran out of memory while drawing this; a smaller size or fewer "
    "pictures may fit.",
    FailureKind.DISK_FULL: "The disk of the machine is full, so the picture could not be kept; whoever "
    "runs this bot has to make room.",
    FailureKind.SOURCE_MISSING: "The picture that this one was to start from is no longer on this machine; "
    "attach it again.",
    FailureKind.OVERFLOW: "The model lost its way and there is no picture in what it computed; lower guidance or "
    "another scheduler may help.",
    FailureKind.SET_ASIDE: "Drawing this took the drawing process down twice, so it was set aside; another size "
    "or model may work.",
    FailureKind.WORKER_UNAVAILABLE: "The drawing process does not start at the moment; whoever runs this bot "
    "finds the reason in its log.",
    FailureKind.FLAGGED: "The model's content filter held back what came of this; other words or another seed may "
    "pass.",
    FailureKind.BUG: "Drawing this failed because of a fault in Easel; whoever runs this bot finds it in the log.",
}

_COMPARISON_FAULTS = {
    ComparisonFault.NOTHING: "There is nothing to compare yet: give one or two lists, such as steps: 10, 20, 30.",
    ComparisonFault.EMPTY: "The list of {option} is empty: give values with commas between, or leave it out.",
    ComparisonFault.TWICE: "The list of {option} has {value} twice: name each value once.",
    ComparisonFault.NO_NUMBER: "{option} cannot be {value}: it takes numbers with commas between, as in 3, 7.5.",
    ComparisonFault.NO_WHOLE_NUMBER: "{option} cannot be {value}: it takes whole numbers with commas between, as "
    "in 10, 20.",
    ComparisonFault.TOO_MANY_LISTS: "A sheet has {limit} sides and these are {count} lists: keep {limit} of them, "
    "and one value for each of the others.",
    ComparisonFault.TOO_MANY_CELLS: "That would be {count:,} pictures and a sheet holds {limit}: shorten a list.",
}

_NO_WORDS = "The model {model} does not draw from words alone: attach an image, or choose another model."
_NO_MODEL = "The model {model} is not made for the mode {mode}, and no other one here is."
_OTHER_MODELS = "The model {model} is not made for the mode {mode}; made for it: {others}."
_NEEDS_CONTROL = (
    "The model {model} needs a ControlNet for the mode {mode}; whoever runs this bot adds one by "
    "easel models add {control}."
)
_HAVE_CONTROL = "These have one: {others}."
_MODELS_NAMED = 3
_OWN_QUEUE_FULL = Plural(
    one="You have 1 picture waiting, as many as one member may: let it be drawn first.",
    more="You have {count} pictures waiting, as many as one member may: let one be drawn first.",
)
_QUEUE_FULL = Plural(
    one="The queue is full with 1 picture: please try again in a few minutes.",
    more="The queue is full with {count} pictures: please try again in a few minutes.",
)
_NEVER_ENOUGH = "This would take {cost} of drawing time and you have {left} left, which does not refill here."
_ENOUGH_AT = "This would take {cost} of drawing time and you have {left} left: there is enough again {when}."
_ENOUGH_LATER = (
    "This would take {cost} of drawing time and you have {left} left: there is enough again in a while."
)
_NO_WHOLE_NUMBER = "{flag} cannot be {value}: it takes a whole number, as in “{example}”."
_NO_NUMBER = "{flag} cannot be {value}: it takes a number, as in “{example}”."

CANCELLED = "Cancelled; it cost nothing."
LOST = "This was drawn, but its file is no longer on this machine; it can be drawn again."
DISK_FULL = "The disk of the machine is full, so nothing was done; whoever runs this bot has to make room."
BROKEN_OFF = "Discord could not be reached for a moment; please try again."
NOT_HERE = "The content filter flagged some of it, and this is no place where that is shown."
_SENT_AS = {
    ".jpg": "This is a JPEG of quality 92, since the PNG is larger than Discord takes. The PNG is kept.",
    ".webp": "This is a WebP with the same pixels, since the PNG is larger than Discord takes. The PNG is kept.",
}
OUTDATED_COMMAND = "This command has changed since your Discord loaded it; press Ctrl+R or restart the app."


def sentence(error: BaseException) -> str:  # noqa: C901, PLR0911  (one return an error)
    """One plain sentence for an error of `generation`, `bot` or `db`. It holds no Discord formatting."""
    match error:
        case InvalidRequest():
            return _invalid(error)
        case QueueFull(own=True, waiting=waiting):
            return _OWN_QUEUE_FULL.of(waiting)
        case QueueFull(waiting=waiting):
            return _QUEUE_FULL.of(waiting)
        case AllowanceSpent():
            return _spent(error)
        case ModelUnavailable(model=model, reason=reason):
            return f"The model {model} cannot be used: {reason}"
        case StylesUnreadable():
            return f"A style cannot be used: {error}."
        case WorkerDied():
            return "The drawing process ended by itself; the log has its last words."
        case EaselError():
            return _easel(error)
        case DatabaseError():
            return str(error)
        case GenerationError():
            return f"Drawing is not possible: {error}."
        case _:
            raise TypeError(f"{type(error).__name__} is no error that members are told about")


def notice(error: BaseException) -> str:
    """The sentence as a message on Discord shows it, whatever a member typed into the value that it names."""
    match error:
        case AllowanceSpent(enough_at=float(enough_at)):
            return _spent(error, moment(enough_at))
        case OtherChannels() | RoleNeeded():
            return sentence(error)  # nothing but mentions of channels and roles, which Discord is to show as such
        case DatabaseUnusable(reason=Reason.FULL):
            return DISK_FULL
        case DatabaseError():
            return "My records cannot be reached at the moment, so nothing was done; please try again."
        case _:
            return escape(sentence(error))


def failure_sentence(failure: Failure | None) -> str:
    """How a job ended that brought no picture; None means that it was cancelled."""
    if failure is not None and failure.kind is FailureKind.UNFIT:
        return f"{escape(failure.detail)} It cost nothing."
    return CANCELLED if failure is None else f"{_FAILURES[failure.kind]} It cost nothing."


def sent_as(suffix: str) -> str:
    """What is told of a picture that goes as another kind of file, ".jpg" or ".webp"."""
    return _SENT_AS[suffix]


def unexpected(reference: str) -> str:
    """For what nobody foresaw: `reference` stands in the log beside the traceback."""
    return f"Something went wrong on my side; whoever runs this bot finds it in the log as {reference}."


def _invalid(error: InvalidRequest) -> str:  # noqa: C901, PLR0911, PLR0912  (one return an error)
    option = _OPTIONS.get(error.argument, error.argument)
    value = number(error.value)
    match error:
        case BadPicture():
            return bad_picture(error)
        case EmptyText(argument="prompt"):
            return "The prompt is empty: say in a few words what to draw."
        case EmptyText():
            return f"The {option} is empty: give it at least one letter."
        case TooLong(length=length, limit=limit):
            return f"The {option} has {length:,} characters and at most {limit:,} fit: please shorten it."
        case OutOfRange(minimum=minimum, maximum=maximum):
            return f"{option} cannot be {value}: it goes from {number(minimum)} to {number(maximum)}."
        case BadPrompt(fault=fault):
            return _PROMPT_FAULTS[fault].format(option=option, form=shorten(str(error.value), 60))
        case UnknownChoice(choices=()):
            return f"There is no {option} called {value}: none is installed here."
        case UnknownChoice(closest=str(closest)):
            return f"There is no {option} called {value}: did you mean {closest}?"
        case UnknownChoice(choices=choices):
            return f"There is no {option} called {value}: choose {choice(choices)}."
        case BadSize(closest=closest, grid=grid, minimum=minimum, maximum=maximum):
            return (
                f"The size {value} cannot be drawn by this model: sides go from {minimum} to {maximum} pixels in "
                f"steps of {grid}, and the closest is {closest}."
            )
        case NotThisScheduler(model=model, choices=choices):
            return f"The model {model} cannot be drawn with {value}: choose {choice(choices)}."
        case NotThisMode():
            return _not_this_mode(error)
        case NotFetched(model=model):
            return (
                f"The model {model} is not on this machine: choose another one, or ask whoever runs this bot to "
                f"fetch it with easel models add {model}."
            )
        case NeedsPicture(argument="mask"):
            return "Inpainting draws what a mask shows white: attach one, or a picture with transparent parts."
        case NeedsPicture(mode=Mode.UPSCALE, model=model):
            return f"The model {model} makes pictures larger: attach an image, or choose another model."
        case NeedsPicture(mode=Mode.INPAINT):
            return "Inpainting starts from a picture, a part of which it draws anew: attach an image as well."
        case NeedsPicture(mode=mode):
            return f"The mode {mode_name(mode)} starts from a picture: attach an image as well."
        case NotForThisModel(argument="variation"):
            return "A picture that was only made larger has no neighbours."
        case NotForThisModel(argument="mask"):
            return "A mask is for inpainting a picture: attach an image as well, and leave mode out."
        case NotForThisModel(argument="direction"):
            return "A direction is for pictures that grow: choose the mode outpaint, or leave it out."
        case NotForThisModel(argument="scale"):
            return "A scale is for upscaling: leave it out; size says how large a picture is drawn."
        case NotForThisModel(argument="strength"):
            return "strength says how far to leave a picture: attach an image as well, or leave strength out."
        case NotForThisModel(model=model):
            return f"The model {model} has no use for {option}: leave it out, or choose another model."
        case _:
            return f"{option} cannot be {value}."


def mode_name(mode: str) -> str:
    """What people type for a way of drawing."""
    return next((name for name, meant in MODES.items() if meant == mode), str(mode).replace("_", " "))


def _not_this_mode(error: NotThisMode) -> str:
    mode = mode_name(str(error.value))
    if mode not in MODES:
        return _NO_WORDS.format(model=error.model)
    others = listing(error.others[:_MODELS_NAMED])
    if error.control is not None:
        needs = _NEEDS_CONTROL.format(model=error.model, mode=mode, control=error.control)
        return f"{needs} {_HAVE_CONTROL.format(others=others)}" if others else needs
    if not error.others:
        return _NO_MODEL.format(model=error.model, mode=mode)
    return _OTHER_MODELS.format(model=error.model, mode=mode, others=others)


def _easel(error: EaselError) -> str:  # noqa: C901, PLR0911, PLR0912  (one return an error)
    match error:
        case NotFound(kind=kind, name=name):
            return _NOT_FOUND[kind].format(name=shorten(name, 40))
        case NotAllowed(action=action):
            return _NOT_ALLOWED[action]
        case SourceNotYours(strength=None):
            return (
                "This one started from another member's picture, which can only be used as it was: leave mode, "
                "mask and size as they are, or attach an image of your own."
            )
        case SourceNotYours(strength=strength, steps=steps):
            return (
                f"This one started from another member's picture: keep strength at {number(strength)} or above "
                f"and steps at {steps} or above, or attach an image of your own."
            )
        case StraySetting(what=what):
            return f"{shorten(what, 40)} has no place among the settings: write “--steps 30”, for instance."
        case BadComparison(fault=fault, option=option, value=value, count=count, limit=limit):
            return _COMPARISON_FAULTS[fault].format(
                option=option, value=shorten(value, 40), count=count, limit=limit
            )
        case OneOfTwo(both=True):
            return "An image and an id are two pictures: give one of them."
        case OneOfTwo():
            return "Which picture? Attach an image, or give the id of one; it stands below each picture."
        case ReservedName(name=name):
            return (
                f"A seed cannot be called {shorten(name, 40)}: numbers, {NEW} and {SAME} mean something else "
                "where a seed is asked."
            )
        case NoRecipe(name=name):
            return f"{name} tells nothing of how it was made: say what to draw in words."
        case NotDescribed():
            return not_described(error)
        case NoSeedToKeep():
            return "--seed same needs a picture that I drew: for any other one, give a number."
        case BadFlag():
            return _bad_flag(error)
        case (
            BadSetting()
            | AlreadyRunning()
            | FolderUnusable()
            | PortTaken()
            | BadToken()
            | NoDiscord()
            | CommandsRefused()
        ):
            return _not_starting(error)
        case DrawingFailed(failure=None):
            return CANCELLED
        case DrawingFailed(failure=Failure(kind=kind, detail=detail)):
            plain = kind in {FailureKind.MODEL_UNAVAILABLE, FailureKind.UNFIT}
            return detail if plain else f"{_FAILURES[kind]}\n{detail}"
        case NotWritten(target=target, reason=reason, kept=kept):
            return f"The picture could not be written to {target} ({reason}): it is kept at {kept}."
        case BadBackup() | BackupNotWritten() | NoRoom() | NothingToBackUp() | NotReplaced():
            return keeping_error(error)
        case NotErased():
            return NOT_ERASED
        case (
            Blocked()
            | OtherChannels()
            | RoleNeeded()
            | ModelNotHere()
            | AboveCeiling()
            | WordKeptOut()
            | BadRule()
        ):
            return server_error(error)
        case _:
            return str(error)


def _not_starting(  # noqa: PLR0911  (one return an error)
    error: BadSetting | AlreadyRunning | FolderUnusable | PortTaken | BadToken | NoDiscord | CommandsRefused,
) -> str:
    match error:
        case BadSetting(name=name, value="", reason=reason):
            return f"The setting {name} is not valid: {reason}."
        case BadSetting(name=name, value=value, reason=reason):
            return f"The setting {name} cannot be {value}: {reason}."
        case AlreadyRunning(folder=folder):
            return f"Another Easel is running on {folder}: stop it first, or set EASEL_DATA_DIR to another folder."
        case FolderUnusable(folder=folder, reason=reason):
            return (
                f"The data folder {folder} cannot be used ({reason}): let this user write to it, or set "
                "EASEL_DATA_DIR to another folder."
            )
        case PortTaken(port=port, reason=reason):
            return (
                f"The playground's port {port} cannot be opened ({reason}): stop the program that has it, or set "
                "EASEL_PLAYGROUND_PORT to another one, such as 0 for any that is free."
            )
        case BadToken():
            return (
                "Discord does not know this token: copy it again from the Bot page of your application, and set "
                "EASEL_DISCORD_TOKEN."
            )
        case NoDiscord(url=url, reason=reason):
            return f"Discord does not answer at {url} ({reason}): check the network and EASEL_DISCORD_API_URL."
        case CommandsRefused(reason=reason):
            return f"Discord did not take the commands, so the bot cannot start: {reason}"


def _bad_flag(error: BadFlag) -> str:
    flag = f"--{shorten(error.flag, 40)}"
    if error.repeated:
        return f"{flag} stands there more than once: give it once."
    if error.value_missing:
        return f"{flag} needs a value after it, as in “{_EXAMPLES[error.flag]}”."
    if error.expected is not None:
        told = _NO_WHOLE_NUMBER if error.expected is FlagValue.WHOLE_NUMBER else _NO_NUMBER
        return told.format(flag=flag, value=number(error.value), example=_EXAMPLES[error.flag])
    if error.closest is not None:
        return f"There is no flag {flag}: did you mean --{error.closest}?"
    return f"There is no flag {flag}: there are {listing(tuple(f'--{name}' for name in _EXAMPLES))}."


_EXAMPLES = {
    "strength": "--strength 0.4",
    "seed": "--seed 7",
    "no": "--no fog",
    "size": "--size 16:9",
    "steps": "--steps 30",
    "guidance": "--guidance 7",
    "scheduler": "--scheduler DDIM",
    "model": "--model storybook",
    "style": "--style ink",
    "count": "--count 2",
    "mode": "--mode depth",
}


def _spent(error: AllowanceSpent, when: str = "") -> str:
    """`when` is a moment as Discord shows it; without one it is told without."""
    told = _NEVER_ENOUGH if error.enough_at is None else _ENOUGH_AT if when else _ENOUGH_LATER
    return told.format(cost=duration(error.cost), left=duration(error.left), when=when)
