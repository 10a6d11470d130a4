"""`make bench`: what drawing costs on this machine, with Easel and without it, and how soon the bot answers."""

import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bot.app import open_house
from bot.place import OPERATOR_ID, Viewer
from bot.playground import Playground
from bot.settings import Settings
from generation import Catalogue, Request
from tests.bench import speed

ROUNDS = 5
VIEWER = Viewer(member_id=OPERATOR_ID)

# The same picture by diffusers alone, in a process of its own, as somebody would write it by hand.
BARE = """
import sys, time, torch
from diffusers import StableDiffusionPipeline
pipe = StableDiffusionPipeline.from_pretrained(sys.argv[1], safety_checker=None, requires_safety_checker=False)
pipe.set_progress_bar_config(disable=True)
def draw(seed):
    return pipe("a red cat on the beach", num_inference_steps=int(sys.argv[2]), guidance_scale=float(sys.argv[3]),
                height=int(sys.argv[4]), width=int(sys.argv[4]), generator=torch.Generator().manual_seed(seed))
draw(0)
for seed in range(int(sys.argv[5])):
    started = time.perf_counter()
    draw(seed)
    print(time.perf_counter() - started)
"""


def bare() -> list[float]:
    """Seconds a picture takes by diffusers alone."""
    model = Catalogue.read(default="storybook").find(None)
    options = (model.folder, int(model.steps.default), model.guidance.default, model.size.native.width, ROUNDS)
    run = subprocess.run(
        [sys.executable, "-c", BARE, *map(str, options)],
        check=True, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    return [float(line) for line in run.stdout.split()]


async def through_easel(folder: Path) -> dict[str, list[float]]:
    """Seconds until the worker is ready, and of a picture: all of it, and drawing alone."""
    async with open_house(Settings(data_dir=folder)) as house:
        ready = await timed(house.supervisor.start)
        drawing = asyncio.create_task(house.studio.run())
        whole, alone = [], []
        for seed in range(-1, ROUNDS):
            request = Request(prompt="a red cat on the beach", seed=max(seed, 0))
            started = time.perf_counter()
            accepted = await house.studio.submit(request, viewer=VIEWER, address=None)
            async for _ in house.studio.follow(accepted.generation_id):
                pass
            took = time.perf_counter() - started
            generation = await house.history.recall(accepted.generation_id, VIEWER)
            if seed >= 0 and generation.seconds is not None:
                whole.append(took)
                alone.append(generation.seconds)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
    return {"worker ready": [ready], "one picture, asked to recorded": whole, "one picture, drawing": alone}


async def acknowledgements(folder: Path) -> dict[str, list[float]]:
    """Seconds until /imagine is acknowledged while the worker draws, and the bot's resident size in MB."""
    async with Playground() as playground:
        environment = os.environ | {
            "EASEL_DISCORD_TOKEN": playground.token,
            "EASEL_DISCORD_API_URL": playground.api_url,
            "EASEL_DATA_DIR": str(folder),
            "EASEL_LOG_LEVEL": "WARNING",
        }
        started = time.perf_counter()
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=environment)
        try:
            ada = playground.person("ada")
            await ada.wait_for(lambda: (playground.gateway.online and ada.offered()) or None, 60)
            online = time.perf_counter() - started
            took = []
            for _ in range(10):
                asked = time.perf_counter()
                await ada.acknowledged(ada.slash("imagine", prompt="a boat", steps=50))
                took.append(time.perf_counter() - asked)
            size = psutil.Process(bot.pid).memory_info().rss / 1e6
        finally:
            bot.terminate()
            await bot.wait()
    return {"bot online": [online], "/imagine acknowledged, worker busy": took, "bot's memory, MB": [size]}


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def main() -> None:
    table = Table("figure (seconds where nothing else is said)", "median", "least", "most", box=None)
    with tempfile.TemporaryDirectory() as folder:
        figures = {"one picture, diffusers alone": bare()}
        figures |= asyncio.run(through_easel(Path(folder) / "studio"))
        figures |= asyncio.run(acknowledgements(Path(folder) / "bot"))
    for name, values in figures.items():
        table.add_row(name, *(f"{value:.2f}" for value in (statistics.median(values), min(values), max(values))))
    console = Console(highlight=False)
    console.print(f"{platform.platform()}, {psutil.cpu_count()} processors, Python {platform.python_version()}")
    console.print(table)
    # Minutes each, so they come last.
    with tempfile.TemporaryDirectory() as folder:
        console.print(speed.table(speed.measure(Path(folder), speed.STEPS)))


if __name__ == "__main__":
    main()
