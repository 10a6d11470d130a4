"""The bot as its own process, the playground as its Discord, and the persons who use it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.playground import Interaction, Message, Person, Playground, Upload
from bot.playground.interactions import Interactions
from tests.conftest import OFFERED, USED, tell
from tests.e2e.surface import Used, everything

ROOT = Path(__file__).parents[2]
START = 60.0  # seconds until a bot is online, on a slow machine
_WHOLE = pytest.StashKey[bool]()
DRAWN = 120.0  # seconds until a picture is there, the worker's start included


class BotProcess:
    """`python -m bot run` against a playground; it can be stopped, killed and started again on the same folder."""

    def __init__(self, playground: Playground, folder: Path, **environment: str) -> None:
        self.playground = playground
        self.folder = folder
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self.log = folder / "bot.log"

    async def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EASEL_")}
        environment |= {
            "EASEL_DISCORD_TOKEN": self.playground.token,
            "EASEL_DISCORD_API_URL": self.playground.api_url,
            "EASEL_DATA_DIR": str(self.folder / "data"),
            "EASEL_ALLOWANCE_SECONDS": "100000",
            "EASEL_DEVICE": "cpu",
            "EASEL_THREADS": "1",
            "EASEL_HEALTH_PORT": "0",  # several bots run beside each other
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
        } | self._environment
        self._process = await self._spawn(environment)
        online = asyncio.create_task(self._online())
        ended = asyncio.create_task(self._process.wait())
        done, pending = await asyncio.wait({online, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if ended in done:
            pytest.fail(f"the bot ended with {ended.result()}:\n{self.log.read_text()[-4000:]}")
        await online

    async def _spawn(self, environment: dict[str, str]) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    async def _online(self) -> None:
        ada = self.playground.person("ada")
        await ada.wait_for(lambda: (self.playground.gateway.online and ada.offered()) or None, START)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait until the process is gone; returns its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(30):
            code = await self._process.wait()
        self._process = None
        return code

    async def restart(self, number: signal.Signals = signal.SIGTERM) -> None:
        await self.end(number)
        await self.start()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only a run of all end-to-end tests can tell what is used by none of them."""
    wanted = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    here = {item.path.name for item in items if item.path.parent == Path(__file__).parent}
    chosen = config.option.keyword or config.option.markexpr or any("::" in each for each in config.args)
    config.stash[_WHOLE] = not chosen and wanted == here


@pytest.fixture(scope="session", autouse=True)
def used(request: pytest.FixtureRequest) -> Iterator[Used]:
    """What the persons of all end-to-end tests do."""
    used = Used()
    open_one, send = Interactions.open, Person.send

    def opened(self: Interactions, *args: Any, **options: Any) -> Interaction:
        interaction = open_one(self, *args, **options)
        used.interactions.append(interaction)
        return interaction

    def sent(self: Person, text: str = "", **options: Any) -> Message:
        used.texts.append(text)
        return send(self, text, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interactions, "open", opened)
        patch.setattr(Person, "send", sent)
        yield used
    if request.config.stash[_WHOLE] and used.registered:
        tell(request.config, {OFFERED: everything(used.registered), USED: used.names()})


def schema_path() -> Path | None:
    named = os.environ.get("EASEL_OPENAPI")
    path = Path(named) if named else ROOT.parent / "shared" / "discord" / "openapi.json"
    return path if path.is_file() else None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playground() -> AsyncIterator[Playground]:
    async with Playground(schema=schema_path()) as opened:
        yield opened
        assert opened.violations == []  # of Discord's OpenAPI document, over the whole run


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def easel(
    playground: Playground, used: Used, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BotProcess]:
    process = BotProcess(playground, tmp_path_factory.mktemp("easel"))
    await process.start()
    used.registered = playground.person("grace").offered()  # a moderator is offered everything
    yield process
    assert await process.end() == 0


@pytest.fixture
def ada(playground: Playground, easel: BotProcess) -> Person:
    del easel
    return playground.person("ada")


@pytest.fixture
def linus(playground: Playground, easel: BotProcess) -> Person:
    del easel
    return playground.person("linus")


@pytest.fixture
def grace(playground: Playground, easel: BotProcess) -> Person:
    """The moderator."""
    del easel
    return playground.person("grace")


def images(person: Person, message: Message) -> list[Image.Image]:
    """The pictures of a message, decoded from the bytes that the person downloads."""
    return [Image.open(BytesIO(person.download(attachment))).convert("RGB") for attachment in message.attachments]


def has_pictures(message: Message) -> bool:
    return bool(message.attachments) and any(button.get("label") == "Re-roll" for button in message.buttons)


async def result_after(person: Person, seen: set[int], *, needs: str = "") -> Message:
    """The next message with pictures that was not there before, whose text holds `needs`."""
    return await person.message(
        lambda message: has_pictures(message) and message.id not in seen and needs in message.text, DRAWN
    )


def seen_by(person: Person) -> set[int]:
    return {message.id for message in person.see()}


async def draw(person: Person, prompt: str = "a red cat on the beach", **options: object) -> Message:
    """`/imagine`, quickly unless `steps` says otherwise; returns the result."""
    seen = seen_by(person)
    interaction = person.slash("imagine", prompt=prompt, **{"steps": 4} | options)
    await person.acknowledged(interaction, 3)
    return await result_after(person, seen)


async def answer_of(person: Person, interaction: Interaction) -> Message:
    """What the bot said to an interaction, be it the first answer or what took its place."""
    return await person.message(
        lambda message: (
            message.interaction is not None
            and message.interaction["id"] == str(interaction.id)
            and not message.loading
        )
    )


def png(image: Image.Image, name: str = "source.png") -> Upload:
    data = BytesIO()
    image.save(data, "PNG")
    return Upload(filename=name, data=data.getvalue())


def generation_id(message: Message) -> str:
    return message.attachments[0].filename.removesuffix(".png")


async def allowance_back_at(person: Person) -> int:
    """When the whole allowance is there again, by `/info`: 0 if it is, and later than before only by a charge."""
    answer = await person.answer(person.slash("info"))
    [line] = [line for line in answer.text.splitlines() if "drawing time" in line]
    moment = re.search(r"<t:(\d+):R>", line)
    return 0 if moment is None else int(moment[1])
