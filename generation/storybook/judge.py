"""A judge that is not the model: a small network that has learnt from drawn scenes to say what a picture shows.

`python -m generation.storybook.judge` trains it where its weights are missing, in about ten minutes of one free
processor, and measures it on drawn scenes that it has not seen.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from generation.storybook.autoencoder import Pictures, batched, halved, learning_rate
from generation.storybook.light import Time, Weather
from generation.storybook.optimizer import Muon
from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES
from generation.storybook.scenes import CELLS, LONG, Layout, Pixels, Scene, Size, scene_of, sketch, sketches
from generation.storybook.styles import Style
from generation.storybook.subjects import ITEMS, SUBJECTS
from generation.storybook.train import SAVE_EVERY, TELL_EVERY, load, save, say

SIDE = 128
GRID = 8
MOST = 3
BATCH = 48
SCENES = 20_000
SHARES: dict[tuple[int, int], float] = {(CELLS, CELLS): 0.9, (LONG, CELLS): 0.05, (CELLS, LONG): 0.05}
FIRST_SEED = 500_000_000
UNSEEN_SEED = 600_000_000
UNSEEN = 1_500
PROBES = 24
STEPS = 2_400
MARGIN = (127, 127, 127)
NOTHING = "nothing"
COLUMNS = ("left", "middle", "right")
COUNTS: dict[Layout, int] = {Layout.EMPTY: 0, Layout.ALONE: 1, Layout.BESIDE: 2, Layout.ABOVE: 2, Layout.ROW: 3}
FIGURE_SLOTS: dict[str, tuple[str, ...]] = {"subject": tuple(SUBJECTS), "colour": tuple(COLOURS)}
SCENE_SLOTS: dict[str, tuple[str, ...]] = {
    "place": tuple(PLACES),
    "time": tuple(Time),
    "weather": tuple(Weather),
    "style": tuple(Style),
    "layout": tuple(COUNTS),
    "column": COLUMNS,
    "size": tuple(Size),
    "item": (NOTHING, *ITEMS),
}
SLOT_WORDS = FIGURE_SLOTS | SCENE_SLOTS
SILENT = -100
Z95 = 1.959964


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many right `of` so many."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """From 0 to 1; 0 of 0 is 0."""
        return self.right / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval of 95 %: where the true share lies; from 0 to 1 where nothing was counted."""
        if not self.of:
            return 0.0, 1.0
        square = Z95**2 / self.of
        middle = (self.value + square / 2) / (1 + square)
        half = (self.value * (1 - self.value) * square + square**2 / 4) ** 0.5 / (1 + square)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __add__(self, right: bool) -> Share:
        """The share with one more, right or not."""
        return Share(right=self.right + right, of=self.of + 1)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One figure: a subject, and its colour where one is seen or asked."""

    subject: str
    colour: str | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a picture shows, or what a prompt asks for; None where nothing is said.

    `figures` go from left to right or from top to bottom; a layout of two or three alike is BESIDE or ROW.
    `column`, `size` and `item` are those of an only figure.
    """

    figures: tuple[Sight, ...]
    place: str | None = None
    time: str | None = None
    weather: str | None = None
    style: str | None = None
    layout: str | None = None
    column: str | None = None
    size: str | None = None
    item: str | None = None


def truth(scene: Scene) -> Verdict:
    """What there is to see in a drawn scene."""
    outdoors = PLACES[scene.place].outdoors
    layout = next(layout for layout, count in COUNTS.items() if count == len(scene.figures))
    said = Verdict(
        figures=tuple(Sight(subject=figure.subject, colour=figure.colour) for figure in scene.figures),
        place=scene.place,
        time=scene.time if outdoors or scene.place == "sky" else None,
        weather=scene.weather if outdoors else None,
        style=scene.style,
        layout=scene.layout if scene.layout is Layout.ABOVE else layout,
    )
    if scene.layout is not Layout.ALONE:
        return said
    figure = scene.figures[0]
    offset = figure.middle - scene.columns / 2
    column = "middle" if abs(offset) < 1 else "left" if offset < 0 else "right"
    return Verdict(**{**vars(said), "column": column, "size": figure.size, "item": figure.item or NOTHING})


