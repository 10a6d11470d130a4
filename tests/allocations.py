"""What a computation takes of memory, found without computing."""

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only


class Counted(TorchDispatchMode):
    """Counts the bytes of all tensors that are made within it: `peak` is the most that there were at once.

    With FakeTensorMode around it there need be no memory for them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sizes: dict[int, int] = {}
        self._live = 0
        self.peak = 0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        self._live += self._sizes[key]
        self.peak = max(self.peak, self._live)
        weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self._live -= self._sizes.pop(key, 0)


_HEAVY = ("convolution", "conv2d", "linear", "addmm", "mm", "bmm", "baddbmm", "scaled_dot_product")


class Uncomputed(TorchDispatchMode):
    """Runs everything but convolutions, matrix products and attention: these read their weights and write zeros.

    A picture takes seconds so, and all the memory that it takes otherwise, but for what such operations take for
    themselves while they are at work. `skipped` counts them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = operation._schema.name.removeprefix("aten::").removeprefix("_")
        if not name.startswith(_HEAVY) or name.startswith("mm_"):
            return operation(*args, **kwargs)
        self.skipped += 1
        shapes = tree_map_only(torch.Tensor, _on_meta, (args, kwargs))
        for tensor in tree_leaves((args, kwargs)):
            if isinstance(tensor, torch.Tensor):
                _read_every_page(tensor)
        return tree_map_only(torch.Tensor, _zeros, operation(*shapes[0], **shapes[1]))


def _on_meta(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")


def _zeros(shape: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(shape.size(), shape.stride(), dtype=shape.dtype).zero_()


def _read_every_page(tensor: torch.Tensor) -> None:
    if tensor.is_contiguous():
        tensor.view(-1)[:: 4096 // tensor.itemsize].sum()
