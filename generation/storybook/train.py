"""Trains the storybook: `python -m generation.storybook.train --minutes 120 --out generation/storybook/weights`.

Stages: draw pictures, train the autoencoder, encode the scenes, train text encoder and UNet, polish the decoder,
train the preview decoder, teach the turbo UNet, export. Each keeps a checkpoint in the work folder, so that an
interrupted training goes on where it was; `--start` begins with the weights of a finished model. Further actions:
`export` writes the weights as they are now, `sheet` draws a contact sheet of held-out prompts from a model folder.
`evaluate.py` measures one.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from transformers import CLIPTokenizer

from generation.storybook.autoencoder import AutoencoderTraining, Pictures, draw_pictures, encode, fidelity
from generation.storybook.captions import known_words
from generation.storybook.denoiser import DenoiserTraining, Pool, Pools, Repaints
from generation.storybook.export import contact_sheet, draw_prompts, export, held_out_prompts, open_pipeline
from generation.storybook.preview import PreviewTraining
from generation.storybook.scenes import SHAPES, Layout, Scene, repaint, scene_of, seeded, sketches
from generation.storybook.turbo import TurboTraining
from generation.storybook.vocabulary import build_tokenizer

PICTURES = 6_000
SCENES = 24_000
REPAINTS = 4_000
SCENE_SEED = 100_001
SEED = 1
SHARES = {"autoencoder": 0.16, "denoiser": 0.6, "polish": 0.03, "preview": 0.03, "turbo": 0.18}
SAVE_EVERY = 120.0
TELL_EVERY = 30.0


class Training(Protocol):
    """What a stage trains: one step at a time, with a state that can be kept."""

    def step(self, share: float) -> float: ...
    def state(self) -> dict[str, object]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


Stage = TypeVar("Stage", bound=Training)


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """The folder of checkpoints, the device, the minutes of the whole training, and a model to begin with."""

    folder: Path
    device: torch.device
    minutes: float
    start: Path | None = None

    def seconds(self, stage: str) -> float:
        """The seconds that a stage may take over all runs."""
        return self.minutes * 60 * SHARES[stage]

    @property
    def pictures(self) -> Pictures:
        """All training pictures, drawn where they are not there yet."""
        return draw_pictures(self.folder / "pictures.npy", count=PICTURES, seed=SCENE_SEED, said=say)

    def autoencoder(self) -> AutoencoderTraining:
        """The autoencoder as far as it was trained, after its polish where there was one."""
        training = AutoencoderTraining(pictures=self.pictures, device=self.device, seed=SEED)
        for name in ("polish", "autoencoder"):
            if (self.folder / f"{name}.pt").exists():
                training.restore(load(self.folder / f"{name}.pt"))
                return training
        if self.start is not None:
            training.start_from(self.start)
        return training

    def pools(self) -> Pools:
        """The scenes of every shape with their latents, drawn and encoded where they are not there yet."""
        file = self.folder / "latents.pt"
        if not file.exists():
            say("encoding the scenes")
            training = self.autoencoder()
            training.settle()
            save(training.state() | {"seconds": self.seconds("autoencoder")}, self.folder / "autoencoder.pt")
            found = {}
            for shape, pool in all_scenes().items():
                for name, scenes in pool.items():
                    latents = encode(training.average, sketches(list(scenes.values())), self.device).half()
                    found[shape, name] = latents
                    say(f"{len(scenes)} {name} of {shape}, mean {latents.mean():.3f}, spread {latents.std():.3f}")
            save(found, file)
        kept = torch.load(file, weights_only=True)
        return {
            shape: Pool(
                scenes=list(pool["scenes"].values()),
                latents=kept[shape, "scenes"],
                repaints=Repaints(
                    of=list(pool["repaints"]),
                    scenes=list(pool["repaints"].values()),
                    latents=kept[shape, "repaints"],
                ),
            )
            for shape, pool in all_scenes().items()
        }

    def denoiser(self) -> DenoiserTraining:
        """Text encoder and UNet as far as they were trained."""
        training = DenoiserTraining(pools=self.pools(), tokenizer=tokenizer(), device=self.device, seed=SEED)
        if (self.folder / "denoiser.pt").exists():
            training.restore(load(self.folder / "denoiser.pt"))
        elif self.start is not None:
            training.start_from(self.start)
        return training

    def preview(self) -> PreviewTraining:
        """The preview decoder as far as it was trained."""
        average = self.autoencoder().average
        training = PreviewTraining(autoencoder=average, pictures=self.pictures, device=self.device, seed=SEED)
        return self._restored(training, "preview")

    def turbo(self) -> TurboTraining:
        """The turbo UNet as far as it was taught."""
        return self._restored(TurboTraining(self.denoiser(), seed=SEED), "turbo")

    def _restored(self, training: Stage, name: str) -> Stage:
        file = self.folder / f"{name}.pt"
        if file.exists():
            training.restore(load(file))
        return training


def scene_seeds() -> dict[tuple[int, int], range]:
    """The seeds of the scenes of each shape (columns, rows); no two shapes share one."""
    seeds, first = {}, SCENE_SEED
    for shape, share in SHAPES.items():
        seeds[shape] = range(first, first + round(SCENES * share))
        first = seeds[shape].stop
    return seeds


def all_scenes() -> dict[tuple[int, int], dict[str, dict[int, Scene]]]:
    """The scenes of each shape, and repaints of some that have one figure; both by the index of the scene."""
    pools = {}
    for shape, seeds in scene_seeds().items():
        scenes = {index: scene_of(seed, shape) for index, seed in enumerate(seeds)}
        alone = [index for index, scene in scenes.items() if scene.layout is Layout.ALONE]
        some = alone[: round(REPAINTS * SHAPES[shape])]
        repaints = {index: repaint(scenes[index], seeded(seeds[index])) for index in some}
        pools[shape] = {"scenes": scenes, "repaints": repaints}
    return pools


def say(sentence: str) -> None:
    """Tells the person at the terminal, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)  # noqa: T201 # this is the command's output


