"""`make bench-memory`: what drawing takes of memory under each stated budget, with the true architectures.

Every budget is tried in a process of its own, on the GPU where there is one. On a CPU the peak is that of the
whole process, libraries included: while the model is read, of what is not a file's (the system takes pages of
files back when it needs room), and while it draws, of everything that is resident.

With `--uncomputed` convolutions, products and attention write zeros, so that a slow machine is done in minutes;
the peak lacks only what these take for themselves while they are at work.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from generation import Mode
from generation.inspection import inspect_model
from generation.worker.engine import Engine
from generation.worker.pipelines import Pipelines
from generation.worker.placement import place
from tests import architectures
from tests.allocations import Uncomputed
from tests.recipes import a_recipe

GB = 1e9
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A promise: `model` draws a picture of `side` pixels within `gigabytes`."""

    name: str
    model: str
    side: int
    gigabytes: float


BUDGETS = (
    Budget(name="SD 1.x, 512x512", model="sd-1.5", side=512, gigabytes=4.0),
    Budget(name="SD 1.x, 512x512, small", model="sd-1.5", side=512, gigabytes=2.5),
    Budget(name="SD 2.1, 768x768", model="sd-2.1", side=768, gigabytes=6.0),
    Budget(name="x4 upscaling of 512x512", model="x4-upscaler", side=2048, gigabytes=6.0),
    Budget(name="SDXL, 1024x1024", model="sdxl", side=1024, gigabytes=8.0),
)


def draw(budget: Budget, model_folder: Path, *, steps: int, uncomputed: bool) -> dict[str, Any]:
    """Draw one picture within `budget`; what that took."""
    placement = place("auto")
    model = inspect_model(str(model_folder))
    values: dict[str, Any] = {}
    source = None
    if budget.model == "x4-upscaler":
        source = model_folder / "source.png"
        Image.new("RGB", (budget.side // 4, budget.side // 4), "teal").save(source)
        values = {"mode": Mode.UPSCALE, "source": "a" * 64}
    recipe = a_recipe(
        model=model.name, width=budget.side, height=budget.side, num_inference_steps=steps, seeds=(1,),
        scheduler=model.scheduler, guidance_scale=7.5, **values,
    )  # fmt: skip
    pipelines = Pipelines(placement, filtered=False, limit=int(budget.gigabytes * GB), folder=model_folder.parent)
    engine = Engine(placement, {}, watermarked=False)
    with ExitStack() as stack:
        if uncomputed:
            stack.enter_context(Uncomputed())
        with measured(placement.device) as reading:
            loaded = pipelines.get(model, recipe=recipe)
        with measured(placement.device) as drawing:
            engine.draw(loaded, recipe, source, lambda *_: None)
    return {
        "step": str(loaded.step),
        "reading": reading["own"],
        "drawing": drawing["all"],
        "seconds": drawing["seconds"],
        "on": f"{placement}, {placement.reason}",
    }


@contextmanager
def measured(device: torch.device) -> Iterator[dict[str, float]]:
    """Fills in gigabytes, the most that there were at once, and seconds: `own` without what is a file's."""
    found: dict[str, float] = {}
    started, done = time.perf_counter(), threading.Event()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
        context = torch.cuda.get_device_properties(device).total_memory - before
        yield found
        found["own"] = found["all"] = (torch.cuda.max_memory_reserved(device) + context) / GB
    else:
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
        peak = _resident("RssAnon")

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.01):
                peak = max(peak, _resident("RssAnon"))

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield found
        finally:
            done.set()
            watching.join()
        found["own"], found["all"] = peak, _resident("VmHWM")
    found["seconds"] = time.perf_counter() - started


def _resident(name: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / GB


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument(
        "--uncomputed", action="store_true", help="allocate everything, and compute nearly nothing"
    )
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--models", type=Path, default=None, help="where the models are kept for the next time")
    parser.add_argument("--only", type=int, action="append", default=None, help="the number of a budget, from 0")
    parser.add_argument("--child", type=int, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.child is not None:
        budget = BUDGETS[options.child]
        found = draw(budget, options.models / budget.model, steps=options.steps, uncomputed=options.uncomputed)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    console = Console(highlight=False, width=140)
    with ExitStack() as stack:
        if options.models is None:
            options.models = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        table = Table("budget", "GB", "the ladder's choice", "peak, reading", "peak, drawing", "seconds", box=None)
        for number in range(len(BUDGETS)) if options.only is None else options.only:
            budget = BUDGETS[number]
            if not (options.models / budget.model / "model_index.json").exists():
                architectures.save(budget.model, options.models / budget.model)
            found = _in_a_process(number, options)
            kept = max(found["reading"], found["drawing"]) <= budget.gigabytes
            mark = "[green]kept[/]" if kept else "[red]missed[/]"
            peaks = (f"{found[name]:.2f} GB" for name in ("reading", "drawing"))
            limit = f"{budget.gigabytes:.1f} {mark}"
            table.add_row(budget.name, limit, found["step"], *peaks, f"{found['seconds']:.0f}")
            console.print(f"{budget.name}: {found}", style="dim")
    console.print(f"{platform.platform()}, {'nothing computed' if options.uncomputed else 'computed'}")
    console.print(table)


def _in_a_process(number: int, options: argparse.Namespace) -> dict[str, Any]:
    arguments = ["--child", number, "--models", options.models, "--steps", options.steps]
    arguments += ["--uncomputed"] if options.uncomputed else []
    arguments += ["--threads", options.threads] if options.threads is not None else []
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.memory", *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
