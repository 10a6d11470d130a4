"""The playground's time, which tests can move."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class Alarm:
    """Something to be done at a time of the playground's clock; `cancel` takes it back."""

    when: float
    number: int
    ring: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.ring = None


class Clock:
    """Seconds since the epoch: the machine's time plus what was added, or a time that stands still.

    With `frozen_at` time moves only by `advance`. Alarms ring in the order of their times, in the event loop's
    thread, at once when `advance` passes them.
    """

    def __init__(self, *, frozen_at: float | None = None) -> None:
        self._frozen_at = frozen_at
        self._added = 0.0
        self._alarms: list[Alarm] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self._added

    def advance(self, seconds: float) -> None:
        """Move time forward by `seconds` (0 or more); whatever falls due on the way happens now."""
        if seconds < 0:
            msg = f"the clock only moves forward, not by {seconds} s"
            raise ValueError(msg)
        self._added += seconds
        self._ring_due()

    def alarm(self, when: float, ring: Callable[[], None]) -> Alarm:
        """Have `ring` called once when the clock reaches `when`; needs a running event loop."""
        alarm = Alarm(when=when, number=next(self._numbers), ring=ring)
        heapq.heappush(self._alarms, alarm)
        self._wait()
        return alarm

    def close(self) -> None:
        """Forget every alarm."""
        self._alarms.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._alarms and self._alarms[0].ring is None:
            heapq.heappop(self._alarms)
        if self._alarms and self._frozen_at is None:
            delay = max(0.0, self._alarms[0].when - self.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._ring_due)

    def _ring_due(self) -> None:
        while self._alarms and self._alarms[0].when <= self.now():
            alarm = heapq.heappop(self._alarms)
            if alarm.ring is not None:
                alarm.ring()
        self._wait()


class Snowflakes:
    """Ids as Discord makes them: milliseconds since 2015 in the upper 42 bits, so that later ids are larger."""

    EPOCH_MS = 1_420_070_400_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def new(self) -> int:
        stamp = (int(self._clock.now() * 1000) - self.EPOCH_MS) << 22
        self._last = max(self._last + 1, stamp)
        return self._last
