"""Measures a storybook by a judge that is not the model: `python -m generation.storybook.evaluate`.

Draws about a thousand pictures of prompts and seeds that no training uses, prints the figures beside their goals,
and writes them to `data/storybook/figures.json`; `--sheet` shows the pictures that the judge found wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from textwrap import wrap

import torch
from diffusers import DiffusionPipeline, StableDiffusionImg2ImgPipeline
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from generation.catalogue import Catalogue
from generation.storybook.autoencoder import batched, fidelity
from generation.storybook.export import open_pipeline, seconds_a_picture
from generation.storybook.judge import Judge, Share, Verdict
from generation.storybook.questions import Kind, Question, checks, questions
from generation.storybook.scenes import draw

BATCH = 8
SHARES: dict[Kind, float] = {
    Kind.ONE: 0.3,
    Kind.TWO: 0.2,
    Kind.TIME: 0.04,
    Kind.WEATHER: 0.05,
    Kind.STYLE: 0.05,
    Kind.NUMBER: 0.04,
    Kind.UNCOLOURED: 0.11,  # once as they are, and once with a negative prompt
    Kind.REPAINT: 0.1,
    Kind.HELD: 0.06,
}
REFUSED = "red"
STRENGTH = 0.5
NOISE_SEED = 800_000_000
DRAWN = 400
STRIP = 72
IN_A_ROW = 6
GOALS: dict[str, float] = {
    "one subject: subject right": 0.97,
    "one subject: colour right": 0.95,
    "one subject: place right": 0.95,
    "two subjects: both subjects right": 0.85,
    "image to image: layout kept and colour changed": 0.85,
}


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a model draws."""

    steps: int
    guidance: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure: a share of pictures, or a value of its `unit`; `at_most` is said of its goal."""

    name: str
    value: float
    share: Share | None = None
    unit: str = "%"
    goal: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    def words(self, value: float) -> str:
        """A value of this figure as people read it."""
        if not math.isfinite(value):
            return "none left"
        return f"{value:.1%}" if self.unit == "%" else f"{value:.2f} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A picture in which the judge missed something."""

    picture: Image.Image
    prompt: str
    missed: str
    seen: Verdict


def factor(before: Share, after: Share) -> float:
    """How many times rarer something became: infinite where none is left, 1 where there was none before."""
    if not before.right:
        return 1.0
    return before.value / after.value if after.right else math.inf


def counted(asked: list[Question], seen: list[Verdict]) -> dict[str, Share]:
    """The shares of right pictures, by figure."""
    shares: dict[str, Share] = {}
    for question, verdict in zip(asked, seen, strict=True):
        for name, right in checks(question, verdict).items():
            shares[name] = shares.get(name, Share(right=0, of=0)) + right
    return shares


def reds(seen: list[Verdict]) -> Share:
    """How many of the pictures with a figure have a first one of the colour that the negative prompt refuses."""
    some = [verdict.figures[0].colour == REFUSED for verdict in seen if verdict.figures]
    return Share(right=sum(some), of=len(some))


def as_figures(shares: dict[str, Share], *, before: str = "") -> list[Figure]:
    """The shares with their goals, which hold for the model itself and not for its turbo."""
    return [
        Figure(name=f"{before}{name}", value=share.value, share=share, goal=None if before else GOALS.get(name))
        for name, share in shares.items()
    ]


def machine(device: torch.device) -> str:
    """The processor, its threads, the GPU where there is one, and torch, in words."""
    processor = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        named = [
            line.partition(":")[2].strip() for line in described.read_text().splitlines() if "model name" in line
        ]
        processor = named[0] if named else processor
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU"
    threads = torch.get_num_threads()
    return f"{processor}, {threads} thread{'s'[: threads > 1]}, {gpu}, torch {torch.__version__}"


