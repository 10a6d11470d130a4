"""Where a model runs, and in what precision."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_CPU_FACTS = Path("/proc/cpuinfo")


class BadDevice(ValueError):
    """A device that does not exist here; its words are for the operator."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A device, the precision chosen for it and why; `memory` is what the device has, in bytes.

    `draws_batches` says whether the pictures of one job are drawn together. An accelerator is faster so. A CPU is
    not, and one at a time every picture can be drawn again to the bit.
    """

    device: torch.device
    name: str
    dtype: torch.dtype
    reason: str
    memory: int
    draws_batches: bool

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def __str__(self) -> str:
        return str(self.device) if self.name == str(self.device) else f"{self.device} {self.name}"


def place(asked: str) -> Placement:
    """The placement for a device as settings name it. Raises BadDevice."""
    if not _DEVICES.fullmatch(asked):
        raise BadDevice(f"device {asked!r} is unknown; use auto, cpu, cuda, cuda:1 or mps")
    if asked == "auto":
        asked = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    match asked.split(":")[0]:
        case "cuda":
            return _on_cuda(asked)
        case "mps":
            return _on_mps()
        case _:
            return _on_cpu()


def _on_cuda(asked: str) -> Placement:
    if not torch.cuda.is_available():
        raise BadDevice(
            f"device {asked!r} was asked for, but this PyTorch ({torch.__version__}) sees no CUDA device; "
            "install a CUDA build and a driver, or set EASEL_DEVICE=cpu"
        )
    index = int(asked.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise BadDevice(
            f"device {asked!r} does not exist; there are {torch.cuda.device_count()} CUDA devices, from 0"
        )
    properties = torch.cuda.get_device_properties(index)
    dtype, reason = cuda_precision((properties.major, properties.minor))
    return Placement(
        device=torch.device("cuda", index),
        name=properties.name,
        dtype=dtype,
        reason=reason,
        memory=properties.total_memory,
        draws_batches=True,
    )


def cuda_precision(capability: tuple[int, int]) -> tuple[torch.dtype, str]:
    """The precision for a GPU of CUDA compute capability `capability`, and why."""
    version = ".".join(map(str, capability))
    if capability >= (8, 0):
        return torch.bfloat16, f"compute capability {version} has bf16 matrix units, which do not overflow"
    if capability >= (7, 0):
        return torch.float16, f"compute capability {version} has fp16 matrix units and no bf16 ones"
    return torch.float32, f"compute capability {version} is slow in half precision"


def _on_mps() -> Placement:
    if not torch.backends.mps.is_available():
        raise BadDevice("device 'mps' was asked for, but there is none here; set EASEL_DEVICE=auto")
    return Placement(
        device=torch.device("mps"),
        name="Apple GPU",
        dtype=torch.float16,
        reason="Apple GPUs are twice as fast in fp16",
        memory=psutil.virtual_memory().total,
        draws_batches=True,
    )


def _on_cpu() -> Placement:
    dtype, reason = cpu_precision(processor_features())
    return Placement(
        device=torch.device("cpu"),
        name="cpu",
        dtype=dtype,
        reason=reason,
        memory=psutil.virtual_memory().total,
        draws_batches=False,
    )


def cpu_precision(features: AbstractSet[str]) -> tuple[torch.dtype, str]:
    """The precision for a CPU with `features`, and why. Half floats (fp16) are never worth it there."""
    if "amx_bf16" in features:
        return torch.bfloat16, "the processor has bf16 matrix units (AMX)"
    return torch.float32, "the processor has no bf16 matrix units, and is slower in bf16 than in fp32 without"


def processor_features(facts: Path = _CPU_FACTS) -> frozenset[str]:
    """What the processor can do, in the kernel's words; PyTorch is asked where there is no such file."""
    try:
        text = facts.read_text(encoding="utf-8", errors="replace")
    except OSError:
        capabilities = torch.cpu.get_capabilities()
        return frozenset(name for name, has in capabilities.items() if has is True)
    lines = (line.partition(":") for line in text.splitlines())
    return frozenset(word for name, _, words in lines if name.strip() == "flags" for word in words.split())
