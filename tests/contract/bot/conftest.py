"""The real bot on real records, in this process; its Discord is the playground, its worker paints colours."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from PIL import Image

from bot.client import EaselBot
from bot.content import ContentFilter
from bot.history import History
from bot.ledger import Ledger
from bot.mydata import MyData
from bot.pictures import Pictures
from bot.playground import Interaction, Message, Person, Playground, Upload
from bot.preferences import Preferences
from bot.recipes import Recipes
from bot.samples import Samples
from bot.seeds import Seeds
from bot.servers import Servers
from bot.sheets import Sheets
from bot.studio import Studio
from db import Database
from generation import (
    Adapters,
    Allowance,
    Catalogue,
    CostModel,
    JobQueue,
    Model,
    Range,
    Scheduler,
    Size,
    SizeBounds,
    Styles,
    Supervisor,
)
from tests.fixture_worker import Gate
from tests.recipes import a_model

SOME = a_model()
SMALL = a_model(
    name="small-model",
    size=SizeBounds(native=Size(width=64, height=64), grid=16, minimum=32, maximum=128),
    steps=Range.of(1, 8, 20),
    guidance=Range.of(0.0, 3.0, 5.0),
    scheduler=Scheduler.EULER,
)
FIXTURE = Path(__file__).parents[2] / "fixture_worker.py"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Running:
    """A bot that is online, and what is behind it."""

    bot: EaselBot
    studio: Studio
    database: Database
    gate: Gate


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(playground: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the bot on this test's folder; starting it again is a restart. `how` is the fixture worker's."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)

    @asynccontextmanager
    async def starting(
        how: str = "behaves",
        *,
        capacity: float = 10_000.0,
        drawing: bool = True,
        content_filter: ContentFilter = ContentFilter.REFUSE,
        preview_every: float | None = None,
        default: Model = SOME,
        others: Iterable[Model] = (),
    ) -> AsyncIterator[Running]:
        database = await Database.open(tmp_path / "easel.db")
        pictures = Pictures(tmp_path / "pictures")
        history = History(database, pictures=pictures, clock=playground.clock.now)
        preferences = Preferences(database)
        servers = Servers(
            database, most=Allowance(capacity=4 * capacity, per_hour=400), clock=playground.clock.now
        )
        await servers.load()
        supervisor = Supervisor(device="auto", command=(sys.executable, str(FIXTURE), how), cancel_grace=5.0)
        (tmp_path / "small-model").mkdir(exist_ok=True)  # members draw with what is here
        small = replace(SMALL, source=str(tmp_path / "small-model"))
        ledger = Ledger(database, allowance=Allowance(capacity=capacity, per_hour=100), clock=playground.clock.now)
        recipes = Recipes(
            catalogue=Catalogue({model.name: model for model in (default, small, *others)}, default=default.name),
            styles=Styles.read(),
            adapters=Adapters(tmp_path / "models"),
            preferences=preferences,
            servers=servers,
            pictures=pictures,
            chance=random.Random(5),  # noqa: S311 (a test that can be repeated)
        )
        studio = Studio(
            recipes=recipes,
            ledger=ledger,
            history=history,
            pictures=pictures,
            costs=CostModel({}),
            queue=JobQueue(limit=100, limit_each=3, clock=playground.clock.now),
            supervisor=supervisor,
            content_filter=content_filter,
            preview_every=preview_every,
            clock=playground.clock.now,
        )
        seeds = Seeds(database, clock=playground.clock.now)
        samples = Samples(tmp_path / "cache", studio=studio, history=history)
        await studio.restore()
        bot = EaselBot(
            studio=studio,
            history=history,
            seeds=seeds,
            preferences=preferences,
            samples=samples,
            mydata=MyData(database, pictures=pictures, studio=studio, clock=playground.clock.now),
            sheets=Sheets(
                database,
                ledger=ledger,
                studio=studio,
                history=history,
                seeds=seeds,
                clock=playground.clock.now,
            ),
            pictures=pictures,
            api_url=playground.api_url,
            progress_interval=0.05,
        )
        tasks = [asyncio.create_task(bot.start(playground.token), name="discord")]
        if drawing:
            tasks.append(asyncio.create_task(studio.run(), name="studio"))
        try:
            async with bot:
                ada = playground.person("ada")
                online = asyncio.create_task(
                    ada.wait_for(lambda: (playground.gateway.online and ada.offered()) or None)
                )
                done, _ = await asyncio.wait({*tasks, online}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                yield Running(
                    bot=bot,
                    studio=studio,
                    database=database,
                    gate=Gate(tmp_path / "pictures" / "drawn"),
                )
        finally:
            await samples.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await supervisor.close(grace=0.5)
            await database.close()

    return starting


def a_picture(image: Image.Image | None = None) -> Upload:
    data = BytesIO()
    (Image.new("RGB", (64, 64), "teal") if image is None else image).save(data, "PNG")
    return Upload(filename="source.png", data=data.getvalue())


def is_result(message: Message) -> bool:
    return bool(message.attachments) and "Re-roll" in labels(message)


def labels(message: Message) -> set[object]:
    return {button.get("label") for button in message.buttons}


async def result(person: Person, prompt: str) -> Message:
    return await person.message(lambda message: is_result(message) and prompt in message.text)


def results(person: Person) -> list[Message]:
    return [message for message in person.see() if is_result(message)]


async def drawing(person: Person, prompt: str) -> Message:
    """The waiting message once the picture is being drawn."""
    return await person.message(lambda message: prompt in message.text and "step 1 of" in message.text)


async def until(look: Callable[[], Awaitable[T | None]], within: float = 10.0) -> T:
    """What `look` finds that the playground knows nothing of, such as a row of the records."""
    async with asyncio.timeout(within):
        while (found := await look()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the records tell nobody when they change
    return found


async def answer_of(person: Person, interaction: Interaction) -> Message:
    """What the bot said to an interaction, be it the first answer or what took its place."""
    return await person.message(
        lambda message: (
            message.interaction is not None
            and message.interaction["id"] == str(interaction.id)
            and not message.loading
        )
    )