class Evaluation:
    """Draws what the questions ask with one model and lets the judge say what came of it."""

    def __init__(self, folder: Path, judge: Judge, sampling: Sampling, drawn: Callable[[int], None]) -> None:
        self.pipeline = open_pipeline(folder, judge.device)
        self.judge, self.sampling, self.drawn = judge, sampling, drawn
        self.wrong: list[Wrong] = []

    def look(self, asked: list[Question], *, negative_prompt: str | None = None) -> list[Verdict]:
        """What the pictures of the questions show; each has noise of its own, the same in every run."""
        pipeline: DiffusionPipeline = self.pipeline
        if asked and asked[0].source is not None:
            pipeline = StableDiffusionImg2ImgPipeline(**self.pipeline.components, requires_safety_checker=False)
            pipeline.set_progress_bar_config(disable=True)
        seen: list[Verdict] = []
        for some in batched(asked, BATCH):
            seeds = range(NOISE_SEED + len(seen), NOISE_SEED + len(seen) + len(some))
            sources = [draw(question.source) for question in some if question.source is not None]
            pictures = pipeline(
                [question.prompt for question in some],
                negative_prompt=[negative_prompt] * len(some) if negative_prompt else None,
                num_inference_steps=self.sampling.steps,
                guidance_scale=self.sampling.guidance,
                generator=[torch.Generator().manual_seed(seed) for seed in seeds],
                **({"image": sources, "strength": STRENGTH} if sources else {}),
            ).images
            found = self.judge.verdicts(pictures)
            for question, picture, verdict in zip(some, pictures, found, strict=True):
                missed = [
                    name.partition(": ")[2] for name, right in checks(question, verdict).items() if not right
                ]
                if missed:
                    self.wrong.append(
                        Wrong(picture=picture, prompt=question.prompt, missed=", ".join(missed), seen=verdict)
                    )
            seen += found
            self.drawn(len(some))
        return seen

    def shares(self, kind: Kind, count: int) -> dict[str, Share]:
        """The shares of right pictures of so many questions of a kind."""
        asked = questions(kind, count)
        return counted(asked, self.look(asked))

    def refusal(self, count: int) -> list[Figure]:
        """How much rarer the refused colour becomes by a negative prompt, where no colour is asked."""
        asked = questions(Kind.UNCOLOURED, count)
        plain = self.look(asked)
        without, refused = reds(plain), reds(self.look(asked, negative_prompt=REFUSED))
        return [
            *as_figures(counted(asked, plain)),
            Figure(name=f"{REFUSED} where no colour is named", value=without.value, share=without),
            Figure(name=f"the same with the negative prompt {REFUSED!r}", value=refused.value, share=refused),
            Figure(
                name=f"{REFUSED} rarer by the negative prompt",
                value=factor(without, refused),
                unit="times",
                goal=5,
            ),
        ]

    def pace(self, *, goal: float, before: str = "") -> Figure:
        """The seconds of one picture, with two threads where there are two processors and no GPU."""
        threads = torch.get_num_threads()
        torch.set_num_threads(min(2, os.cpu_count() or 1))
        seconds = seconds_a_picture(self.pipeline, steps=self.sampling.steps, guidance=self.sampling.guidance)
        name = f"{before}one picture of {self.sampling.steps} steps, {torch.get_num_threads()} threads"
        torch.set_num_threads(threads)
        return Figure(name=name, value=seconds, unit="s", goal=goal, at_most=True)


def drawn_as_such(judge: Judge) -> list[Figure]:
    """How well the judge itself judges, on drawn scenes that it has not seen."""
    wanted = ("subject of one", "colour of one", "place of one", "subjects of two")
    shares = judge.measure(DRAWN, first=NOISE_SEED)
    return [
        Figure(name=f"the judge on drawn scenes: {name}", value=shares[name].value, share=shares[name], goal=0.99)
        for name in wanted
    ]


def evaluate(options: argparse.Namespace, judge: Judge, progress: Progress) -> tuple[list[Figure], list[Wrong]]:
    """All figures of a model and of its turbo, and the pictures that were wrong."""
    # 1. How many pictures there will be.
    parts = {kind: max(1, round(options.count * share)) for kind, share in SHARES.items()}
    total = sum(parts.values()) + parts[Kind.UNCOLOURED]
    total += parts[Kind.ONE] + parts[Kind.TWO] if options.turbo else 0
    task = progress.add_task("pictures", total=total)

    def drawn(count: int) -> None:
        progress.advance(task, count)

    # 2. The judge, the autoencoder and the speed.
    teacher = Evaluation(options.model, judge, Sampling(steps=options.steps, guidance=options.guidance), drawn)
    decibels = fidelity(teacher.pipeline.vae, judge.device)
    figures = drawn_as_such(judge)
    figures.append(Figure(name="autoencoder on unseen scenes", value=decibels, unit="dB", goal=32))
    figures.append(teacher.pace(goal=1.5))
    # 3. What the model draws.
    main = teacher.shares(Kind.ONE, parts[Kind.ONE]) | teacher.shares(Kind.TWO, parts[Kind.TWO])
    figures += as_figures(main)
    for kind in (Kind.TIME, Kind.WEATHER, Kind.STYLE, Kind.NUMBER, Kind.REPAINT, Kind.HELD):
        figures += as_figures(teacher.shares(kind, parts[kind]))
    figures += teacher.refusal(parts[Kind.UNCOLOURED])
    wrong = teacher.wrong
    # 4. What its turbo draws of the same questions.
    if options.turbo:
        turbo = Evaluation(options.turbo, judge, Sampling(steps=4, guidance=1.0), drawn)
        figures.append(turbo.pace(goal=0.5, before="turbo, "))
        quick = turbo.shares(Kind.ONE, parts[Kind.ONE]) | turbo.shares(Kind.TWO, parts[Kind.TWO])
        for figure, name in zip(as_figures(quick, before="turbo, "), quick, strict=True):
            figures.append(figure)
            if name in GOALS and main[name].right:
                ratio = quick[name].value / main[name].value
                figures.append(Figure(name=f"{figure.name}, of the teacher's", value=ratio, goal=0.9))
        wrong = wrong + [replace(one, prompt=f"turbo: {one.prompt}") for one in turbo.wrong]
    return figures, wrong


