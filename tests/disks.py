"""Small and read-only disks, where this user may mount them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[Path]:
    """A disk in memory of that size at `folder`, for the block; the test is skipped where it cannot be had."""
    folder.mkdir()
    size = f"size={kilobytes}k"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount disks")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def make_read_only(disk: Path, *, writable: bool = False) -> None:
    """Let nobody write to a mounted disk, or let everybody again."""
    mode = "rw" if writable else "ro"
    subprocess.run(["mount", "-o", f"remount,{mode}", disk], check=True, capture_output=True)


def fill(disk: Path, *, leaving: int) -> None:
    """Write to the file `filling` of a disk until at most `leaving` bytes are free."""
    with (disk / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            file.truncate(max(0, file.tell() - leaving))
