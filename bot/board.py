"""The board: how far every job is, who follows it, and in what order they come."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.updates import Drawing, Feed, Waiting
from generation import Estimate, Job, JobQueue, Loading, Preview, Progress


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """One line of `/queue`; `place` 0 is being drawn. `prompt` is for everybody's eyes unless `private`."""

    generation_id: str
    member_id: int
    place: int
    expected: Estimate  # until it is there
    running: bool
    private: bool
    prompt: str
    model: str


class Board:
    """Shows each job that was accepted and has not ended; `current` is the one being drawn.

    `estimate` says how long a job takes, by what has been learned so far.
    """

    def __init__(self, queue: JobQueue, *, estimate: Callable[[Job], Estimate]) -> None:
        self._queue = queue
        self._estimate = estimate
        self._feeds: dict[str, Feed] = {}
        self._private: set[str] = set()
        self._first_step_at: float | None = None
        self.current: Job | None = None

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._feeds

    def __len__(self) -> int:
        return len(self._feeds)

    def feed(self, job_id: str) -> Feed | None:
        return self._feeds.get(job_id)

    def put_up(self, job: Job, *, private: bool) -> None:
        """Show a new job."""
        self._feeds[job.id] = Feed(Waiting(place=1, expected=self._estimate(job)))
        if private:
            self._private.add(job.id)

    def take_down(self, job_id: str) -> Feed:
        """Show a job no longer; its followers are told what is set on the feed that comes back."""
        self._private.discard(job_id)
        return self._feeds.pop(job_id)

    def begin(self, job: Job) -> None:
        """Show `job` as the one that is being drawn."""
        self.current = job
        self._first_step_at = None
        self._feeds[job.id].set(Drawing(step=0, steps=0, remaining=None))
        self.tell_places()

    def leave(self) -> None:
        """Nothing is being drawn."""
        self.current = None
        self.tell_places()

    def tell_places(self) -> None:
        """Tell everybody who waits where they are by now."""
        expected = self._remaining()
        place = 0
        for turn in self._queue.order():
            expected += self._estimate(turn) if isinstance(turn, Job) else Estimate.sure(turn.cost)
            if isinstance(turn, Job):
                place += 1
                self._feeds[turn.id].set(Waiting(place=place, expected=expected))

    def tell_progress(self, job: Job, report: Loading | Progress | Preview) -> None:
        """Tell the followers of the job being drawn what the worker reported."""
        before = self._feeds[job.id].update
        match report:
            case Preview(picture=picture):
                if not isinstance(before, Drawing):
                    return
                update = replace(before, preview=picture)
            case Loading():
                update = Drawing(step=0, steps=0, remaining=None, loading=True)
            case Progress(step=step, steps=steps):
                now = time.monotonic()
                if self._first_step_at is None:
                    self._first_step_at = now
                    remaining = None
                else:
                    remaining = (now - self._first_step_at) / max(1, step - 1) * (steps - step)
                preview = before.preview if isinstance(before, Drawing) else None
                update = Drawing(step=step, steps=steps, remaining=remaining, preview=preview)
        self._feeds[job.id].set(update)

    def lines(self) -> tuple[QueuedJob, ...]:
        """The job being drawn and those that wait, in the order in which they will be drawn."""
        running = () if self.current is None else (self.current,)
        return tuple(self._line(job) for job in (*running, *self._queue.jobs()))

    def _line(self, job: Job) -> QueuedJob:
        match self._feeds[job.id].update:
            case Waiting(place=place, expected=expected):
                pass
            case _:
                place, expected = 0, self._remaining()
        return QueuedJob(
            generation_id=job.id,
            member_id=job.member,
            place=place,
            expected=expected,
            running=job is self.current,
            private=job.id in self._private,
            prompt=job.recipe.prompt,
            model=job.recipe.model,
        )

    def _remaining(self) -> Estimate:
        """Until the job being drawn is done, as far as one can tell."""
        if self.current is None:
            return Estimate.sure(0.0)
        update = self._feeds[self.current.id].update
        known = update.remaining if isinstance(update, Drawing) else None
        return self._estimate(self.current) if known is None else Estimate.sure(known)
