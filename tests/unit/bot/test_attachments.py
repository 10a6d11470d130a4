"""Uploads from Discord's address to a stored source image: a real discord.py client reads from a local server."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import discord
import pytest
from aiohttp import web
from PIL import Image

from bot.attachments import BYTES_LIMIT, Correction, Source, picture_of, read_bytes, read_source
from bot.pictures import Pictures
from generation import BadPicture, PictureFault, Size

NO_PAUSES = (0.0, 0.0)


def png(width: int = 64, height: int = 48) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return file.getvalue()


class FileServer:
    """Serves one file; `answers` are statuses given first, 0 meaning a connection that is dropped."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.content = png()
        self.reads = 0
        self.address = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.reads += 1
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status, body=self.content if status == 200 else b"")


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    server = FileServer()
    app = web.Application()
    app.router.add_get("/picture.png", server.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.address = f"http://127.0.0.1:{port}/picture.png"
    yield server
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[discord.http.HTTPClient]:
    client = discord.Client(intents=discord.Intents.none())
    # The session that logging in would open.
    client.http._HTTPClient__session = aiohttp.ClientSession()  # type: ignore[attr-defined]
    yield client.http
    await client.http.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    return Pictures(tmp_path)


def attachment(http: object, url: str, **fields: object) -> discord.Attachment:
    data = {
        "id": "1",
        "filename": "picture.png",
        "size": 500,
        "url": url,
        "proxy_url": "http://192.0.2.1/",
        **fields,
    }
    return discord.Attachment(data=data, state=SimpleNamespace(http=http))  # type: ignore[arg-type]


async def test_upload_is_stored_by_its_content(
    server: FileServer, http: discord.http.HTTPClient, pictures: Pictures
) -> None:
    source = await read_source(attachment(http, server.address), pictures)
    assert source == Source(sha256=source.sha256, size=Size(width=64, height=48), corrections=())
    with Image.open(pictures.source_file(source.sha256)) as stored:
        assert stored.size == (64, 48)
    assert await read_source(attachment(http, server.address, filename="other.jpg"), pictures) == source


async def test_upload_that_declares_too_many_bytes_is_not_fetched(
    server: FileServer, http: discord.http.HTTPClient, pictures: Pictures
) -> None:
    with pytest.raises(BadPicture) as caught:
        await read_source(attachment(http, server.address, size=40_000_000), pictures)
    assert caught.value.fault is PictureFault.TOO_MANY_BYTES
    assert (caught.value.name, caught.value.value, caught.value.limit) == (
        "picture.png",
        40_000_000,
        BYTES_LIMIT,
    )
    assert server.reads == 0


async def test_upload_that_declares_too_few_bytes_is_refused_after_the_fetch(
    server: FileServer, http: discord.http.HTTPClient, pictures: Pictures
) -> None:
    server.content += bytes(BYTES_LIMIT)
    with pytest.raises(BadPicture) as caught:
        await read_source(attachment(http, server.address), pictures)
    assert caught.value.fault is PictureFault.TOO_MANY_BYTES


@pytest.mark.parametrize("answers", [[503], [0], [500, 0], [429], [520, 502]])
async def test_failing_fetch_is_repeated(
    answers: list[int], server: FileServer, http: discord.http.HTTPClient, pictures: Pictures
) -> None:
    server.answers = list(answers)
    assert (await read_source(attachment(http, server.address), pictures, pauses=NO_PAUSES)).sha256
    assert server.reads == len(answers) + 1


# aiohttp itself repeats a read once whose connection was dropped.
@pytest.mark.parametrize(
    ("answers", "reads"), [([404], 1), ([403], 1), ([503] * 9, 3), ([0] * 9, 6), ([404, 200], 1)]
)
async def test_upload_that_discord_does_not_hand_over_is_told(
    answers: list[int], reads: int, server: FileServer, http: discord.http.HTTPClient, pictures: Pictures
) -> None:
    server.answers = answers
    with pytest.raises(BadPicture) as caught:
        await read_source(attachment(http, server.address), pictures, pauses=NO_PAUSES)
    assert caught.value.fault is PictureFault.UNREACHABLE
    assert caught.value.name == "picture.png"
    assert server.reads == reads


async def test_refused_upload_leaves_no_file(pictures: Pictures) -> None:
    with pytest.raises(BadPicture):
        await read_bytes(png()[:-40], name="cut.png", pictures=pictures)
    assert list(pictures.sources.iterdir()) == []


async def test_correction_is_handed_on(pictures: Pictures) -> None:
    source = await read_bytes(png(3000, 1500), name="large.png", pictures=pictures)
    assert source.corrections == (Correction.SHRUNK,)
    assert source.size == Size(width=2048, height=1024)


async def test_reading_does_not_hold_up_the_event_loop(pictures: Pictures) -> None:
    file = io.BytesIO()
    Image.effect_noise((4000, 3000), 90).convert("RGB").save(file, "JPEG", quality=95)
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - before - 0.005)

    ticking = asyncio.create_task(tick())
    before = time.perf_counter()
    await read_bytes(file.getvalue(), name="noise.jpg", pictures=pictures)
    took = time.perf_counter() - before
    ticking.cancel()
    assert worst < max(0.1, took / 4)


async def test_reading_that_takes_too_long_is_told(pictures: Pictures) -> None:
    with pytest.raises(BadPicture) as caught:
        await read_bytes(png(3000, 3000), name="large.png", pictures=pictures, deadline=0.001)
    assert caught.value.fault is PictureFault.TOO_SLOW
    assert (caught.value.name, caught.value.limit) == ("large.png", 0.001)
    assert (await read_bytes(png(), name="next.png", pictures=pictures)).sha256


def message(*attachments: discord.Attachment, forwarded: tuple[discord.Attachment, ...] = ()) -> discord.Message:
    snapshots = [SimpleNamespace(attachments=list(forwarded))] if forwarded else []
    return SimpleNamespace(attachments=list(attachments), message_snapshots=snapshots)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("filename", "content_type", "is_one"),
    [
        ("a.png", "image/png", True),
        ("a", "image/jpeg", True),
        ("a.heic", "image/heic", True),  # refused in words when it is read
        ("A.JPG", None, True),
        ("a.webp", None, True),
        ("a.txt", None, False),
        ("a.png", "text/plain", False),
        ("a.mp4", "video/mp4", False),
        ("", None, False),
    ],
)
def test_picture_is_known_by_its_declared_type_else_by_its_name(
    filename: str, content_type: str | None, is_one: bool
) -> None:
    one = attachment(None, "", filename=filename, content_type=content_type)
    assert picture_of(message(one)) is (one if is_one else None)


def test_first_picture_of_a_message_is_used() -> None:
    text, first, second = (attachment(None, "", filename=name) for name in ("notes.txt", "a.png", "b.png"))
    assert picture_of(message(text, first, second)) is first
    assert picture_of(message(text)) is None
    assert picture_of(message()) is None


def test_forwarded_picture_is_used() -> None:
    picture = attachment(None, "")
    assert picture_of(message(forwarded=(picture,))) is picture
