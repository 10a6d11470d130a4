"""What can go wrong on Easel's own side of a request.

EaselError
├── NotFound          no such generation, seed or message for this member (somebody's private one included)
├── NotAllowed        it is there, but this member may not do that with it
├── BadFlag           a flag in a reply that is none, is repeated, or has no valid value
├── BadSetting        a setting that has no valid value
├── AlreadyRunning    another Easel works on this data folder
├── FolderUnusable    the data folder cannot be made or written
├── PortTaken         the playground's port cannot be opened
├── BadToken          Discord does not know the bot's token
├── NoDiscord         Discord did not answer when the bot was started
├── SourceNotYours    a re-roll would show what another member uploaded
├── ReservedName      a name for a seed that means something else already
├── NoSeedToKeep      "the same seed" was asked of a picture that Easel did not draw
├── StraySetting      something that is no setting stands among settings that are written as flags
├── OneOfTwo          a picture was named twice, or not at all
├── BadComparison     lists of values that make no sheet
├── CommandsRefused   Discord did not take the slash commands
├── NoRecipe          a picture that tells nothing of how it was made was to be drawn again
├── NotDescribed      a picture was not put into words
├── DrawingFailed     what was asked for in a shell was not drawn
├── NotWritten        it was drawn, and could not be written where it was wanted
├── NothingToBackUp   the data folder has no records yet
├── NotReplaced       a backup was to be written over a file that is none
├── BackupNotWritten  a backup could not be written where it was wanted
├── BadBackup         a file that cannot be restored: no backup, a damaged, a newer or a crafted one
├── NoRoom            a backup is larger than what is free on the disk
├── NotErased         a member's data could not be erased, since more of it came all the time
├── Blocked           a member whom the moderators of this server have blocked
├── OtherChannels     drawing was asked for in a channel that the server does not have it in
├── RoleNeeded        a member without any of the roles that may draw in this server
├── ModelNotHere      a model that does not draw in this server
├── AboveCeiling      more steps, or a larger picture, than this server allows
├── WordKeptOut       a prompt with a word that this server keeps out
└── BadRule           a rule of a server that cannot be set as it was asked
"""

from enum import StrEnum

from generation import Failure


class EaselError(Exception):
    """The root of what `bot` raises on purpose."""


class NotFound(EaselError):
    """Nothing called `name` is there for this member; `kind` is "generation", "seed" or "message"."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r}")
        self.kind = kind
        self.name = name


class NotAllowed(EaselError):
    """`action` ("cancel", "delete") is not this member's to take."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action


class FlagValue(StrEnum):
    """What stands behind a flag."""

    NUMBER = "number"
    WHOLE_NUMBER = "whole_number"


class BadFlag(EaselError):
    """A flag in a reply that cannot be taken: it is unknown unless one of the other reasons is given.

    `closest` is the flag that an unknown one resembles most, if any. `value_missing`: nothing stands behind it.
    `value` is not the `expected` kind of value. `repeated`: it was given more than once.
    """

    def __init__(
        self,
        flag: str,
        *,
        closest: str | None = None,
        value_missing: bool = False,
        value: str | None = None,
        expected: FlagValue | None = None,
        repeated: bool = False,
    ) -> None:
        super().__init__(flag)
        self.flag = flag
        self.closest = closest
        self.value_missing = value_missing
        self.value = value
        self.expected = expected
        self.repeated = repeated


class BadSetting(EaselError):
    """The setting `name` (as in `easel.toml`) has a `value` that is not valid, and `reason` says why."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(f"{name}={value!r}: {reason}")
        self.name = name
        self.value = value
        self.reason = reason


class AlreadyRunning(EaselError):
    """Another process works on the data folder `folder`."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder


class FolderUnusable(EaselError):
    """The data folder, or a folder in it, cannot be made or written; `reason` is the system's own sentence."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder = folder
        self.reason = reason


class PortTaken(EaselError):
    """The playground's `port` cannot be opened; `reason` is the system's own sentence."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"{port}: {reason}")
        self.port = port
        self.reason = reason


