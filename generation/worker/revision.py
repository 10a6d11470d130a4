"""Which version of a model's weights this is."""

import hashlib
import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}")
_WHOLE = 64 * 2**20  # bytes; smaller files are read in full
_SLICES, _SLICE = 16, 2**20  # of a larger one, as many slices of as many bytes
_KINDS = frozenset({".safetensors", ".bin", ".ckpt", ".json", ".txt"})


def revision_of(path: Path) -> str:
    """The hub's commit for a snapshot from the hub, else a SHA-256 over names, sizes and contents.

    Of large files evenly spaced slices are read, the first one with the header: training changes weights
    everywhere, and reading many gigabytes whole would take longer than loading them.
    """
    if _COMMIT.fullmatch(path.name) and path.parent.name == "snapshots":
        return path.name
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.suffix in _KINDS)
    digest = hashlib.sha256()
    for file in files:
        name = file.name if file == path else file.relative_to(path).as_posix()
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        _add(digest, file)
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as opened:
        if size <= _WHOLE:
            digest.update(opened.read())
            return
        for number in range(_SLICES):
            opened.seek(number * (size - _SLICE) // (_SLICES - 1))
            digest.update(opened.read(_SLICE))
