"""What can go wrong on Easel's own side of a request.

EaselError
├── NotFound          no such generation, seed or message for this member (somebody's private one included)
├── NotAllowed        it is there, but this member may not do that with it
├── BadFlag           a flag in a reply that is none, is repeated, or has no valid value
├── BadSetting        a setting that has no valid value
├── AlreadyRunning    another Easel works on this data folder
├── NoSeedToKeep      "the same seed" was asked of a picture that Easel did not draw
├── CommandsRefused   Discord did not take the slash commands
├── DrawingFailed     what was asked for in a shell was not drawn
└── NotWritten        it was drawn, and could not be written where it was wanted
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


class NoSeedToKeep(EaselError):
    """The same seed was asked for, and the picture has none: it is not one of Easel's."""


class CommandsRefused(EaselError):
    """Discord did not take the slash commands; `reason` is its own sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