def labels(scene: Scene) -> dict[str, list[int]]:
    """Each slot's answer as an index, SILENT where there is none; `spot` is the cell of a figure's middle."""
    seen = truth(scene)
    longer = max(scene.columns, scene.rows)
    across, down = (longer - scene.columns) / 2, (longer - scene.rows) / 2
    spots = [
        int((figure.top + figure.side / 2 + down) * GRID / longer) * GRID
        + int((figure.middle + across) * GRID / longer)
        for figure in scene.figures
    ]
    found = {
        "subject": [FIGURE_SLOTS["subject"].index(figure.subject) for figure in scene.figures],
        "colour": [FIGURE_SLOTS["colour"].index(figure.colour) for figure in scene.figures],
        "spot": spots,
    }
    found = {slot: answers + [SILENT] * (MOST - len(answers)) for slot, answers in found.items()}
    for slot, words in SCENE_SLOTS.items():
        answer = getattr(seen, slot)
        found[slot] = [SILENT if answer is None else words.index(answer)]
    return found


def fitted(picture: Image.Image) -> Pixels:
    """A picture of any shape reduced to (128, 128, 3), grey bars where it is not square."""
    return np.asarray(ImageOps.pad(picture.convert("RGB"), (SIDE, SIDE), Image.Resampling.BOX, color=MARGIN))


def _layer(channels: int, made: int, *, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, made, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(made), nn.ReLU())


