"""How a model's weights lie: on the device, lent to it piece by piece, or in a file."""

import mmap
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from generation.worker import kernels
from generation.worker.memory import TILE, Step, Weights


class Lent:
    """The parts of a model on its device as a step says; `rest` takes back what is lent to the device."""

    def __init__(self, parts: Mapping[str, torch.nn.Module], step: Step, device: torch.device) -> None:
        """`parts` are in the order in which drawing needs them."""
        self._device = device
        self._lent_whole: tuple[torch.nn.Module, ...] = ()
        self._hooks: list[Any] = []
        match step.weights:
            case Weights.WHOLE:
                for part in parts.values():
                    kernels.lay(part, device, step.dtype)
            case Weights.BY_PART:
                self._lent_whole = tuple(parts.values())
                self._lend()
            case Weights.BY_BLOCK | Weights.BY_LAYER:
                for name, part in parts.items():
                    # The autoencoder is small, and may have to change its precision.
                    if name == "vae":
                        part.to(device)
                    else:
                        _lend_groups(part, step, device)
            case Weights.MAPPED:
                pass  # each was mapped as soon as it was read

    def rest(self) -> None:
        for hook in self._hooks:
            hook.offload()

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Have what is lent whole in the computer's memory for a while, as if it was never lent.

        diffusers, where it finds parts that are lent, lends them anew in its own way: to the first device.
        """
        for hook in self._hooks:
            hook.offload()
            hook.remove()
        try:
            yield
        finally:
            self._lend()

    def _lend(self) -> None:
        from accelerate import cpu_offload_with_hook  # type: ignore[import-untyped] # it says nothing of its types

        self._hooks = []
        for part in self._lent_whole:
            last = self._hooks[-1] if self._hooks else None
            self._hooks.append(cpu_offload_with_hook(part, self._device, prev_module_hook=last)[1])


def _lend_groups(part: torch.nn.Module, step: Step, device: torch.device) -> None:
    from diffusers.hooks import apply_group_offloading

    by_block = step.weights is Weights.BY_BLOCK
    options: dict[str, Any] = {"offload_type": "block_level", "num_blocks_per_group": 1} if by_block else {}
    apply_group_offloading(
        part,
        onload_device=device,
        offload_device=torch.device("cpu"),
        # The next block is fetched while one is at work.
        use_stream=by_block and device.type == "cuda",
        **(options or {"offload_type": "leaf_level"}),
    )


def parts_of(pipeline: Any) -> dict[str, torch.nn.Module]:
    """The parts of `pipeline` that have weights, in the order in which drawing needs them."""
    order = ("text_encoder", "text_encoder_2", "text_encoder_3", "depth_estimator", "unet", "transformer", "vae")
    return {name: part for name in order if (part := getattr(pipeline, name, None)) is not None}


def set_up_parts(pipeline: Any, step: Step) -> None:
    """Have the parts compute as `step` says: large pictures decoded by tiles, attention by slices."""
    if step.sliced:
        pipeline.enable_attention_slicing()
    vae = pipeline.vae
    if not step.tiled:
        vae.disable_tiling()
        return
    vae.enable_tiling()
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    side = min(TILE, vae.config.sample_size)
    vae.tile_sample_min_size, vae.tile_latent_min_size = side, side // factor


_ALIGNED = 64  # bytes: what vector instructions like


def map_weights(module: torch.nn.Module, folder: Path | None = None) -> None:
    """Move the weights of `module` to a file, of which what is at work is resident, and no more.

    The file has no name: it is gone with the module, or with the process. `folder` is where it lies; the memory
    that is saved is none where that is itself in memory. Raises OSError where it cannot be written.
    """
    layers = [(layer, _own(layer)) for layer in module.modules() if _own(layer)]
    starts = [0]
    for _, tensors in layers:
        size = sum(-(-tensor.nbytes // _ALIGNED) * _ALIGNED for tensor in tensors)
        starts.append(starts[-1] + -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)
    if starts[-1] == 0:
        return
    with tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(starts[-1])
        if (allocate := getattr(os, "posix_fallocate", None)) is not None:  # not on macOS
            allocate(file.fileno(), 0, starts[-1])  # a full disk is an error here, and a crash later
        area = mmap.mmap(file.fileno(), starts[-1])
    for (layer, tensors), (start, end) in zip(layers, pairwise(starts), strict=True):
        at = start
        for tensor in tensors:
            if tensor.numel() == 0:
                continue
            mapped = torch.frombuffer(area, dtype=tensor.dtype, count=tensor.numel(), offset=at).view(tensor.shape)
            tensor.data = mapped.copy_(tensor.data)
            at += -(-tensor.nbytes // _ALIGNED) * _ALIGNED
        leave = _Leave(area, start, end - start)
        leave()
        layer.register_forward_hook(leave)


def _own(layer: torch.nn.Module) -> list[torch.Tensor]:
    return [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]


class _Leave:
    """After a layer was at work: its pages may go. They are read again from the file, or still from its cache."""

    def __init__(self, area: mmap.mmap, start: int, length: int) -> None:
        self._area = area
        self._start = start
        self._length = length

    def __call__(self, *_: object) -> None:
        self._area.madvise(mmap.MADV_DONTNEED, self._start, self._length)
