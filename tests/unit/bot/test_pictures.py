"""Source images are kept once, whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from bot.pictures import Pictures


async def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    kept = {await pictures.keep_source(b"a picture") for _ in range(2)}
    assert [pictures.source_file(sha256) for sha256 in kept] == list(pictures.sources.iterdir())


async def test_a_disk_that_is_full_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    pictures = Pictures(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        await pictures.keep_source(b"a picture")
    assert list(pictures.sources.iterdir()) == []
