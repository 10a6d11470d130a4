"""Discord's bad days, each in many runs: members ask, something goes wrong, and everybody is served in order."""

import asyncio
import contextlib
import random
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bot.playground import Dropped, Failure, Fault, Moment, RateLimited
from bot.playground.faults import Mishap
from tests.torture.books import Audit
from tests.torture.crowd import Crowd, crowd
from tests.torture.row import Row

SEED = 24
AWAY = 3600.0  # seconds of Discord's time, in
HASTE = 600.0  # times less of ours; the bot's pauses are shortened as well, by as much or
LITTLE_HASTE = 10.0
ASKED = 3  # jobs of a run
ROUTES = (
    ("PATCH", r"/webhooks/.*"),
    ("POST", r"/channels/\d+/messages"),
    ("POST", r"/interactions/.*"),
    ("DELETE", r"/webhooks/.*"),
    (".*", r".*"),
)
EDIT = ("PATCH", r"/(webhooks|channels)/.*")
UPLOAD = ("POST", r"/channels/\d+/messages")

Trouble = Callable[[Crowd], Awaitable[None]]


def _on(mishap: Callable[[random.Random], Mishap], *routes: tuple[str, str], most: int = 3) -> Trouble:
    """That a mishap comes upon the next requests, up to `most` of them, of one of the routes."""

    async def trouble(made: Crowd) -> None:
        method, path = made.chance.choice(routes)
        count = made.chance.randint(1, most)
        made.playground.faults.add(Fault(mishap=mishap(made.chance), method=method, path=path, count=count))

    return trouble


def _limited(chance: random.Random, *, everywhere: bool) -> Mishap:
    return RateLimited(retry_after=chance.uniform(0.05, 0.5), everywhere=everywhere)


def _failing(chance: random.Random, *, status: int) -> Mishap:
    return Failure(status=status, after_work=chance.random() < 0.5)


def _reset(chance: random.Random) -> Mishap:
    return Dropped(moment=chance.choice(tuple(Moment)))


async def _dropped(made: Crowd, *, resumable: bool) -> None:
    await made.playground.gateway.drop(resumable=resumable)


async def _away(made: Crowd) -> None:
    async with made.playground.away():
        await made.playground.gateway.drop(resumable=False)
        await asyncio.sleep(AWAY / HASTE)
        made.playground.clock.advance(AWAY)


KINDS: dict[str, Trouble] = {
    "429 on a route": _on(partial(_limited, everywhere=False), *ROUTES),
    "429 everywhere": _on(partial(_limited, everywhere=True), *ROUTES),
    "500": _on(partial(_failing, status=500), *ROUTES),
    "502": _on(partial(_failing, status=502), *ROUTES),
    "503": _on(partial(_failing, status=503), *ROUTES, most=8),
    "reset in an edit": _on(_reset, EDIT, most=8),
    "reset in an upload": _on(_reset, UPLOAD, most=8),
    "gateway, resumed": partial(_dropped, resumable=True),
    "gateway, anew": partial(_dropped, resumable=False),
    "an hour away": _away,
}
CUT_OFF = ("gateway, resumed", "gateway, anew", "an hour away")


async def run(folder: Path, *, quick: bool = False) -> Row:
    runs = 1 if quick else 50
    audits = dict(zip(KINDS, await asyncio.gather(*(_trouble(folder, kind, runs) for kind in KINDS)), strict=True))
    return Row(
        name="faults",
        done=f"{len(KINDS)} faults of Discord, {runs} runs of {ASKED} jobs each, seed {SEED}",
        figure="\n".join(
            f"{kind}: {audit}, {len(audit.disordered)} out of order" for kind, audit in audits.items()
        ),
        passed=all(audit.flawless and not audit.disordered and audit.delivered for audit in audits.values()),
        wrong=[f"{kind} {name}" for kind, audit in audits.items() for name in (*audit.wrong, *audit.disordered)],
    )


async def _trouble(folder: Path, kind: str, runs: int) -> Audit:
    place = folder / kind.replace(" ", "-")
    place.mkdir()
    haste = HASTE if kind == "an hour away" else LITTLE_HASTE
    async with crowd(place, seed=SEED, members=ASKED, haste=haste, frozen=True) as made:
        for number in range(runs):
            await made.members[0].wait_for(lambda: made.playground.gateway.online or None, 60)
            async with asyncio.TaskGroup() as acting:
                acting.create_task(_ask(made, number))
                if kind in CUT_OFF:  # whoever asks just then is told so by Discord: nothing was accepted
                    await _accepted(made, number)
                await asyncio.sleep(made.chance.uniform(0.0, 1.0))
                await KINDS[kind](made)
            await _accepted(made, number)
            audit = await made.settled(within=60)
            made.playground.faults.clear()
            if audit.unended:
                break
        audit = made.books.audit()
    sys.stderr.write(f"{kind}: {number + 1} runs, {audit}, {len(audit.disordered)} out of order\n")
    return audit


async def _accepted(made: Crowd, number: int) -> None:
    """Wait until all that was asked in a run is accepted; what a fault kept from it is not waited for long."""

    def all_of_it() -> bool:
        prompts = [row["prompt"] for row in made.books.rows("SELECT prompt FROM generations")]
        return sum(prompt.startswith(f"cat {number}.") for prompt in prompts) == ASKED

    with contextlib.suppress(TimeoutError):
        await made.members[0].wait_for(all_of_it, 20)


async def _ask(made: Crowd, number: int) -> None:
    """A few members ask, one of them for a picture that only they see."""
    for which, member in enumerate(made.members):
        member.slash("imagine", prompt=f"cat {number}.{which}", steps=2, private=which == 1)
        await asyncio.sleep(made.chance.uniform(0.0, 0.3))
