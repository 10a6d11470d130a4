"""Faster ways than PyTorch's own in bf16 on a CPU: how weights lie, attention, and convolution of small maps.

A processor whose vector instructions know bf16 and that has no matrix units gains most. There PyTorch's attention
multiplies in fp32, and its convolution rearranges its weights at every call, which takes longer than a small map.
"""

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from generation.worker.placement import Placement

_PICTURE = 384 * 384  # pixels: in a smaller one, looking at every call takes longer than it saves
_ATTENDS = 1 << 19  # queries by keys: less is done before it pays
_SCORES = 1 << 20  # numbers of one head at once: of more, most would have left the processor's cache
_WORDS = 16  # bf16 numbers: products of a multiple of them are faster
_MAP = 16 * 16  # pixels: convolution of a larger map takes longer than rearranging its weights
_CHANNELS = 1024  # with fewer there is little to rearrange
_AS_A_LAYER = 7  # arguments: as `Conv2d` calls it


def lay(part: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Move `part`, whose weights are `dtype`, to `device`, to lie there as its convolutions are fastest.

    On a CPU in bf16 that is with a pixel's channels side by side; in fp32 it makes no difference.
    """
    part.to(device)
    if device.type == "cpu" and dtype is torch.bfloat16:
        part.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # PyTorch's own types lack it


def faster(placement: Placement, pixels: int) -> AbstractContextManager[object]:
    """A context in which a picture of so many `pixels` is drawn in the faster ways, where they are any.

    Inside, nothing may want gradients.
    """
    has = torch.cpu.get_capabilities()
    vectors_alone = has.get("avx512_bf16", False) and not has.get("amx_bf16", False)
    in_bf16 = placement.device.type == "cpu" and placement.dtype is torch.bfloat16
    return Faster() if in_bf16 and vectors_alone and pixels >= _PICTURE else nullcontext()


class Faster(TorchFunctionMode):
    """Within it, attention and convolution are those below wherever these are meant for what is computed."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            return _attend(*args, **kwargs)
        if func is functional.conv2d:
            return _convolve(*args, **kwargs)
        return func(*args, **kwargs)


def _attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **options: Any
) -> torch.Tensor:
    asked = args or any(options.get(name) for name in ("dropout_p", "is_causal"))
    plain = not asked and options.get("attn_mask") is None and query.dtype is torch.bfloat16
    alike = query.dim() == 4 and query.shape[:2] == key.shape[:2] == value.shape[:2]
    if plain and alike and query.shape[:-1].numel() * key.shape[-2] >= _ATTENDS:
        found = attention(query, key, value, options.get("scale"))
        if found.isfinite().all():
            return found
    return functional.scaled_dot_product_attention(query, key, value, *args, **options)


def attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None = None
) -> torch.Tensor:
    """What every query finds, softmax(query · key · scale) · value, some rows of some heads at a time.

    All of them are (batch, heads, tokens, width) in bf16, and so is the answer; `scale` is 1/√width if there is
    none. Products are rounded to bf16 before they are raised to, as in any attention that is written out in it.
    Those of one query may all be less by as much: by its product with the mean of the keys, after which they are
    smaller, and the largest is at least 0. The answer is not finite where one is beyond 88, as bf16 ends there.
    """
    batch, heads, tokens, width = query.shape
    at_once, rows = torch.get_num_threads(), max(1, _SCORES // key.shape[-2])
    scale = width**-0.5 if scale is None else scale
    queries = (query * (scale * math.log2(math.e))).reshape(batch * heads, tokens, width)
    keys = (key - key.mean(-2, keepdim=True)).reshape(batch * heads, -1, width).contiguous().mT
    wide = value.shape[-1]
    values = functional.pad(value.reshape(batch * heads, -1, wide), (0, -wide % _WORDS or _WORDS))
    values[..., wide] = 1  # adds up what the others are to be divided by
    found = query.new_empty(batch * heads, tokens, wide)
    for head in range(0, batch * heads, at_once):
        some = slice(head, head + at_once)
        for row in range(0, tokens, rows):
            weights = torch.bmm(queries[some, row : row + rows], keys[some]).exp2_()
            sums = torch.bmm(weights, values[some])
            divisors = sums[..., wide : wide + 1].masked_fill(sums[..., wide : wide + 1].isinf(), torch.nan)
            torch.div(sums[..., :wide], divisors, out=found[some, row : row + rows])
    return found.view(batch, heads, tokens, wide)


def _convolve(*args: Any, **options: Any) -> torch.Tensor:
    if len(args) == _AS_A_LAYER and not options and _small(*args):
        return convolution(*args[:5])
    return functional.conv2d(*args, **options)


def _small(
    pixels: torch.Tensor,
    weight: torch.Tensor,
    _bias: torch.Tensor | None,
    _stride: tuple[int, int],
    padding: tuple[int, int] | str,
    dilation: tuple[int, int],
    groups: int,
) -> bool:
    """Whether a layer's convolution is of a small map by many weights, which lie as one product wants them."""
    small = pixels.dim() == 4 and pixels.shape[-2:].numel() <= _MAP and weight.shape[1] >= _CHANNELS
    beside = weight.dtype is torch.bfloat16 and weight.is_contiguous(memory_format=torch.channels_last)
    plain = dilation == (1, 1) and groups == 1 and not isinstance(padding, str)
    return small and beside and plain and weight.shape[-1] > 1


def convolution(
    pixels: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> torch.Tensor:
    """A convolution as one product of matrices: all that the pixels of the answer see, by the weights.

    `pixels` are (batch, channels, height, width), the answer too; `weight` is (channels of it, channels, height,
    width) and best lies as `lay` has it, as the answer does.
    """
    out, _, high, wide = weight.shape
    down, across = padding
    seen = functional.pad(pixels.permute(0, 2, 3, 1), (0, 0, across, across, down, down))
    seen = seen.unfold(1, high, stride[0]).unfold(2, wide, stride[1])
    batch, rows, columns = seen.shape[:3]
    seen = seen.permute(0, 1, 2, 4, 5, 3).reshape(batch * rows * columns, -1)
    found = functional.linear(seen, weight.permute(0, 2, 3, 1).reshape(out, -1), bias)
    return found.view(batch, rows, columns, out).permute(0, 3, 1, 2)