def table_of(figures: list[Figure], device: torch.device) -> Table:
    """The figures as a table for the terminal."""
    table = Table(title="Storybook", caption=machine(device))
    table.add_column("figure")
    for heading in ("pictures", "measured", "95 % interval", "goal", "met"):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        low, high = figure.share.interval if figure.share else (0.0, 0.0)
        table.add_row(
            figure.name,
            str(figure.share.of) if figure.share else "",
            figure.words(figure.value),
            f"{low:.1%} to {high:.1%}" if figure.share else "",
            "" if figure.goal is None else f"{'<=' if figure.at_most else '>='} {figure.words(figure.goal)}",
            {None: "", True: "yes", False: "NO"}[figure.met],
        )
    return table


def report(figures: list[Figure], options: argparse.Namespace, device: torch.device) -> str:
    """The figures as JSON; an infinite factor is null."""
    rows = [
        asdict(figure)
        | {
            "value": figure.value if math.isfinite(figure.value) else None,
            "interval": figure.share.interval if figure.share else None,
            "met": figure.met,
        }
        for figure in figures
    ]
    said = {
        "model": Path(options.model).name,
        "steps": options.steps,
        "guidance": options.guidance,
        "machine": machine(device),
        "figures": rows,
    }
    return json.dumps(said, indent=2) + "\n"


def wrong_sheet(wrong: list[Wrong]) -> Image.Image:
    """The wrong pictures, each over its prompt, what was missed in it, and what the judge saw."""
    side = max(max(one.picture.size) for one in wrong)
    columns = min(IN_A_ROW, len(wrong))
    sheet = Image.new("RGB", (columns * side, -(-len(wrong) // columns) * (side + STRIP)), "white")
    canvas = ImageDraw.Draw(sheet)
    for index, one in enumerate(wrong):
        left, top = index % columns * side, index // columns * (side + STRIP)
        sheet.paste(one.picture, (left, top))
        figures = " + ".join(f"{figure.colour} {figure.subject}" for figure in one.seen.figures) or "nobody"
        where = f"{one.seen.place}, {one.seen.time}, {one.seen.weather}, {one.seen.style}, {one.seen.layout}"
        texts = (one.prompt, f"not {one.missed}", f"saw {figures}; {where}")
        lines = [line for text in texts for line in wrap(text, side // 5)]
        canvas.text((left + 2, top + side), "\n".join(lines[: STRIP // 11]), fill="black", font_size=9)
    return sheet


def main() -> None:
    """Reads the command line and measures."""
    catalogue = Catalogue.read(default="storybook")
    model, turbo = catalogue.find("storybook"), catalogue.find("storybook-turbo")
    parser = argparse.ArgumentParser(prog="python -m generation.storybook.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=model.folder, help="the model's folder")
    parser.add_argument("--turbo", type=Path, default=turbo.folder, help="the folder of its four-step form")
    parser.add_argument("--count", type=int, default=1000, help="pictures in all, those of turbo apart")
    parser.add_argument("--steps", type=int, default=int(model.steps.default), help="denoising steps")
    parser.add_argument("--guidance", type=float, default=model.guidance.default, help="guidance scale")
    parser.add_argument("--sheet", action="store_true", help="show the wrong pictures in wrong.png")
    parser.add_argument(
        "--work", type=Path, default=Path("data/storybook"), help="folder of the judge and the figures"
    )
    options = parser.parse_args()
    for folder in filter(None, (options.model or model.source, options.turbo)):
        if not Path(folder).is_dir():
            parser.error(f"{folder} is no model folder; --model and --turbo take a folder as train.py writes it.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    judge = Judge.open(options.work, device)
    console = Console()
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, console=console) as progress:
        figures, wrong = evaluate(options, judge, progress)
    console.print(table_of(figures, device))
    file = options.work / "figures.json"
    file.write_text(report(figures, options, device))
    console.print(f"{file}: the figures. {len(wrong)} pictures were wrong in something.")
    if options.sheet and wrong:
        wrong_sheet(wrong).save(options.work / "wrong.png")
        console.print(f"{options.work / 'wrong.png'}: the wrong pictures")


if __name__ == "__main__":
    main()