class BadToken(EaselError):
    """Discord does not know the token, or no longer."""


class NoDiscord(EaselError):
    """Discord does not answer at `url`, so the bot cannot start; `reason` says what came instead."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class SourceNotYours(EaselError):
    """Another member gave the source image: less than `strength` and fewer than `steps` would show the upload.

    Both are None where it is another use of it that might.
    """

    def __init__(self, *, strength: float | None, steps: int | None) -> None:
        super().__init__(f"strength {strength}, steps {steps}")
        self.strength = strength
        self.steps = steps


class StraySetting(EaselError):
    """Among the settings that are written as flags stands `what`, which is none of them."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class OneOfTwo(EaselError):
    """A picture was to be named by an upload or by an id, and it was by neither, or by `both`."""

    def __init__(self, *, both: bool) -> None:
        super().__init__("both" if both else "neither")
        self.both = both


class ComparisonFault(StrEnum):
    """Why there is nothing to compare as it was asked."""

    NOTHING = "nothing"  # no list has two values
    EMPTY = "empty"  # a list of nothing but commas
    TWICE = "twice"  # two values of a list mean the same
    NO_NUMBER = "no_number"
    NO_WHOLE_NUMBER = "no_whole_number"
    TOO_MANY_LISTS = "too_many_lists"
    TOO_MANY_CELLS = "too_many_cells"


class BadComparison(EaselError):
    """Lists of values that make no sheet: the `value` of an `option`, or a `count` that is above its `limit`."""

    def __init__(
        self, fault: ComparisonFault, *, option: str = "", value: str = "", count: int = 0, limit: int = 0
    ) -> None:
        super().__init__(f"{fault}: {option} {value} {count}")
        self.fault = fault
        self.option = option
        self.value = value
        self.count = count
        self.limit = limit


class ReservedName(EaselError):
    """A seed cannot be called `name`, since that means something else wherever a seed is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NoSeedToKeep(EaselError):
    """The same seed was asked for, and the picture has none: it is not one of Easel's."""


class CommandsRefused(EaselError):
    """Discord did not take the slash commands; `reason` is its own sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoRecipe(EaselError):
    """The picture `name` tells nothing of how it was made, or cannot be read."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Unseen(StrEnum):
    """Why a picture was not put into words."""

    NOBODY_LOOKS = "nobody_looks"  # no captioner is on this machine
    NO_WORDS = "no_words"  # it was looked at, and nothing came of it
    FAILED = "failed"  # the log has the reason
    SET_ASIDE = "set_aside"  # it took the worker down twice
    WITHDRAWN = "withdrawn"  # its member had everything deleted
    BLOCKED = "blocked"  # its member was blocked in the server where they asked


