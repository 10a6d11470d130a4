"""The operator's folders: made where they are missing, and tried before anything relies on them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import FolderUnusable


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
