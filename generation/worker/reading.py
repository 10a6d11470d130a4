"""What can be wrong with weights that are being read, whatever they are of."""

import pickle
from collections.abc import Mapping, Sequence

import torch
from safetensors import SafetensorError

# What diffusers, transformers, safetensors and the pickle reader raise for files that are not as they should be.
FAULTS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    SafetensorError,
    pickle.UnpicklingError,
)
_NAMED = 3  # tensors named in a message


def no_number_in(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """The name of a tensor that holds infinities or worse; None where all is well."""
    for name, tensor in tensors.items():
        # Both ends are not finite as soon as one number is not, and no copy is made for it.
        ends = tensor.aminmax() if tensor.is_floating_point() and tensor.numel() else ()
        if not all(end.isfinite() for end in ends):
            return name
    return None


def some(names: Sequence[str]) -> str:
    """The first of `names`, and how many more there are."""
    more = "" if len(names) <= _NAMED else f" and {len(names) - _NAMED} more"
    return f"{', '.join(names[:_NAMED])}{more}"


def first_line(error: BaseException) -> str:
    """What an error says, or what it is, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
