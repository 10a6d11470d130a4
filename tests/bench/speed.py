"""Speed of Stable Diffusion 1.x at 512x512, true architecture and random weights, against diffusers by hand.

`python -m tests.bench.speed` prints the table by itself. Each row is a process of its own: models are loaded and a
first step is taken before the clock starts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, PNDMScheduler, StableDiffusionPipeline
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file

from generation import Place, Recipe, Scheduler
from generation.inspection import inspect_model
from generation.worker import kernels
from generation.worker.engine import Engine
from generation.worker.pipelines import LoadedModel, Pipelines
from generation.worker.placement import place
from tests import architectures
from tests.recipes import a_recipe

PROMPT = "a rural landscape with a city behind it"
STEPS = 50
FEW = 4
_DECODER = "taesd.safetensors"


def by_hand(folder: Path, steps: int) -> dict[str, float]:
    """As the first scripts drew: fp32, PLMS, guidance, the full decoder."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.scheduler = PNDMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)

    def draw(count: int) -> None:
        pipeline(PROMPT, height=512, width=512, num_inference_steps=count, guidance_scale=7.5)

    return {f"diffusers by hand: fp32, {steps} PLMS steps, guidance, full decoder": timed(draw, steps)}


def by_easel(folder: Path, steps: int) -> dict[str, float]:
    """The same number of steps through Easel's engine."""
    engine, loaded = _set_up(folder)
    recipe = _recipe(num_inference_steps=steps, scheduler=Scheduler.PLMS, guidance_scale=7.5)
    took = timed(lambda count: _draw(engine, loaded, replace(recipe, num_inference_steps=count)), steps)
    return {f"Easel, the same: {loaded.placement.dtype_name}": took}


def in_few_steps(folder: Path, _steps: int) -> dict[str, float]:
    """A few-step recipe with the small decoder, and what the engine adds to the pipeline's own call."""
    engine, loaded = _set_up(folder)
    recipe = _recipe(num_inference_steps=FEW, scheduler=Scheduler.LCM, guidance_scale=1.0)
    full = timed(lambda count: _draw(engine, loaded, replace(recipe, num_inference_steps=count)), FEW)

    def bare(count: int) -> None:
        pipeline = loaded.pipeline(recipe.mode, recipe.scheduler, steps=count)
        with torch.inference_mode(), kernels.faster(loaded.placement, 512 * 512):
            pipeline(PROMPT, height=512, width=512, num_inference_steps=count, guidance_scale=1.0)

    alone = timed(bare, FEW)
    small = inspect_model(str(folder))
    small = replace(small, decoder=Place(source=str(folder / _DECODER)))
    with_small = Pipelines(loaded.placement, filtered=False).get(small)
    fast = timed(lambda count: _draw(engine, with_small, replace(recipe, num_inference_steps=count)), FEW)
    return {
        f"Easel, {FEW} LCM steps, no guidance, small decoder": fast,
        f"Easel, {FEW} LCM steps, no guidance, full decoder": full,
        "the pipeline's own call for the row above": alone,
    }


CASES: Mapping[str, Callable[[Path, int], dict[str, float]]] = {
    "by_hand": by_hand,
    "by_easel": by_easel,
    "in_few_steps": in_few_steps,
}


def timed(draw: Callable[[int], None], steps: int) -> float:
    """Seconds that `draw(steps)` takes, after `draw(1)`."""
    draw(1)
    started = time.perf_counter()
    draw(steps)
    return time.perf_counter() - started


def _set_up(folder: Path) -> tuple[Engine, LoadedModel]:
    placement = place("cpu")
    return Engine(placement, {}), Pipelines(placement, filtered=False).get(inspect_model(str(folder)))


def _recipe(**values: Any) -> Recipe:
    return a_recipe(prompt=PROMPT, negative_prompt="", width=512, height=512, seeds=(1,), **values)


def _draw(engine: Engine, loaded: LoadedModel, recipe: Recipe) -> None:
    engine.draw(loaded, recipe, None, lambda *_: None)


def measure(folder: Path, steps: int) -> dict[str, float]:
    """Seconds of every row, each measured in a process of its own, on a model that is made in `folder`."""
    model = architectures.save("sd-1.5", folder / "sd-1.5")
    save_file(AutoencoderTiny().state_dict(), model / _DECODER)
    figures: dict[str, float] = {}
    for case in CASES:
        run = subprocess.run(
            [sys.executable, "-m", "tests.bench.speed", "--case", case, "--folder", model, "--steps", str(steps)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        figures |= json.loads(run.stdout.splitlines()[-1])
    return figures


def table(figures: Mapping[str, float]) -> Table:
    """The rows, and how many times faster each is than the first."""
    shown = Table("Stable Diffusion 1.x, 512x512, one picture", "seconds", "times faster", box=None)
    first = next(iter(figures.values()))
    for name, seconds in figures.items():
        shown.add_row(name, f"{seconds:.1f}", f"{first / seconds:.1f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of the long recipes")
    parser.add_argument("--case", choices=CASES, help="measure this alone, on the model in --folder")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.case is not None:
        figures = CASES[options.case](options.folder, options.steps)
        print(json.dumps(figures))  # noqa: T201 # read by `measure`
        return
    with tempfile.TemporaryDirectory() as folder:
        Console(highlight=False).print(table(measure(Path(folder), options.steps)))


if __name__ == "__main__":
    main()
