"""Trains the storybook: `python -m generation.storybook.train --minutes 110 --out generation/storybook/weights`.

Stages: draw pictures, train the autoencoder, encode the pictures, train text encoder and UNet, polish the
decoder, export. Each keeps a checkpoint in the work folder, so that an interrupted training goes on where
it was. Further actions: `export` writes the weights as they are now, `sheet` draws a contact sheet of held-out
prompts from a model folder, `figures` measures one.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from generation.storybook.autoencoder import (
    AutoencoderTraining,
    Pictures,
    draw_pictures,
    encode_pictures,
    fidelity,
)
from generation.storybook.captions import known_words
from generation.storybook.denoiser import DenoiserTraining
from generation.storybook.export import (
    contact_sheet,
    draw_prompts,
    export,
    held_out_prompts,
    open_pipeline,
    seconds_a_picture,
)
from generation.storybook.judge import Judge, plain_prompts
from generation.storybook.vocabulary import build_tokenizer

PICTURES = 8_000
SCENE_SEED = 1
SEED = 1
AUTOENCODER_SHARE = 0.22
DENOISER_SHARE = 0.68
POLISH_SHARE = 0.10
SAVE_EVERY = 120.0
TELL_EVERY = 30.0


class Training(Protocol):
    """What a stage trains: one step at a time, with a state that can be kept."""

    def step(self, share: float) -> float: ...
    def state(self) -> dict[str, object]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """The folder of checkpoints, the device, and the minutes that the whole training may take."""

    folder: Path
    device: torch.device
    minutes: float

    @property
    def seconds(self) -> float:
        """The seconds that the whole training may take."""
        return self.minutes * 60

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
                break
        return training

    def latents(self) -> Tensor:
        """The latents of all pictures, encoded where they are not there yet."""
        file = self.folder / "latents.pt"
        if not file.exists():
            say("encoding the pictures")
            training = self.autoencoder()
            training.settle()
            save(training.state() | {"seconds": self.seconds * AUTOENCODER_SHARE}, self.folder / "autoencoder.pt")
            latents = encode_pictures(training.average, self.pictures, self.device)
            say(f"latents: mean {latents.mean():.3f}, spread {latents.std():.3f}")
            save(latents.half(), file)
        kept: Tensor = torch.load(file, weights_only=True)
        return kept

    def denoiser(self) -> DenoiserTraining:
        """Text encoder and UNet as far as they were trained."""
        training = DenoiserTraining(
            latents=self.latents(), scene_seed=SCENE_SEED, tokenizer=tokenizer(), device=self.device, seed=SEED
        )
        if (self.folder / "denoiser.pt").exists():
            training.restore(load(self.folder / "denoiser.pt"))
        return training


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


def train_for(training: Training, *, name: str, seconds: float, file: Path, check: Callable[[], str]) -> None:
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


def run(place: Workplace, out: Path) -> None:
    """All stages in their order."""
    # 1. Pictures, and the autoencoder on them.
    if not (place.folder / "latents.pt").exists():
        autoencoder = place.autoencoder()
        train_for(
            autoencoder,
            name="autoencoder",
            seconds=place.seconds * AUTOENCODER_SHARE,
            file=place.folder / "autoencoder.pt",
            check=lambda: quality(autoencoder),
        )
    # 2. Latents, and the text encoder with the UNet on them.
    denoiser = place.denoiser()
    train_for(
        denoiser,
        name="denoiser",
        seconds=place.seconds * DENOISER_SHARE,
        file=place.folder / "denoiser.pt",
        check=lambda: f"{denoiser.steps} steps",
    )
    # 3. The decoder once more, now that the latents are fixed.
    polished = place.autoencoder()
    train_for(
        polished,
        name="polish",
        seconds=place.seconds * POLISH_SHARE,
        file=place.folder / "polish.pt",
        check=lambda: quality(polished),
    )
    write(place, out)


def quality(training: AutoencoderTraining) -> str:
    """How well the running average draws scenes that it has not seen."""
    return f"{fidelity(training.average, training.device, count=32):.2f} dB on unseen scenes"


def write(place: Workplace, out: Path) -> None:
    """Exports the running averages of the weights as a diffusers folder."""
    models = place.denoiser().average
    size = export(
        out,
        autoencoder=place.autoencoder().average,
        unet=models["unet"],
        text_encoder=models["text"],
        tokenizer=tokenizer(),
    )
    say(f"{out}: {size / 1e6:.1f} MB")


def look(options: argparse.Namespace, device: torch.device) -> None:
    """Draws with a finished model: a contact sheet of held-out prompts, or the figures of the model card."""
    pipeline = open_pipeline(options.out, device)
    steps, guidance = options.steps, options.guidance
    if options.action == "sheet":
        prompts = held_out_prompts(options.count)
        pictures = draw_prompts(pipeline, prompts, steps=steps, guidance=guidance)
        options.sheet.parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(pictures, prompts).save(options.sheet)
        say(f"{options.sheet}: {options.count} held-out prompts")
        return
    say(f"autoencoder: {fidelity(pipeline.vae, device):.2f} dB on unseen scenes")
    say(f"{seconds_a_picture(pipeline, steps=steps, guidance=guidance):.2f} s a picture of {steps} steps")
    plain = plain_prompts(options.count)
    pictures = draw_prompts(pipeline, [text for text, _ in plain], steps=steps, guidance=guidance, seed=1000)
    found = Judge().adherence(pictures, [wanted for _, wanted in plain])
    say(
        f"of {found.pictures} pictures: subject right {found.subject:.0%}, colour right {found.colour:.0%}, "
        f"place right {found.place:.0%}"
    )


def main() -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="python -m generation.storybook.train", description=__doc__)
    parser.add_argument("action", nargs="?", default="run", choices=("run", "export", "sheet", "figures"))
    parser.add_argument("--minutes", type=float, default=110.0, help="how long the training may take in all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights", help="the model's folder")
    parser.add_argument("--work", type=Path, default=Path("data/storybook"), help="folder of the checkpoints")
    parser.add_argument("--sheet", type=Path, default=Path("data/storybook/sheet.png"), help="a sheet's file")
    parser.add_argument("--count", type=int, default=24, help="pictures of a sheet or of the figures")
    parser.add_argument("--steps", type=int, default=20, help="denoising steps of a sheet's pictures")
    parser.add_argument("--guidance", type=float, default=2.0, help="guidance scale of a sheet's pictures")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 leaves it to torch")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if options.action in {"sheet", "figures"}:
        look(options, device)
        return
    options.work.mkdir(parents=True, exist_ok=True)
    place = Workplace(folder=options.work, device=device, minutes=options.minutes)
    if options.action == "export":
        write(place, options.out)
    else:
        run(place, options.out)


if __name__ == "__main__":
    main()