class Bend(nn.Module):
    """Two convolutions added to what they were given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _layer(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, found: Tensor) -> Tensor:
        """Keeps the shape."""
        return functional.relu(found + self.second(self.first(found)))


class Network(nn.Module):
    """Pictures (n, 3, 128, 128) of 0..1 to logits (n, words, figures) of each slot.

    It looks at each figure through a map of its own, the `spot`, and names subject and colour of all of them by
    the same two layers; the slots of the whole scene have all of the grid.
    """

    def __init__(self, *, widths: tuple[int, int, int] = (64, 96, 192), hidden: int = 256) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.trunk = nn.Sequential(
            nn.PixelUnshuffle(4),
            _layer(48, fine),
            _layer(fine, middle, stride=2),
            Bend(middle),
            _layer(middle, coarse, stride=2),
        )
        self.positions = nn.Parameter(torch.zeros(1, coarse, GRID, GRID))
        self.last = nn.Sequential(Bend(coarse), Bend(coarse))
        self.spot = nn.Conv2d(coarse, MOST, 1)
        self.figure = nn.ModuleDict({slot: nn.Linear(coarse, len(words)) for slot, words in FIGURE_SLOTS.items()})
        self.whole = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(coarse * 16, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
        )
        self.scene = nn.ModuleDict({slot: nn.Linear(hidden, len(words)) for slot, words in SCENE_SLOTS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """The logits by slot; the scene's slots have one figure's place."""
        found = self.last(self.trunk(pictures * 2 - 1) + self.positions)
        spots = self.spot(found).flatten(2)
        looked = torch.einsum("nfp,ncp->nfc", spots.softmax(dim=2), found.flatten(2))
        logits = {"spot": spots.transpose(1, 2)}
        logits |= {slot: layer(looked).transpose(1, 2) for slot, layer in self.figure.items()}
        whole = self.whole(found)
        return logits | {slot: layer(whole).unsqueeze(2) for slot, layer in self.scene.items()}


def loss_of(logits: dict[str, Tensor], wanted: dict[str, Tensor]) -> Tensor:
    """The sum over the slots of their mean cross entropies, each only where there is an answer."""
    losses = []
    for slot, answers in wanted.items():
        lost = functional.cross_entropy(logits[slot].float(), answers, ignore_index=SILENT, reduction="sum")
        losses.append(lost / (answers != SILENT).sum().clamp(min=1))
    return torch.stack(losses).sum()


def draw_judged(file: Path, scenes: int, first: int = FIRST_SEED) -> tuple[Pictures, dict[str, Tensor]]:
    """Drawn scenes as the judge sees them (n, 128, 128, 3), kept in `file`, and their labels (n, figures)."""
    seeds = {}
    for shape, share in SHARES.items():
        seeds[shape] = range(first, first + round(scenes * share))
        first = seeds[shape].stop
    every = [scene_of(seed, shape) for shape, some in seeds.items() for seed in some]
    known = [labels(scene) for scene in every]
    if not file.exists() or not _drawn_today(file, seeds):
        unfinished = file.with_suffix(".part.npy")
        pictures = np.lib.format.open_memmap(
            unfinished, mode="w+", dtype=np.uint8, shape=(len(known), SIDE, SIDE, 3)
        )
        for index, picture in enumerate(sketches(every)):
            pictures[index] = fitted(Image.fromarray(picture))
            if index % 2000 == 1999:
                say(f"judge: drawn {index + 1} of {len(known)} scenes")
        pictures.flush()
        unfinished.replace(file)
    return _mapped(file), {slot: torch.tensor([one[slot] for one in known]) for slot in known[0]}


def _drawn_today(file: Path, seeds: dict[tuple[int, int], range]) -> bool:
    """Whether some of the kept pictures are what their seeds draw today, since a drawing may have been mended."""
    kept, squares = _mapped(file), seeds[CELLS, CELLS]
    if len(kept) != sum(len(some) for some in seeds.values()):
        return False
    probes = range(0, len(squares), max(1, len(squares) // PROBES))
    fresh = (fitted(Image.fromarray(sketch(scene_of(squares[index], (CELLS, CELLS))))) for index in probes)
    return all(np.array_equal(kept[index], picture) for index, picture in zip(probes, fresh, strict=True))


def _mapped(file: Path) -> Pictures:
    pictures: Pictures = np.load(file, mmap_mode="r")
    return pictures


class JudgeTraining:
    """Trains a judge step by step; what `state` gives, `restore` takes back."""

    def __init__(
        self,
        *,
        pictures: Pictures,
        wanted: dict[str, Tensor],
        device: torch.device,
        seed: int = 1,
        highest_rate: float = 3e-3,
        network: Network | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.pictures, self.wanted, self.device = pictures, wanted, device
        self.highest_rate = highest_rate
        self.network = (network or Network()).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's types lack it
        self.optimizer = Muon(self.network, plain=("positions", "spot"), weight_decay=0.02)
        self.random = np.random.default_rng(seed)
        self.steps = 0

    def _soft(self, pictures: Pictures) -> Tensor:
        """The pictures a little shifted, pressed, blurred, tinted and noisy, as a model's pictures may be."""
        shifts = self.random.integers(-2, 3, size=(len(pictures), 2)).tolist()
        moved = [np.roll(picture, shift, axis=(0, 1)) for picture, shift in zip(pictures, shifts, strict=True)]
        pressed = [_pressed(picture, int(self.random.integers(40, 95))) for picture in moved[::4]]
        moved[::4] = pressed
        soft = torch.from_numpy(np.stack(moved)).to(self.device).permute(0, 3, 1, 2).float() / 255

        def chance(low: float, high: float, channels: int = 1) -> Tensor:
            drawn = self.random.uniform(low, high, size=(len(soft), channels, 1, 1))
            return torch.from_numpy(drawn).float().to(self.device)

        for _ in range(2):
            blurred = functional.avg_pool2d(functional.pad(soft, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
            soft = soft.lerp(blurred, chance(-0.6, 0.8).clamp(min=0))
        soft = soft * chance(0.93, 1.07) + chance(-0.03, 0.03) + chance(-0.015, 0.015, 3)
        noise = torch.from_numpy(self.random.standard_normal(soft.shape, dtype=np.float32)).to(self.device)
        return (soft + noise * chance(0, 0.03)).contiguous(memory_format=torch.channels_last)

    def step(self, share: float) -> float:
        """One step of training at this share of the time; returns the loss."""
        self.network.train()
        indices = np.sort(self.random.integers(len(self.pictures), size=BATCH))
        soft = self._soft(self.pictures[indices])
        with halved(self.device):
            logits = self.network(soft)
        loss = loss_of(logits, {slot: answers[indices].to(self.device) for slot, answers in self.wanted.items()})
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step(learning_rate(share, highest=self.highest_rate))
        self.steps += 1
        return float(loss.detach())

    def state(self) -> dict[str, object]:
        """Everything needed to go on later."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.bit_generator.state,
            "steps": self.steps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.bit_generator.state = state["random"]
        self.steps = state["steps"]


def _pressed(picture: Pixels, quality: int) -> Pixels:
    """The picture as JPEG keeps it."""
    kept = io.BytesIO()
    Image.fromarray(picture).save(kept, "JPEG", quality=quality)
    return np.asarray(Image.open(kept))


class Judge:
    """Says what pictures show."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self.network, self.device = network.to(device).eval(), device

    @classmethod
    def open(cls, folder: Path, device: torch.device, *, steps: int = STEPS, scenes: int = SCENES) -> Self:
        """The judge of this folder; trained, measured and kept there where it is missing or knew other words.

        A training that is needed takes so many steps and learns from so many drawn scenes.
        """
        file = folder / "judge.safetensors"
        words = json.dumps(SLOT_WORDS)
        if file.exists():
            with safe_open(file, framework="pt") as kept:
                if (kept.metadata() or {}).get("words") == words:
                    network = Network()
                    network.load_state_dict({name: kept.get_tensor(name) for name in kept.keys()})  # noqa: SIM118 # no dict
                    return cls(network, device)
            say(f"{file} knew other words than the scenes of today: the judge learns anew")
            for old in ("judge.npy", "judge.pt"):
                (folder / old).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        judge = cls(trained(folder, device, steps=steps, scenes=scenes).network, device)
        right = judge.measure(min(UNSEEN, scenes))
        report = json.dumps({figure: [share.right, share.of] for figure, share in right.items()})
        tensors = {name: tensor.cpu().contiguous() for name, tensor in judge.network.state_dict().items()}
        save_file(tensors, file, metadata={"words": words, "right": report})
        return judge

    @torch.no_grad()
    def verdicts(self, pictures: Sequence[Image.Image]) -> list[Verdict]:
        """What each of the pictures, of any shape, shows."""
        return [verdict for some in batched(pictures, BATCH) for verdict in self._verdicts(some)]

    def _verdicts(self, pictures: list[Image.Image]) -> list[Verdict]:
        stack = torch.from_numpy(np.stack([fitted(picture) for picture in pictures]))
        logits = self.network(stack.to(self.device).permute(0, 3, 1, 2).float() / 255)
        answers = {slot: found.argmax(dim=1).tolist() for slot, found in logits.items()}
        found = []
        for index in range(len(pictures)):
            said = {slot: words[answers[slot][index][0]] for slot, words in SCENE_SLOTS.items()}
            count = COUNTS[Layout(said["layout"])]
            figures = tuple(
                Sight(
                    subject=FIGURE_SLOTS["subject"][answers["subject"][index][figure]],
                    colour=FIGURE_SLOTS["colour"][answers["colour"][index][figure]],
                )
                for figure in range(count)
            )
            only = {} if count == 1 else dict.fromkeys(("column", "size", "item"))
            found.append(Verdict(figures=figures, **(said | only)))
        return found

    def measure(
        self, count: int, *, first: int = UNSEEN_SEED, shape: tuple[int, int] = (CELLS, CELLS)
    ) -> dict[str, Share]:
        """How often it is right about `count` drawn scenes that it has not seen, by what there is to see."""
        scenes = [scene_of(seed, shape) for seed in range(first, first + count)]
        wanted = [truth(scene) for scene in scenes]
        found = self.verdicts([Image.fromarray(picture) for picture in sketches(scenes)])
        shares: dict[str, Share] = {}
        for seen, real in zip(found, wanted, strict=True):
            for figure, right in compared(seen, real).items():
                shares[figure] = shares.get(figure, Share(right=0, of=0)) + right
        return shares


def compared(seen: Verdict, real: Verdict) -> dict[str, bool]:
    """Which things of a drawn scene were seen rightly; those of which there is nothing to say are left out."""
    found = {
        slot: getattr(seen, slot) == getattr(real, slot) for slot in SCENE_SLOTS if getattr(real, slot) is not None
    }
    count = len(real.figures)
    if count == 1:
        found["subject of one"] = [one.subject for one in seen.figures] == [real.figures[0].subject]
        found["colour of one"] = [one.colour for one in seen.figures] == [real.figures[0].colour]
        found["place of one"] = found["place"]
    elif count:
        name = {2: "two", 3: "three"}[count]
        found[f"subjects of {name}"] = [one.subject for one in seen.figures] == [
            one.subject for one in real.figures
        ]
        found[f"colours of {name}"] = [one.colour for one in seen.figures] == [one.colour for one in real.figures]
    return found


def trained(folder: Path, device: torch.device, *, steps: int, scenes: int) -> JudgeTraining:
    """A judge's training brought to its end, from where it was interrupted; its files lie in `folder`.

    It ends after so many steps and not after a time, so that a busy machine's judge is no worse than another.
    """
    pictures, wanted = draw_judged(folder / "judge.npy", scenes)
    training = JudgeTraining(pictures=pictures, wanted=wanted, device=device)
    file = folder / "judge.pt"
    if file.exists():
        training.restore(load(file))
    saved = told = time.monotonic()
    losses: list[float] = []
    while training.steps < steps:
        losses.append(training.step(training.steps / steps))
        now = time.monotonic()
        if now - told > TELL_EVERY:
            say(f"judge: {training.steps} of {steps} steps, loss {np.mean(losses):.3f}")
            told, losses = now, []
        if now - saved > SAVE_EVERY or training.steps == steps:
            save(training.state(), file)
            saved = now
    return training


def main() -> None:
    """Reads the command line, and tells how well the judge judges."""
    parser = argparse.ArgumentParser(prog="python -m generation.storybook.judge", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("data/storybook"), help="folder of its weights")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of its training")
    parser.add_argument("--count", type=int, default=UNSEEN, help="unseen scenes to measure it on")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    judge = Judge.open(options.work, device, steps=options.steps)
    for figure, share in judge.measure(options.count, first=UNSEEN_SEED + UNSEEN).items():
        low, high = share.interval
        say(f"judge: {figure} right {share.value:.2%} of {share.of} unseen scenes ({low:.2%} to {high:.2%})")


if __name__ == "__main__":
    main()
