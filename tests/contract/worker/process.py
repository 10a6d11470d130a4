"""The other end of a worker's pipes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from PIL import Image

from generation import Mode, Model, Recipe
from generation.protocol import (
    Generate,
    Order,
    Preview,
    Progress,
    RanOut,
    Ready,
    Report,
    Trying,
    decode_report,
    encode,
)
from tests.recipes import a_recipe

ROOT = Path(__file__).parents[3]
PATIENCE = 120.0  # seconds; a worker that is silent for longer is killed, and the test fails


class WorkerProcess:
    """A worker process; `folder` is where pictures go, `progress` and `previews` what it said while drawing.

    How each job was `tried`, and for what memory `ran_out`, is kept of all of them, apart from other reports.
    """

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "generation.worker", *(arguments or ("--device", "cpu", "--threads", "1"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"} | dict(environment or {}),
        )
        self.folder = Path()
        self.progress: list[Progress] = []
        self.previews: list[bytes] = []
        self.tried: list[Trying] = []
        self.ran_out: list[RanOut] = []
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()
        self._job = 0

    def __enter__(self) -> Self:
        return self

    @cached_property
    def ready(self) -> Ready:
        """The first report, waited for once."""
        report = self.next()
        assert isinstance(report, Ready), self.log
        return report

    def __exit__(self, *_: object) -> None:
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.wait()

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        with self._watched():
            code = self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def send(self, order: Order) -> None:
        assert self.ready
        self.write(encode(order))

    def write(self, line: bytes) -> None:
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def next(self) -> Report | None:
        """The next report; None when there will be no more."""
        while True:
            with self._watched():
                line = self.process.stdout.readline()
            report = decode_report(line) if line else None
            if isinstance(report, Trying):
                self.tried.append(report)
            elif isinstance(report, RanOut):
                self.ran_out.append(report)
            else:
                return report

    def reports(self) -> Iterator[Report]:
        while (report := self.next()) is not None:
            yield report

    def order(
        self, model: Model, *, source_file: Path | None = None, job: str | None = None, **values: Any
    ) -> Generate:
        """An order to draw with `model`; `values` are the recipe's."""
        self._job += 1
        if source_file is not None:
            values = {"mode": Mode.IMAGE_TO_IMAGE, "source": "a" * 64, "strength": 0.7} | values
        return Generate(
            job=job if job is not None else f"job{self._job}",
            recipe=small_recipe(model, **values),
            model=model,
            folder=str(self.folder),
            source_file=str(source_file) if source_file is not None else None,
        )

    def draw(self, order: Generate) -> Report:
        """Send `order`; returns the report that ends it."""
        self.send(order)
        return self.end_of(order.job)

    def end_of(self, job: str) -> Report:
        """The report that ends `job`; its progress and its previews are kept."""
        self.progress, self.previews = [], []
        for report in self.reports():
            assert report.job == job, report
            if isinstance(report, Progress):
                self.progress.append(report)
            elif isinstance(report, Preview):
                self.previews.append(report.picture)
            elif report.kind != "loading":
                return report
        raise AssertionError("the worker ended: " + "\n".join(self.log[-20:]))

    def pixels(self, name: str) -> bytes:
        with Image.open(self.folder / name) as image:
            return image.tobytes()

    def _watched(self) -> "_Watchdog":
        return _Watchdog(self.process)

    def _read_log(self) -> None:
        self.log.extend(line.decode(errors="replace").rstrip() for line in self.process.stderr)


class _Watchdog:
    """Kills a process that lets its reader wait."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._timer = threading.Timer(PATIENCE, process.kill)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def small_recipe(model: Model, **values: Any) -> Recipe:
    small = {
        "model": model.name,
        "width": 64,
        "height": 64,
        "num_inference_steps": 3,
        "scheduler": model.scheduler,
    }
    return a_recipe(**small | values)
