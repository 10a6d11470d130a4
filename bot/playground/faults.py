"""What goes wrong on demand: answers of error, dropped connections, delays."""

import re
from dataclasses import dataclass
from enum import Enum

MOST_FAULTS = 100


class Moment(Enum):
    """When a connection is dropped, seen from the request's work."""

    BEFORE = "the work is not done"
    DURING = "the work is done and half of the answer sent"
    AFTER = "the work is done and nothing of the answer sent"


@dataclass(frozen=True, kw_only=True)
class RateLimited:
    """429 with `retry_after` in seconds, for the route or for everything."""

    retry_after: float
    everywhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A status of 500 or more, as from Discord's edge; `after_work` means that the request was carried out."""

    status: int
    after_work: bool = False


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """The connection ends without an answer."""

    moment: Moment = Moment.BEFORE


@dataclass(frozen=True, kw_only=True)
class Delayed:
    """The request waits this long, in seconds of real time, before its work; that is done also if nobody waits."""

    seconds: float


Mishap = RateLimited | Failure | Dropped | Delayed


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A mishap for the next `count` requests whose method and path match in full.

    Paths are those of the REST interface without `/api/v10`, and `/attachments/…` for reading files.
    """

    mishap: Mishap
    method: str = ".*"
    path: str = ".*"
    count: int = 1

    def matches(self, method: str, path: str) -> bool:
        return bool(re.fullmatch(self.method, method)) and bool(re.fullmatch(self.path, path))


class Faults:
    """The mishaps that wait for their requests; each request takes at most one, the earliest that fits."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._left: list[int] = []
        self.happened: list[tuple[str, str, Mishap]] = []

    def add(self, fault: Fault) -> None:
        if len(self._rules) >= MOST_FAULTS:
            raise ValueError(f"at most {MOST_FAULTS} faults may wait at a time")
        self._rules.append(fault)
        self._left.append(fault.count)

    def clear(self) -> None:
        self._rules.clear()
        self._left.clear()

    def take(self, method: str, path: str) -> Mishap | None:
        """The mishap of this request, which is thereby used up once."""
        for index, fault in enumerate(self._rules):
            if fault.matches(method, path):
                self._left[index] -= 1
                if self._left[index] <= 0:
                    del self._rules[index], self._left[index]
                self.happened.append((method, path, fault.mishap))
                return fault.mishap
        return None
