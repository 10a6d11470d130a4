"""Random `kill -9` of the bot, of the worker and of both, while twenty members go on as ever."""

import asyncio
import contextlib
import signal
from collections import Counter
from itertools import count
from pathlib import Path

from tests.torture.crowd import Crowd, crowd, do_something
from tests.torture.row import Row

SEED = 20
BACKLOG = 40  # jobs that wait
WHOM = ("bot", "worker", "both")


async def run(folder: Path, *, quick: bool = False) -> Row:
    kills = len(WHOM) if quick else 200
    killed: Counter[str] = Counter()
    async with crowd(folder, seed=SEED, haste=4) as made:
        acting = asyncio.create_task(_act(made))
        for number in range(kills):
            await _some_work(made)
            # Each of the three comes once at first, so that the short form has them all.
            whom = WHOM[number] if number < len(WHOM) else made.chance.choice(WHOM)
            if whom != "bot":
                made.kill_worker()
            if whom != "worker":
                await made.bot.restart(signal.SIGKILL)
            killed[whom] += 1
        assert not acting.done()
        acting.cancel()
        audit = await made.settled(within=600)
    return Row(
        name="kills",
        done=f"{kills} random kill -9 ({', '.join(f'{whom} {n}' for whom, n in sorted(killed.items()))}), "
        f"20 members, seed {SEED}",
        figure=str(audit),
        passed=audit.flawless and audit.accepted > kills,
        wrong=audit.wrong,
    )


async def _some_work(made: Crowd) -> None:
    """Until none to four more jobs have ended, on a machine of whatever speed, and some moment after that."""
    enough = _ended(made) + made.chance.randrange(5)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while _ended(made) < enough:  # noqa: ASYNC110  (the records tell nobody when they change)
                await asyncio.sleep(0.1)
    await asyncio.sleep(made.chance.uniform(0.0, 1.5))


def _ended(made: Crowd) -> int:
    return len(made.books.rows("SELECT 1 FROM jobs WHERE ended_at IS NOT NULL"))


async def _act(made: Crowd) -> None:
    """Have somebody do something every now and then, for ever, unless much is waiting already."""
    for number in count():
        if len(made.books.rows("SELECT 1 FROM jobs WHERE ended_at IS NULL")) < BACKLOG:
            do_something(made, made.chance.choice(made.members), number)
        await asyncio.sleep(made.chance.uniform(0.1, 0.4))
