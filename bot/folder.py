"""The operator's folders: made where they are missing, tried before they are relied on, owned by one process."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bot.errors import AlreadyRunning, FolderUnusable


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Make `folder` where it is missing and try to write there, then do in it what the block does.

    Raises FolderUnusable for whatever the system has against that, in the block as well.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        yield
    except OSError as error:
        raise FolderUnusable(str(folder), error.strerror or str(error)) from error


@contextmanager
def owned(data_dir: Path) -> Iterator[None]:
    """Own the data folder's queue in the block; a process lets go of it however it ends. Raises AlreadyRunning."""
    lock = FileLock(data_dir / "easel.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise AlreadyRunning(str(data_dir)) from None
    try:
        yield
    finally:
        lock.release()


def settle(folder: Path) -> None:
    """Have what was renamed in `folder` survive a power cut, where the system can be told to."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
