"""The worker process: reads orders, draws, reports. Started by `generation.supervisor`, imported by nobody."""

import argparse
import errno
import hashlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from generation import metadata
from generation.errors import ModelUnavailable
from generation.job import DrawnPicture, Failure, FailureKind
from generation.model import Family
from generation.protocol import (
    Cancelled,
    Describe,
    Described,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Loading,
    Preview,
    Progress,
    RanOut,
    Ready,
    Trying,
)
from generation.worker.channel import Channel

if TYPE_CHECKING:
    from generation.download import OnBytes
    from generation.recipe import Recipe
    from generation.tries import Try
    from generation.worker.engine import Drawn, OnStep
    from generation.worker.placement import Placement

log = logging.getLogger("generation.worker")

_LIBRARIES = ("torch", "diffusers", "transformers")
_TELL_EVERY = 0.5  # seconds between two words of how far a download is
_LONGEST_DETAIL = 2000  # characters; a report is one line, and libraries may say as much as they like
_BAD_USE = 2  # exit code for a command line that cannot be followed


class Stopped(Exception):
    """The job that is being drawn is not wanted any more."""


class Worker:
    """Carries out orders one after the other until there are no more."""

    def __init__(
        self,
        channel: Channel,
        placement: "Placement",
        *,
        watermarked: bool = True,
        filtered: bool = True,
        memory: float | None = None,
        folder: Path | None = None,
    ) -> None:
        """`memory` is how many gigabytes models may take, `folder` where those lie that are not resident."""
        from generation.worker.engine import Engine
        from generation.worker.pipelines import Pipelines
        from generation.worker.previews import Previews

        self._channel = channel
        self._placement = placement
        self._versions = {name: version(name) for name in _LIBRARIES}
        self._engine = Engine(placement, self._versions, watermarked=watermarked)
        limit = None if memory is None else int(memory * 1e9)
        self._pipelines = Pipelines(placement, filtered=filtered, limit=limit, folder=folder)
        self._previews = Previews()
        self._drawing_since: float | None = None  # None until drawing has begun

    def run(self) -> None:
        self._channel.send(self._ready())
        while (order := self._channel.take()) is not None:
            match order:
                case Load():
                    self._load(order)
                case Generate():
                    self._generate(order)
                case Describe():
                    self._describe(order)

    def _ready(self) -> Ready:
        import torch

        return Ready(
            device=str(self._placement.device),
            device_name=self._placement.name,
            dtype=self._placement.dtype_name,
            reason=self._placement.reason,
            memory=self._placement.memory,
            threads=torch.get_num_threads(),
            versions=self._versions,
        )

    def _load(self, order: Load) -> None:
        name, started = order.model.name, time.monotonic()
        if order.model.family is Family.LANCZOS:
            self._channel.send(Loaded(model=name, seconds=0.0))
            return
        self._pipelines.recall(each.tried for each in order.ran_out)
        try:
            loaded = self._pipelines.get(order.model, self._fetching("", name), on_try=self._trying(""))
        except Exception as error:  # noqa: BLE001 (whatever it was, the worker lives on and says so)
            self._channel.send(LoadFailed(model=name, failure=failure_of(error)))
        else:
            unfiltered = self._pipelines.lacks_filter(order.model, loaded.content_filter)
            seconds, step = time.monotonic() - started, str(loaded.step)
            self._channel.send(Loaded(model=name, seconds=seconds, unfiltered=unfiltered, placement=step))

    def _generate(self, order: Generate) -> None:
        from generation.worker.resampling import resample

        job = order.job
        self._drawing_since = None

        def on_step(step: int, steps: int) -> None:
            self._channel.send(Progress(job=job, step=step, steps=steps))
            self._check_wanted(job)

        try:
            self._check_wanted(job)
            source, mask = (None if file is None else Path(file) for file in (order.source_file, order.mask_file))
            if order.model.family is Family.LANCZOS:
                self._drawing_since = time.monotonic()
                drawn = resample(order.recipe, source, on_step)
            else:
                self._pipelines.recall(each.tried for each in order.ran_out)
                # A second time if memory ran out: then nothing of the first is left in it.
                again = False
                while (found := self._draw(order, source, mask, on_step, again=again)) is None:
                    self._drawing_since, again = None, True
                drawn = found
            recipe = order.recipe.drawn_in(drawn.environment)
            pictures = write_pictures(Path(order.folder), job, recipe, drawn)
        except Stopped:
            self._channel.send(Cancelled(job=job, seconds=self._seconds()))
        except Exception as error:  # noqa: BLE001 (whatever it was, the worker lives on and says so)
            self._channel.send(Failed(job=job, failure=failure_of(error), seconds=self._seconds()))
        else:
            self._channel.send(Finished(job=job, recipe=recipe, pictures=pictures, seconds=self._seconds()))
        finally:
            self._channel.end_job(job)

    def _describe(self, order: Describe) -> None:
        from generation.worker.captioner import describe, room_for

        job, started, captioner = order.job, time.monotonic(), Path(order.captioner)
        try:
            self._pipelines.make_room(room_for(captioner))
            prompts = describe(captioner, order.picture, self._placement.device)
        except Exception as error:  # noqa: BLE001 (whatever it was, the worker lives on and says so)
            seconds = time.monotonic() - started
            self._channel.send(Failed(job=job, failure=failure_of(error), seconds=seconds))
        else:
            self._channel.send(Described(job=job, prompts=prompts, seconds=time.monotonic() - started))

    def _draw(
        self, order: Generate, source: Path | None, mask: Path | None, on_step: "OnStep", *, again: bool
    ) -> "Drawn | None":
        """The pictures of `order`; None where memory ran out, and there is a lower step to draw it on `again`."""
        from generation.worker.memory import is_out_of_memory

        if not self._pipelines.holds(order.model):
            self._channel.send(Loading(job=order.job, model=order.model.name))
        fetching = self._fetching(order.job, order.model.name)
        try:
            loaded = self._pipelines.get(
                order.model,
                fetching,
                recipe=order.recipe,
                adapters=order.adapters,
                on_try=self._trying(order.job),
            )
            self._check_wanted(order.job)
            self._begin_previews(order)
            self._drawing_since = time.monotonic()
            drawn = self._engine.draw(
                loaded, order.recipe, source, on_step, order.adapters, mask=mask, previews=self._previews
            )
        except Exception as error:
            ran_out = self._pipelines.step_down() if is_out_of_memory(error) else None
            if ran_out is not None:
                self._channel.send(RanOut(job=order.job, tried=ran_out))
            if again or ran_out is None:
                raise
            log.warning("memory ran out for %s, so a lower step is taken: %s", order.job, error)
            return None
        step = str(loaded.step)
        died_on = {each.tried.step for each in order.ran_out if each.job == order.job}
        environment = replace(
            drawn.environment,
            dtype=loaded.placement.dtype_name,
            placement=step,
            short_of_memory=again or bool(died_on - {step}),
        )
        return replace(drawn, environment=environment)

    def _seconds(self) -> float:
        """How long the job has been drawn: loading is charged to no job that waits for it."""
        return 0.0 if self._drawing_since is None else time.monotonic() - self._drawing_since

    def _trying(self, job: str) -> Callable[["Try"], None]:
        return lambda tried: self._channel.send(Trying(job=job, tried=tried))

    def _begin_previews(self, order: Generate) -> None:
        def tell(picture: bytes) -> None:
            self._channel.send(Preview(job=order.job, picture=picture))

        self._previews.begin(tell, every=order.preview_every)

    def _fetching(self, job: str, model: str) -> "OnBytes":
        """Tells how far fetching `model` is, now and then, and ends it for a job that is not wanted any more."""
        told = 0.0

        def on_bytes(done: int, total: int) -> None:
            nonlocal told
            self._check_wanted(job)
            if time.monotonic() - told >= _TELL_EVERY or done == total:
                told = time.monotonic()
                self._channel.send(Loading(job=job, model=model, done=done, total=total))

        return on_bytes

    def _check_wanted(self, job: str) -> None:
        if self._channel.should_stop(job):
            raise Stopped


