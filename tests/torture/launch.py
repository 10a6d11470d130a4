"""The bot as it is, but for its worker and its haste, in a process that is forked with everything imported."""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from discord.backoff import ExponentialBackoff

import bot.client  # noqa: F401  (imported by the bot itself only once it runs)
from bot import app, delivery, endings, post
from bot.cli import main
from bot.playground import Playground
from bot.settings import Settings
from generation import Supervisor
from tests.e2e.conftest import BotProcess

_TICK = 0.005  # seconds
FIXTURE = Path(__file__).parents[1] / "fixture_worker.py"


class ForkedBot(BotProcess):
    """A bot that starts in a fraction of the time, most of which goes to imports.

    Its worker is the fixture worker that behaves as `how` says. Pauses between tries are divided by `haste`.
    """

    def __init__(
        self, playground: Playground, folder: Path, *, how: str, haste: float, **environment: str
    ) -> None:
        super().__init__(playground, folder, **environment)
        self._changes = (how, haste)

    async def _spawn(self, environment: dict[str, str]) -> "_Forked":  # type: ignore[override]
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        process = context.Process(target=_run, args=(*self._changes, environment, self.folder, self.log))
        await asyncio.to_thread(process.start)
        return _Forked(process)


class _Forked:
    """What BotProcess uses of an `asyncio.subprocess.Process`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode if self._ended.is_set() else None

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def wait(self) -> int | None:
        await self._ended.wait()
        return self._process.exitcode


async def _metered(run: Callable[[Settings], Awaitable[None]], file: Path, settings: Settings) -> None:
    """Run the bot, and keep in `file` for how many seconds its event loop was held up at most.

    What the machine did meanwhile for other processes does not count.
    """

    async def meter() -> None:
        longest = 0.0
        while True:
            began = time.monotonic(), time.process_time()
            await asyncio.sleep(_TICK)
            lag = min(time.monotonic() - began[0], time.process_time() - began[1]) - _TICK
            if lag > longest:
                longest = lag
                file.write_text(str(longest))  # noqa: ASYNC240  (seldom, and not counted)

    metering = asyncio.create_task(meter())
    try:
        await run(settings)
    finally:
        metering.cancel()


def _run(how: str, haste: float, environment: dict[str, str], folder: Path, log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    defaults = Supervisor.__init__.__kwdefaults__
    assert defaults is not None
    defaults["command"] = (sys.executable, str(FIXTURE), how)
    for module in (delivery, endings):
        module._PAUSES = tuple(pause / haste for pause in module._PAUSES)  # type: ignore[attr-defined]
    delivery._LONGEST_PAUSE /= haste
    post._FIRST_PAUSE /= haste
    post._LOOKS = tuple(pause / haste for pause in post._LOOKS)  # type: ignore[assignment]
    ExponentialBackoff.__init__.__defaults__ = (1 / haste,)
    app.run = partial(_metered, app.run, folder / "lag")
    sys.argv = ["easel", "run"]
    main()
