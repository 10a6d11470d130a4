"""The ladder of memory: what a picture needs on each step of it, what there is, and which step is taken.

Each step down needs less memory and takes more time. On a GPU a model is whole on the device, then decodes by
tiles, then lends its parts to the device, then its blocks, then single layers. On a CPU it is whole in the
precision that was measured to be faster, then decodes by tiles, then has two bytes a number, then stays in a file
of which only the layer at work is resident.
"""

import ctypes
import errno
import gc
import logging
import mmap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Self

import psutil
import torch
from safetensors import SafetensorError

from generation.model import Family
from generation.tries import Need
from generation.worker.placement import Placement

log = logging.getLogger(__name__)


class Weights(StrEnum):
    """How weights lie in memory; each way needs less of it than those above."""

    WHOLE = "full"  # all of them on the device
    BY_PART = "model offload"  # the part at work on the device, the others in the computer's memory
    BY_BLOCK = "group offload"  # the block at work and the next one
    BY_LAYER = "sequential offload"  # the layer at work
    MAPPED = "mapped weights"  # in a file; of a CPU's memory the layer at work


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the ladder. `tiled`: pictures are decoded by tiles; `sliced`: attention is computed by heads."""

    dtype: torch.dtype
    weights: Weights = Weights.WHOLE
    tiled: bool = False
    sliced: bool = False

    def __str__(self) -> str:
        names = [str(self.weights), str(self.dtype).removeprefix("torch.")]
        names += ["VAE tiling"] if self.tiled else []
        names += ["attention slicing"] if self.sliced else []
        return ", ".join(names)

    @classmethod
    def named(cls, name: str) -> Self | None:
        """The step that says `name` of itself, on whatever ladder it is; None for words of another version."""
        dtypes = (torch.float32, torch.bfloat16, torch.float16)
        every = (
            cls(dtype=dtype, weights=weights, tiled=tiled, sliced=sliced)
            for dtype, weights, tiled, sliced in product(dtypes, Weights, (False, True), (False, True))
        )
        return next((step for step in every if str(step) == name), None)

    def takes_as_much_as(self, other: "Step") -> bool:
        """Whether it needs no less than `other`, which may be a step of another ladder: of another precision."""
        ways = list(Weights)
        return (
            self.dtype.itemsize >= other.dtype.itemsize
            and ways.index(self.weights) <= ways.index(other.weights)
            and self.tiled <= other.tiled
            and self.sliced <= other.sliced
        )


def ladder(placement: Placement) -> tuple[Step, ...]:
    """The steps that there are on a device, the fastest first.

    PyTorch's attention keeps no table of every pixel against every other on CUDA and on CPUs, so that slicing it
    saves nothing there; on Apple's GPUs it does. A step in full precision is followed by one in half where that is
    smaller on a CPU; a GPU has half precision from the start where it knows it.
    """
    full = Step(dtype=placement.dtype)
    tiled = replace(full, tiled=True)
    match placement.device.type:
        case "cuda":
            lent = (Weights.BY_PART, Weights.BY_BLOCK, Weights.BY_LAYER)
            return (full, tiled, *(replace(tiled, weights=each) for each in lent))
        case "mps":  # one memory for both processors, so that lending from one to the other saves nothing
            return (full, tiled, replace(tiled, sliced=True))
        case _:
            small = replace(tiled, dtype=torch.bfloat16)
            steps = (full, tiled, small) if small != tiled else (full, tiled)
            return (*steps, replace(small, weights=Weights.MAPPED)) if _can_map() else steps


def _can_map() -> bool:
    return hasattr(mmap, "MADV_DONTNEED")  # not on Windows


# Need ----------------------------------------------------------------------------------------------------------

# Bytes of activations for each pixel of a picture and byte of the precision, as counted over one pass of the true
# architectures (tests/unit/generation/worker/test_memory.py counts again): nothing in them grows faster than that.
_UNET = {Family.SD1: 131.0, Family.SD2: 131.0, Family.SDXL: 80.0}
_UPSCALER = 245.0
_CONTROL = {Family.SD1: 39.0, Family.SD2: 39.0, Family.SDXL: 32.0}  # more, with a ControlNet
_TRANSFORMER = 100.0  # Stable Diffusion 3 and FLUX; not counted
_DECODER, _ENCODER = 769.0, 644.0
_OVERFLOWS = {Family.SDXL}  # autoencoders whose numbers fp16 cannot hold: they compute in fp32
TILE = 512  # pixels to a side of what is decoded at once, by tiles
_HEADS = {Family.SD1: (8, 8), Family.SD2: (5, 8), Family.SDXL: (10, 16)}  # and pixels to a side of what they see
_SCRATCH = 1.15  # times: convolutions take room for themselves, and allocators do not fill theirs
# Bytes of activations of a detector, whose pictures are of one size: those that Easel knows take 15 to 200 MB. The
# one within Stable Diffusion 2 with depth takes as much, which is less than decoding what it draws.
_LOOK = 300e6
_LOOK_WIDTH = 4  # bytes to each of its numbers
_BASE = {
    "cuda": 600e6,
    "mps": 300e6,
    "cpu": 250e6,
}  # contexts, kernels, thread arenas: what comes with the first run


def activations(need: Need, family: Family, step: Step, device: str) -> tuple[float, float]:
    """Bytes beside the weights for the denoising network, guided, and for the autoencoder."""
    width, samples = step.dtype.itemsize, 2 * need.batch
    each = _UPSCALER if need.upscales else _UNET.get(family, _TRANSFORMER)
    each += _CONTROL.get(family, 0.0) if need.control else 0.0
    network = each * need.pixels * samples
    if device == "mps" and not step.sliced and family in _HEADS:
        heads, side = _HEADS[family]
        network += heads * (need.pixels / side**2) ** 2 * samples
    shown = min(need.pixels, TILE**2) if step.tiled else need.pixels
    precise = step.dtype is torch.float16 and family in _OVERFLOWS
    return network * width, max(_DECODER, _ENCODER) * shown * (torch.float32.itemsize if precise else width)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How many numbers the parts of a model hold, by their names, and the largest of their blocks."""

    parts: Mapping[str, int]
    block: int

    @property
    def all(self) -> int:
        return sum(self.parts.values())

    @property
    def autoencoder(self) -> int:
        return self.parts.get("vae", 0)

    @property
    def largest(self) -> int:
        return max(self.parts.values(), default=0)


