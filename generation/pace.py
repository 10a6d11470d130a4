"""How long a worker may be silent between two steps of a job, by the steps it has taken."""

import time

_STEPS_OF_SILENCE = 30  # decoding, or a larger second pass, takes as long as some steps, not as many


class Pace:
    """How long the next step of a job may take: `most` seconds until two were taken, then by the longest."""

    def __init__(self, *, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._last: float | None = None
        self._longest = 0.0

    def step(self) -> float:
        """A step was taken; the seconds that the next one may take."""
        last, self._last = self._last, time.monotonic()
        if last is None:
            return self._most
        self._longest = max(self._longest, self._last - last)
        return min(self._most, max(self._least, _STEPS_OF_SILENCE * self._longest))
