"""Models with nothing wrong, and copies of them to be damaged."""

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tests.models import single_file, small_depth, small_sd1, small_sdxl

# What comes in place of weights, and what is always said of it
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4265146304\n"
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
AGAIN = "copy or download it again"

Fault = tuple[Callable[["Copy"], Path], str]  # how it is made, and what is read of it


@dataclass(frozen=True)
class Whole:
    """Models with nothing wrong, to be copied and damaged."""

    folder: Path
    file: Path
    checkpoint: Path
    sdxl: Path
    depth: Path


def made(base: Path) -> Whole:
    torch.set_num_threads(1)
    folder = small_sd1(base / "sd1")
    return Whole(
        folder=folder,
        file=single_file(folder, base / "sd1-file.safetensors"),
        checkpoint=single_file(folder, base / "sd1-checkpoint.ckpt"),
        sdxl=small_sdxl(base / "sdxl"),
        depth=single_file(small_depth(base / "depth"), base / "depth-file.safetensors"),
    )


class Copy:
    """Copies of what is whole, in a folder of the test's own."""

    def __init__(self, whole: Whole, folder: Path) -> None:
        self._whole = whole
        self.at = folder

    def folder(self) -> Path:
        return Path(shutil.copytree(self._whole.folder, self.at / "model"))

    def file(self, name: str = "model.safetensors") -> Path:
        shutil.copytree(self._whole.file.with_suffix(".config"), self.at / "model.config")
        source = self._whole.file if name.endswith(".safetensors") else self._whole.checkpoint
        return Path(shutil.copy(source, self.at / name))

    def depth(self) -> Path:
        shutil.copytree(self._whole.depth.with_suffix(".config"), self.at / "model.config")
        return Path(shutil.copy(self._whole.depth, self.at / "model.safetensors"))

    def sdxl_config(self) -> Path:
        return Path(shutil.copytree(self._whole.sdxl, self.at / "model.config", dirs_exist_ok=True))


def weights(folder: Path, part: str = "unet") -> Path:
    return next((folder / part).glob("*.safetensors"))


def changed(file: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def header(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    table = json.loads(content[8 : 8 + length])
    change(table)
    encoded = json.dumps(table).encode()
    file.write_bytes(struct.pack("<Q", len(encoded)) + encoded + content[8 + length :])


def first(tensors: dict[str, Any], start: str = "", end: str = "weight") -> str:
    return min(name for name in tensors if name.startswith(start) and name.endswith(end))


def edited(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


class Runs:
    """What an attacker would put into a checkpoint."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))
