"""Lines: at each place who came first goes first, and whoever is stuck there alone lets the others by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile

Place = int | str

PATIENCE = 5  # failed turns in a row of the first one, after which the next one tries as well


class Lines:
    """Orders attempts: while all of them fail alike nobody is overtaken, however long that lasts.

    An error of a `blameless` kind would have met anybody: it does not count as a failed turn.
    """

    def __init__(self, *, blameless: tuple[type[Exception], ...] = ()) -> None:
        self._blameless = blameless
        self._lines: dict[Place, dict[str, int]] = {}  # each: who stands there -> failed turns in a row
        self._moved = asyncio.Event()

    def stand(self, place: Place, who: str) -> None:
        """Go to the end of the line at `place`."""
        self._lines.setdefault(place, {})[who] = 0

    def leave(self, place: Place, who: str) -> None:
        """Go away from the line at `place`, served or not."""
        line = self._lines[place]
        del line[who]
        if not line:
            del self._lines[place]
        self._move()

    @asynccontextmanager
    async def turn(self, place: Place, who: str) -> AsyncIterator[None]:
        """Wait until it is the turn of `who`; an error in the block is a failed turn, and is raised.

        Whoever has failed PATIENCE times holds up nobody, unless the next one fails as well: then the fault is not
        in them, and all wait as before.
        """
        line = self._lines[place]
        while any(failures < PATIENCE for failures in self._ahead(line, who).values()):
            await self._moved.wait()
        try:
            yield
        except Exception as error:
            line |= dict.fromkeys(self._ahead(line, who), 0)
            line[who] += not isinstance(error, self._blameless)
            self._move()
            raise

    @staticmethod
    def _ahead(line: dict[str, int], who: str) -> dict[str, int]:
        return dict(takewhile(lambda other: other[0] != who, line.items()))

    def _move(self) -> None:
        """Have everybody look again whether it is their turn."""
        self._moved.set()
        self._moved = asyncio.Event()