def write_pictures(folder: Path, job: str, recipe: "Recipe", drawn: "Drawn") -> tuple[DrawnPicture, ...]:
    """Write `job`.png, `job`-2.png and so on; they are all there whole, or none is. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    with ExitStack() as undoing:
        for index, (image, flagged) in enumerate(zip(drawn.images, drawn.flagged, strict=True)):
            name = f"{job}.png" if index == 0 else f"{job}-{index + 1}.png"
            unfinished = folder / f".{name}.part"
            try:
                with unfinished.open("wb") as file:
                    image.save(file, format="PNG", pnginfo=metadata.pnginfo(recipe, index))
                    file.flush()
                    os.fsync(file.fileno())
                digest = hashlib.sha256(unfinished.read_bytes()).hexdigest()
                unfinished.replace(folder / name)
            finally:
                unfinished.unlink(missing_ok=True)
            undoing.callback((folder / name).unlink, missing_ok=True)
            pictures.append(
                DrawnPicture(
                    path=name,
                    seed=recipe.seeds[index],
                    sha256=digest,
                    width=image.width,
                    height=image.height,
                    flagged=flagged,
                )
            )
        undoing.pop_all()
    return tuple(pictures)


def failure_of(error: Exception) -> Failure:
    """What `error` means for whoever asked; the log has the rest."""
    from generation.worker.adapters import Unfit
    from generation.worker.engine import NoNumbers
    from generation.worker.memory import is_out_of_memory
    from generation.worker.modes import SourceMissing

    words = str(error) or type(error).__name__
    match error:
        case ModelUnavailable():
            kind, words = FailureKind.MODEL_UNAVAILABLE, error.reason
        case SourceMissing():
            kind = FailureKind.SOURCE_MISSING
        case Unfit():
            kind = FailureKind.UNFIT
        case NoNumbers():
            kind = FailureKind.OVERFLOW
        case _ if is_out_of_memory(error):
            kind = FailureKind.OUT_OF_MEMORY
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            kind = FailureKind.DISK_FULL
        case _:
            kind, words = FailureKind.BUG, f"{type(error).__name__}: {words}"
    if kind is FailureKind.BUG:
        log.error("unexpected", exc_info=error)
    else:
        log.warning("%s: %s", kind, words)
    if len(words) > _LONGEST_DETAIL:
        words = words[: _LONGEST_DETAIL - 1] + "…"
    return Failure(kind=kind, detail=words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take over standard input and output, and work until the end of orders. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m generation.worker", description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads to compute with")
    parser.add_argument("--no-watermark", action="store_true", help="leave pictures unmarked")
    parser.add_argument("--no-content-filter", action="store_true", help="load no model's safety checker")
    parser.add_argument("--memory", type=float, default=None, help="gigabytes of the device that models may take")
    parser.add_argument("--folder", type=Path, default=None, help="where models lie that have no room in memory")
    options = parser.parse_args(arguments)

    # 1. The channel, before anything can print
    channel = Channel.take_over()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent decides
    signal.signal(signal.SIGTERM, lambda *_: channel.shut_down())
    channel.listen()

    # 2. The device, and the libraries, which take seconds
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import torch

    from generation.worker.placement import BadDevice, place

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        placement = place(options.device)
    except BadDevice as error:
        log.error("%s", error)  # noqa: TRY400 (the words say it all)
        return _BAD_USE
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()

    # 3. Orders
    Worker(
        channel,
        placement,
        watermarked=not options.no_watermark,
        filtered=not options.no_content_filter,
        memory=options.memory,
        folder=options.folder,
    ).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
