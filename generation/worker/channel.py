"""The worker's two pipes: orders come in by a thread of their own, reports go out."""

import logging
import os
import sys
import threading
from queue import SimpleQueue
from typing import Self

from generation.protocol import Cancel, Describe, Generate, Load, Order, Report, ShutDown, decode_order, encode

log = logging.getLogger(__name__)

_CHUNK = 65536  # bytes of one read


class Channel:
    """Orders from one file descriptor, reports to another.

    Orders are read while a picture is drawn, so that a cancellation is seen between two steps. Only one thread
    may take orders and send reports.
    """

    def __init__(self, orders: int, reports: int) -> None:
        self._orders = orders
        self._reports = reports
        # A SimpleQueue may be put to from a signal handler; a plain Queue could lock itself up there.
        self._waiting: SimpleQueue[Load | Generate | Describe | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._open_jobs: set[str] = set()
        self._cancelled: set[str] = set()
        self._ending = False
        self.abandoned = False  # nobody is at the other end any more

    @classmethod
    def take_over(cls) -> Self:
        """Make a channel of standard input and output, and put harmless ends in their place.

        Whatever a library prints from now on goes to standard error, also from C, and nothing else reads orders.
        """
        sys.stdout.flush()
        orders, reports = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(orders, reports)

    def listen(self) -> None:
        """Begin to read orders. The thread ends with the process, wherever it is."""
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def take(self) -> Load | Generate | Describe | None:
        """Wait for the next order; None means the end."""
        order = self._waiting.get()
        return None if self._ending else order

    def send(self, report: Report) -> None:
        """Send a report; where nobody reads any more the channel is abandoned."""
        line = encode(report)
        try:
            while line:
                line = line[os.write(self._reports, line) :]
        except BrokenPipeError:
            self.abandon()

    def should_stop(self, job: str) -> bool:
        """Whether drawing `job` further is of no use to anybody."""
        return self.abandoned or job in self._cancelled

    def end_job(self, job: str) -> None:
        """Forget `job`: a cancellation that comes from now on is late."""
        with self._lock:
            self._open_jobs.discard(job)
            self._cancelled.discard(job)

    def shut_down(self) -> None:
        """Take no further order. Safe to call from a signal handler."""
        self._ending = True
        self._waiting.put(None)

    def abandon(self) -> None:
        """The other end is gone: stop at the next step."""
        self.abandoned = True
        self.shut_down()

    def _read(self) -> None:
        # Not a buffered file: its lock, held by this thread at the end of the process, would be a fatal error.
        rest = b""
        while chunk := os.read(self._orders, _CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._receive(line)
        if not self._ending:
            self.abandon()

    def _receive(self, line: bytes) -> None:
        try:
            order: Order = decode_order(line)
        except ValueError as error:
            log.error("not an order, ignored: %r (%s)", line[:200], error)  # noqa: TRY400 (the words say it all)
            return
        match order:
            case Generate():
                with self._lock:
                    self._open_jobs.add(order.job)
                self._waiting.put(order)
            case Load() | Describe():
                self._waiting.put(order)
            case Cancel():
                with self._lock:
                    if order.job in self._open_jobs:
                        self._cancelled.add(order.job)
            case ShutDown():
                self.shut_down()