def count(parts: Mapping[str, torch.nn.Module]) -> Numbers:
    """The numbers in parts that are loaded."""
    blocks = [
        _numbers(block)
        for part in parts.values()
        for children in part.children()
        for block in (children if isinstance(children, torch.nn.ModuleList) else (children,))
    ]
    return Numbers(parts={name: _numbers(part) for name, part in parts.items()}, block=max(blocks, default=0))


def _numbers(module: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in (*module.parameters(), *module.buffers()))


def weights_on_device(numbers: Numbers, step: Step, *, control: int = 0) -> float:
    """Bytes of the device that weights take between two pictures, with a ControlNet of `control` numbers."""
    match step.weights:
        case Weights.WHOLE:
            kept = numbers.all + control
        case Weights.BY_BLOCK | Weights.BY_LAYER:
            kept = numbers.autoencoder
        case _:
            kept = 0
    return float(kept * step.dtype.itemsize)


def predict(need: Need, family: Family, numbers: Numbers, step: Step, device: str) -> float:
    """Bytes of the device that drawing takes at its highest, the weights included."""
    network, autoencoder = activations(need, family, step, device)
    width = step.dtype.itemsize
    base, vae, control = weights_on_device(numbers, step), numbers.autoencoder * width, need.control * width
    match step.weights:
        case Weights.WHOLE:
            peak = base + control + max(network, autoencoder) * _SCRATCH
        case Weights.MAPPED:
            peak = base + max(network, autoencoder) * _SCRATCH
        case Weights.BY_PART:  # no other part sends a ControlNet away
            at_work = max(numbers.largest * width + vae + network * _SCRATCH, vae + autoencoder * _SCRATCH)
            peak = control + at_work
        case Weights.BY_BLOCK:  # one at work, one on its way
            peak = base + max(2 * numbers.block * width + network * _SCRATCH, autoencoder * _SCRATCH)
        case Weights.BY_LAYER:
            peak = base + max(network, autoencoder) * _SCRATCH
    if need.detector:
        peak = max(peak, base + control + need.detector * _LOOK_WIDTH + _LOOK)
    return peak + _BASE[device]