class NotDescribed(EaselError):
    """A picture was not put into words, for a `reason`; `detail` is a sentence for everybody, or empty."""

    def __init__(self, reason: Unseen, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class DrawingFailed(EaselError):
    """What was asked for in a shell was not drawn; `failure` says why, and None that it was cancelled."""

    def __init__(self, failure: Failure | None) -> None:
        super().__init__("cancelled" if failure is None else failure.kind)
        self.failure = failure


class NotWritten(EaselError):
    """A picture could not be written to `target` for a `reason`; it is kept at `kept`."""

    def __init__(self, target: str, *, reason: str, kept: str) -> None:
        super().__init__(f"{target}: {reason}")
        self.target = target
        self.reason = reason
        self.kept = kept


class NothingToBackUp(EaselError):
    """The data folder `folder` has no records."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder


class NotReplaced(EaselError):
    """`file` is there and no backup, so that none is written over it."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


class BackupNotWritten(EaselError):
    """A backup could not be written to `file`; `reason` is the system's own sentence."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class BackupFault(StrEnum):
    """Why a file cannot be restored."""

    MISSING = "missing"  # there is no such file, or it may not be read
    FOREIGN = "foreign"  # something else than a backup of Easel
    DAMAGED = "damaged"  # cut off or changed
    NEWER = "newer"  # a newer Easel made it
    HOSTILE = "hostile"  # it holds what no backup of Easel does, such as a path that leads out of the folder


class BadBackup(EaselError):
    """`file` cannot be restored; `detail` says where the `fault` was found. Nothing was changed."""

    def __init__(self, file: str, fault: BackupFault, detail: str) -> None:
        super().__init__(f"{file} is {fault}: {detail}")
        self.file = file
        self.fault = fault
        self.detail = detail


class NoRoom(EaselError):
    """`folder` is on a disk with `free` bytes, and `needed` ones are to be written."""

    def __init__(self, folder: str, *, needed: int, free: int) -> None:
        super().__init__(f"{folder}: {needed} > {free}")
        self.folder = folder
        self.needed = needed
        self.free = free


class NotErased(EaselError):
    """What is kept about a member was not erased: while jobs of theirs were being cancelled, new ones came."""


class Blocked(EaselError):
    """The moderators of this server have blocked the member."""


class OtherChannels(EaselError):
    """Drawing is asked for in `channels` of this server alone (their ids), and this is none of them."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__(str(channels))
        self.channels = channels


class RoleNeeded(EaselError):
    """Whoever has one of `roles` (their ids) may draw in this server, and the member has none."""

    def __init__(self, roles: tuple[int, ...]) -> None:
        super().__init__(str(roles))
        self.roles = roles


class ModelNotHere(EaselError):
    """The `model` does not draw in this server; `models` are those that do."""

    def __init__(self, model: str, models: tuple[str, ...]) -> None:
        super().__init__(model)
        self.model = model
        self.models = models


class Ceiling(StrEnum):
    """What a server can set a ceiling for."""

    STEPS = "steps"
    SIDE = "side"  # pixels of the longer side


class AboveCeiling(EaselError):
    """The `value` is above the server's `limit` for steps or for a picture's longer side."""

    def __init__(self, ceiling: Ceiling, value: int | str, *, limit: int) -> None:
        super().__init__(f"{ceiling} {value} > {limit}")
        self.ceiling = ceiling
        self.value = value
        self.limit = limit


class WordKeptOut(EaselError):
    """The prompt has a `word` that the server keeps out; None where everybody reads the answer."""

    def __init__(self, word: str | None) -> None:
        super().__init__("a word that is kept out")
        self.word = word


class RuleFault(StrEnum):
    """Why a rule cannot be set."""

    NOTHING_LOOKS = "nothing_looks"  # the operator has switched the content filter off
    NO_WORD = "no_word"
    LONG_WORD = "long_word"
    TOO_MANY_WORDS = "too_many_words"
    NOT_KEPT_OUT = "not_kept_out"
    TOO_MANY_ROLES = "too_many_roles"
    NO_SUCH_ROLE = "no_such_role"
    NOT_BLOCKED = "not_blocked"
    MODERATES = "moderates"  # whom a block would not hold
    CANNOT_POST = "cannot_post"  # Easel has no right to, in the channel for the showcase
    DEFAULT_NOT_ALLOWED = "default_not_allowed"
    NO_WORDS_DRAWN = "no_words_drawn"  # by the model that is to draw for whoever names none
    SIDE_TOO_LOW = "side_too_low"  # for the model that draws for whoever names none
    STEPS_TOO_LOW = "steps_too_low"
    TOO_MANY_SECONDS = "too_many_seconds"  # more than the operator has servers grant to a role
    TOO_MANY_AN_HOUR = "too_many_an_hour"


class BadRule(EaselError):
    """A rule that cannot be set; `value` is what of it, `limit` how many there can be."""

    def __init__(self, fault: RuleFault, *, value: str = "", limit: int = 0) -> None:
        super().__init__(f"{fault}: {value}")
        self.fault = fault
        self.value = value
        self.limit = limit