def save(value: object, file: Path) -> None:
    """Writes a checkpoint so that an interruption leaves the old one whole."""
    part = file.with_suffix(".part")
    torch.save(value, part)
    os.replace(part, file)  # noqa: PTH105 # atomic on every system


def load(file: Path) -> dict[str, Any]:
    """Reads a checkpoint that this command wrote itself."""
    checkpoint: dict[str, Any] = torch.load(file, weights_only=False)
    return checkpoint


def tokenizer() -> CLIPTokenizer:
    """The tokenizer of everything that a caption can hold."""
    return build_tokenizer(known_words())


def train_for(
    training: Training, *, name: str, seconds: float, file: Path, check: Callable[[], str] = lambda: "kept"
) -> None:
    """Trains until the stage has had its seconds, over all its runs, and keeps checkpoints."""
    spent = load(file)["seconds"] if file.exists() else 0.0
    began = saved = told = time.monotonic()
    losses: list[float] = []
    while True:
        now = time.monotonic()
        share = (spent + now - began) / seconds
        if share >= 1 or now - saved > SAVE_EVERY:
            save(training.state() | {"seconds": spent + now - began}, file)
            say(f"{name}: {check()}")
            saved = time.monotonic()
        if share >= 1:
            return
        losses.append(training.step(share))
        if now - told > TELL_EVERY:
            pace = len(losses) / (now - told)
            say(f"{name}: {share:5.1%}, loss {np.mean(losses):.4f}, {pace:.2f} steps a second")
            told, losses = now, []


def run(place: Workplace, out: Path, turbo: Path) -> None:
    """All stages in their order."""

    def stage(name: str, training: Training, check: Callable[[], str] = lambda: "kept") -> None:
        train_for(training, name=name, seconds=place.seconds(name), file=place.folder / f"{name}.pt", check=check)

    # 1. Pictures, and the autoencoder on them, unless there is a finished one to begin with.
    if place.start is None and not (place.folder / "latents.pt").exists():
        autoencoder = place.autoencoder()
        stage("autoencoder", autoencoder, lambda: quality(autoencoder))
    # 2. Latents, and the text encoder with the UNet on them.
    denoiser = place.denoiser()
    stage("denoiser", denoiser, lambda: f"{denoiser.steps} steps")
    # 3. The decoder once more, now that the latents are fixed, and the small one for previews.
    polished = place.autoencoder()
    stage("polish", polished, lambda: quality(polished))
    stage("preview", place.preview())
    write(place, out)
    # 4. The same in four steps.
    stage("turbo", place.turbo())
    write(place, turbo, as_turbo=True)


def quality(training: AutoencoderTraining) -> str:
    """How well the running average draws scenes that it has not seen."""
    return f"{fidelity(training.average, training.device, count=32):.2f} dB on unseen scenes"


def write(place: Workplace, out: Path, *, as_turbo: bool = False) -> None:
    """Exports the running averages of the weights as a diffusers folder."""
    models = place.denoiser().average
    size = export(
        out,
        autoencoder=place.autoencoder().average,
        unet=place.turbo().average if as_turbo else models["unet"],
        text_encoder=models["text"],
        tokenizer=tokenizer(),
        preview=place.preview().model,
    )
    say(f"{out}: {size / 1e6:.1f} MB")


def look(options: argparse.Namespace, device: torch.device) -> None:
    """Draws a contact sheet of held-out prompts with a finished model."""
    pipeline = open_pipeline(options.out, device)
    prompts = held_out_prompts(options.count)
    pictures = draw_prompts(pipeline, prompts, steps=options.steps, guidance=options.guidance)
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(pictures, prompts).save(options.sheet)
    say(f"{options.sheet}: {options.count} held-out prompts")


def main() -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="python -m generation.storybook.train", description=__doc__)
    parser.add_argument("action", nargs="?", default="run", choices=("run", "export", "sheet"))
    parser.add_argument("--minutes", type=float, default=110.0, help="how long the training may take in all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights", help="the model's folder")
    parser.add_argument(
        "--turbo", type=Path, default=Path(__file__).parent / "turbo_weights", help="the turbo's folder"
    )
    parser.add_argument("--start", type=Path, help="a model folder whose weights the training begins with")
    parser.add_argument("--work", type=Path, default=Path("data/storybook"), help="folder of the checkpoints")
    parser.add_argument("--sheet", type=Path, default=Path("data/storybook/sheet.png"), help="a sheet's file")
    parser.add_argument("--count", type=int, default=24, help="pictures of a sheet")
    parser.add_argument("--steps", type=int, default=20, help="denoising steps of a sheet's pictures")
    parser.add_argument("--guidance", type=float, default=2.5, help="guidance scale of a sheet's pictures")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 leaves it to torch")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if options.action == "sheet":
        look(options, device)
        return
    options.work.mkdir(parents=True, exist_ok=True)
    place = Workplace(folder=options.work, device=device, minutes=options.minutes, start=options.start)
    if options.action == "export":
        write(place, options.out)
        if (options.work / "turbo.pt").exists():
            write(place, options.turbo, as_turbo=True)
    else:
        run(place, options.out, options.turbo)


if __name__ == "__main__":
    main()
