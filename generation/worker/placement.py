"""Where a model runs, and in what precision."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

_DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_ROUNDS = 2  # of measuring, the better of which counts
_WORTH_IT = 1.25  # times faster: less is within what two measurements differ by, and fp32 is the more exact one


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
    dtype, reason = cpu_precision(seconds_of_a_layer(torch.float32), seconds_of_a_layer(torch.bfloat16))
    return Placement(
        device=torch.device("cpu"),
        name="cpu",
        dtype=dtype,
        reason=reason,
        memory=psutil.virtual_memory().total,
        draws_batches=False,
    )


def cpu_precision(full: float, half: float) -> tuple[torch.dtype, str]:
    """The precision for a CPU that takes `full` seconds for a layer in fp32 and `half` in bf16, and why.

    Half floats (fp16) are never worth it there, and some of their operations do not exist.
    """
    if full >= _WORTH_IT * half:
        return torch.bfloat16, f"measured here, bf16 is {full / half:.1f} times as fast as fp32"
    if half >= _WORTH_IT * full:
        return torch.float32, f"measured here, fp32 is {half / full:.1f} times as fast as bf16"
    return torch.float32, "measured here, fp32 is about as fast as bf16, and more exact"


@torch.inference_mode()
def seconds_of_a_layer(dtype: torch.dtype, clock: Callable[[], float] = time.process_time) -> float:
    """Seconds that the CPU takes in `dtype` for what a denoising network is made of, at its best.

    A convolution of 320 channels at 64x64 and a product of (1024, 1280) by (1280, 1280). What other programs take
    of the CPU meanwhile does not count.
    """
    convolution = torch.nn.Conv2d(320, 320, 3, padding=1, dtype=dtype)
    linear = torch.nn.Linear(1280, 1280, dtype=dtype)
    pixels, tokens = torch.ones(1, 320, 64, 64, dtype=dtype), torch.ones(1024, 1280, dtype=dtype)
    best = float("inf")
    for _ in range(_ROUNDS + 1):  # the first one prepares
        started = clock()
        convolution(pixels)
        linear(tokens)
        best = min(best, clock() - started)
    return best