# Room ----------------------------------------------------------------------------------------------------------

_RESERVE = {"cuda": 0.3e9, "mps": 1e9, "cpu": 1e9}  # left to the system and to the bot itself
_CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 2**60  # what version 1 says where there is none


class Room:
    """What drawing may take of a device's memory: `limit` bytes in all, or what is free less a reserve.

    On a CPU the limit is that of the whole process, its libraries included.
    """

    def __init__(self, placement: Placement, limit: int | None, *, groups: Path = _CGROUPS) -> None:
        self._device = placement.device
        self._limit = limit
        self._groups = groups
        self._memory = placement.memory

    @property
    def most(self) -> int:
        """Bytes that drawing may take where nothing else does."""
        if self._limit is not None:
            return self._limit
        shared = None if self._device.type == "cuda" else limit_of_group(self._groups)
        return self._memory if shared is None else min(self._memory, shared)

    def left(self) -> float:
        """Bytes that can be taken beside what is taken already; negative where it is too much."""
        if self._limit is not None:
            return self._limit - self._taken()
        return self._free() - _RESERVE[self._device.type]

    def _taken(self) -> float:
        match self._device.type:
            case "cuda":
                return float(torch.cuda.memory_allocated(self._device))
            case "mps":
                return float(torch.mps.current_allocated_memory())
            case _:
                return float(psutil.Process().memory_info().rss)

    def _free(self) -> float:
        if self._device.type == "cuda":
            cached = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
            return float(torch.cuda.mem_get_info(self._device)[0] + cached)
        return free_of_computer(self._groups)


def free_of_computer(groups: Path = _CGROUPS) -> float:
    """Bytes of the computer's own memory that can be taken."""
    left = left_in_group(groups)
    free = float(psutil.virtual_memory().available)
    return free if left is None else min(free, left)


# Of both versions of control groups: a group's limit, what is taken of that, and what of this goes by itself.
_OF_GROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


def limit_of_group(groups: Path = _CGROUPS) -> int | None:
    """Bytes that a container or service lets its processes have; None where nothing limits them."""
    for limit, _, _ in _OF_GROUPS:
        with suppress(OSError, ValueError):
            most = (groups / limit).read_text().strip()
            return None if most == "max" or int(most) >= _NO_LIMIT else int(most)
    return None


def left_in_group(groups: Path = _CGROUPS) -> int | None:
    """Bytes that a container or service leaves to its processes; None where nothing limits them."""
    most = limit_of_group(groups)
    if most is None:
        return None
    for limit, used, idle in _OF_GROUPS:
        with suppress(OSError, ValueError):
            taken = int((groups / used).read_text())
            lines = (groups / limit).with_name("memory.stat").read_text().splitlines()
            given_back = next((int(line.split()[1]) for line in lines if line.startswith(f"{idle} ")), 0)
            return most - taken + given_back
    return None


def worth_taking(steps: Sequence[Step], costs: Callable[[Step], float]) -> list[Step]:
    """Those of `steps` that cost less than every one above them; the first one always."""
    kept = list(steps[:1])
    for step in steps[1:]:
        if costs(step) < costs(kept[-1]):
            kept.append(step)
    return kept


def choose(steps: Sequence[Step], costs: Callable[[Step], float], room: float) -> Step:
    """The first step that fits into `room`, else the last one: predictions err towards too much."""
    return next((step for step in steps if costs(step) <= room), steps[-1])


def give_back(device: torch.device) -> None:
    """Have the system get what nothing uses any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        trim()


def trim() -> None:
    """Have the system get what the C library keeps of freed memory; glibc alone can be told."""
    if (release := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        release(0)


# As PyTorch's own allocators say it, oneDNN's, threads that find no room for their stack, and safetensors.
_NO_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "could not create a primitive",
    "can't start new thread",
    "Cannot allocate memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether PyTorch or Python found no memory; not all that allocates has a class of its own for it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = str(error)
    return isinstance(error, RuntimeError | SafetensorError) and any(each in words for each in _NO_MEMORY)
