"""A crowd: the bot as its own process, its records, and members who act through the playground."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import psutil
from PIL import Image

from bot.playground import Clock, Message, NotPossible, Person, Playground, Upload
from bot.playground.limits import Limit
from tests.e2e.conftest import schema_path
from tests.fixture_worker import Gate
from tests.torture.books import Audit, Books
from tests.torture.launch import ForkedBot

CAPACITY = 1e6  # seconds of compute that each member has, unless a row is about that
PLACES = ("general", "sketches", "notices")  # in the last one the bot may not post
# What members do, and how often.
ACTS = {
    "imagine": 8,
    "private": 2,
    "reply": 2,
    "upload": 2,
    "button": 2,
    "compare": 2,
    "cancel": 1,
    "look": 1,
}
_ROOMY = Limit(requests=10_000, seconds=1.0)
_NEVER_LIMITED = {
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"): _ROOMY,
    ("POST", "/channels/{channel_id}/messages"): _ROOMY,
}


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Members, the bot that they use, and the books that are kept about both."""

    playground: Playground
    bot: ForkedBot
    members: list[Person]
    books: Books
    chance: random.Random

    @property
    def workers(self) -> list[psutil.Process]:
        """The bot's worker, if it has one."""
        try:
            return list(psutil.Process(self.bot.pid).children())
        except psutil.NoSuchProcess:
            return []

    def kill_worker(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()

    async def settled(self, within: float = 120.0) -> Audit:
        """The books once all that was accepted has come to its end, or as they are when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                # What a member is told last follows its record: two quiet looks in a row.
                quiet = 0
                while quiet < 2:
                    audit = self.books.audit()
                    quiet = 0 if audit.unended or audit.stale or audit.lost else quiet + 1
                    await asyncio.sleep(0.3)
        return self.books.audit()


@asynccontextmanager
async def crowd(
    folder: Path,
    *,
    seed: int,
    how: str = "takes_its_time",
    members: int = 20,
    haste: float = 1.0,
    frozen: bool = False,
    capacity: float = CAPACITY,
    **environment: str,
) -> AsyncIterator[Crowd]:
    """A running bot with `members` members on `folder`, for the block.

    `how` and `haste` are those of ForkedBot. `frozen`: Discord's deadlines never pass.
    """
    clock = Clock(frozen_at=time.time()) if frozen else None
    async with Playground(schema=schema_path(), clock=clock, limits=_NEVER_LIMITED) as playground:
        persons = [playground.person(name) for name in ("ada", "linus", "grace", "mina")][:members]
        persons += [playground.add_person(f"member-{number}") for number in range(len(persons), members)]
        environment |= {"EASEL_ALLOWANCE_SECONDS": str(capacity), "EASEL_ALLOWANCE_PER_HOUR": "0"}
        bot = ForkedBot(playground, folder, how=how, haste=haste, **environment)
        books = Books(playground, folder / "data", capacity=capacity)
        chance = random.Random(seed)  # noqa: S311 (a run that can be repeated)
        await bot.start()
        made = Crowd(playground=playground, bot=bot, members=persons, books=books, chance=chance)
        try:
            yield made
        finally:
            await bot.end(signal.SIGKILL)
        assert playground.violations == []


def closed_gate(folder: Path) -> Gate:
    """The fixture worker's gate for a bot on `folder` that has not started yet."""
    drawn = folder / "data" / "pictures" / "drawn"
    drawn.mkdir(parents=True)
    gate = Gate(drawn)
    gate.close()
    return gate


async def everybody_asks(members: Iterable[Person], prompts: Iterable[str]) -> None:
    """One of `members` after the other asks for the next of `prompts`, and has it accepted."""
    for member, prompt in zip(members, prompts, strict=False):
        await member.answer(member.slash("imagine", prompt=prompt, steps=2), within=60)


def do_something(crowd: Crowd, member: Person, number: int) -> None:
    """One act of a member, as chance has it; what is not possible just now is not done."""
    chance, playground = crowd.chance, crowd.playground
    there = member.at(playground.channel(chance.choice(PLACES)))
    seen = there.see()
    drawn = [message for message in seen if message.attachments and message.author_id == playground.world.bot_id]
    with contextlib.suppress(NotPossible):
        match chance.choices(list(ACTS), list(ACTS.values()))[0]:
            case "imagine":
                there.slash("imagine", prompt=f"cat {number}", steps=2, count=chance.choice((1, 1, 2)))
            case "private":
                there.slash("imagine", prompt=f"secret {number}", steps=2, private=True)
            case "reply" if drawn:
                there.send(f"fox {number} --steps 2", reply_to=chance.choice(drawn))
            case "upload":
                there.slash("imagine", prompt=f"dog {number}", steps=2, image=a_picture(number))
            case "button" if drawn:
                there.press(chance.choice(drawn), "Re-roll")
            case "compare":
                _compare(crowd, there, number)
            case "cancel":
                own = [message for message in seen if _may_press(message, member, "Cancel")]
                if own:
                    there.press(chance.choice(own), "Cancel")
            case _:
                there.slash(chance.choice(("queue", "info", "history")))


def _compare(crowd: Crowd, there: Person, number: int) -> None:
    """Say yes to a comparison that somebody has asked for there, or ask for one."""
    seen = there.see()
    asked = [
        (person, message) for person in crowd.members for message in seen if _may_press(message, person, "Draw")
    ]
    if asked:
        person, message = crowd.chance.choice(asked)
        person.at(there.channel).press(message, "Draw")
    else:
        there.slash("compare", prompt=f"owl {number}", seed="1, 2", steps="2")


def _may_press(message: Message, member: Person, label: str) -> bool:
    """Whether a message answers a command of the member and has a button with that label."""
    asked = message.interaction is not None and message.interaction["user"]["id"] == str(member.user.id)
    return asked and any(button.get("label") == label for button in message.buttons)


def a_picture(number: int) -> Upload:
    data = BytesIO()
    Image.new("RGB", (96, 64), (number % 256, number // 256 % 256, 90)).save(data, "PNG")
    return Upload(filename="source.png", data=data.getvalue())
