"""A worker that truly dies of memory: its job is drawn a step lower, and later ones begin there from then on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
import torch
from diffusers import AutoencoderKL

import db
from bot.app import House, open_house
from bot.ledger import Ledger
from bot.place import OPERATOR_ID, Viewer
from bot.settings import Settings
from bot.updates import Ended
from bot.wording.results import short_of_memory
from db import Database
from generation import Allowance, Environment, Need, RanOut, Request, Try
from tests.models import small_sd1

SIDE = 544  # pixels; decoded whole they take half as much again as what is spared, by tiles a quarter of it
SPARED = 2**25  # numbers
WIDTH = 32  # channels of the decoder, so that most of the memory goes there
OPERATOR = Viewer(member_id=OPERATOR_ID)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A bot with a small model whose pictures take much to decode; it thinks that there is plenty of memory."""
    # What was freed must not count as taken.
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    monkeypatch.setattr("generation.watch._LOOK", 0.02)
    folder = small_sd1(tmp_path / "wide")
    torch.manual_seed(2)
    shape = AutoencoderKL.load_config(folder / "vae") | {"block_out_channels": (WIDTH,) * 4}
    AutoencoderKL.from_config(shape).save_pretrained(folder / "vae")
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"sample_size": SIDE // 2 // 8}), "utf-8")
    return Settings(data_dir=tmp_path / "data", model=str(folder), device="cpu", threads=1, memory=1000)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings) as house:
        drawing = asyncio.create_task(house.studio.run())
        try:
            yield house
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)


async def drawn(house: House, size: str) -> tuple[Environment, int]:
    """Where a picture was drawn, and at which attempt."""
    request = Request(prompt="a red cat", size=size, num_inference_steps=1, guidance_scale=1.0)
    accepted = await house.studio.submit(request, viewer=OPERATOR, address=None)
    updates = [update async for update in house.studio.follow(accepted.generation_id)]
    assert isinstance(updates[-1], Ended)
    assert updates[-1].failure is None, house.supervisor.last_words
    recipe = (await house.history.recall(accepted.generation_id, OPERATOR)).recipe
    assert recipe.environment is not None
    assert bool(short_of_memory(recipe)) is recipe.environment.short_of_memory
    async with house.database.reading() as connection:
        job = await db.jobs.find(connection, accepted.generation_id)
    assert job is not None
    return recipe.environment, job.attempts


@pytest.mark.timeout(1200)  # five workers and five pictures, on a machine that has much else to do
async def test_a_job_that_its_worker_died_of_is_drawn_lower_and_so_are_later_ones_by_other_workers_and_bots(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = f"{SIDE // 4}x{SIDE // 4}", f"{SIDE}x{SIDE}"
    async with running(settings) as house:
        before, _ = await drawn(house, small)
        assert house.supervisor.pid is not None
        used = psutil.Process(house.supervisor.pid).memory_info()
    most = used.rss - used.shared + SPARED * getattr(torch, before.dtype).itemsize
    monkeypatch.setattr("bot.app._WORKERS_SHARE", most / psutil.virtual_memory().total)

    async with running(settings) as house:
        first = await drawn(house, large)
        assert house.supervisor.starts == 2  # the one that died, and the next
        house.supervisor.kill()
        while house.supervisor.pid is not None:  # noqa: ASYNC110 (it tells nobody of this moment)
            await asyncio.sleep(0.01)
        after_another_worker = await drawn(house, large)
        assert house.supervisor.starts == 3
    async with running(settings) as house:
        after_a_restart = await drawn(house, large)
        unharmed = await drawn(house, small)
        assert house.supervisor.starts == 1

    assert "VAE tiling" not in before.placement
    assert "VAE tiling" in first[0].placement
    assert first[0].short_of_memory
    assert first[1] == 2
    for environment, attempts in (after_another_worker, after_a_restart):
        assert "VAE tiling" in environment.placement
        assert not environment.short_of_memory
        assert attempts == 1
    # Less still has the fast way.
    assert "VAE tiling" not in unharmed[0].placement


async def test_what_ran_out_is_remembered_for_a_month(tmp_path: Path) -> None:
    day, now = 86400.0, [1e9]
    need = Need(pixels=512 * 512, batch=4, control=3)
    tried = Try(model="sdxl", revision="f00", place="cuda:0, 8.6 GB", need=need, step="full, float16")
    shortage = RanOut(job="", tried=tried)
    database = await Database.open(tmp_path / "easel.db")
    ledger = Ledger(database, allowance=Allowance(capacity=1, per_hour=1), clock=lambda: now[0])
    await ledger.note_shortages([shortage])
    now[0] += 29 * day
    assert await ledger.shortages("sdxl") == (shortage,)
    assert await ledger.shortages("sd-1.5") == ()
    now[0] += 2 * day
    assert await ledger.shortages("sdxl") == ()
    await database.close()
