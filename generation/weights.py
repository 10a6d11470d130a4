"""Files of weights, by their headers alone: what tensors they hold, or why they hold none. Nothing is run."""

import io
import json
import math
import pickle
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin"})

_COMPLAINTS = (b'{"error', b"entry not found", b"access to model", b"invalid username", b"repository not")
_HEADER_LIMIT = 100_000_000  # bytes; the format's own limit, and far more than any checkpoint's pickle
_PACKED = 20  # times; tensors do not shrink so far, and PyTorch stores them as they are
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
_OTHER_BYTES = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "C64": 8}
_EIGHT_BITS = frozenset({"F8_E4M3", "F8_E5M2"})
_READ = frozenset({"F64", "F32", "F16", "BF16"}) | _EIGHT_BITS
_COUNTED = re.compile(r"(position_ids|num_batches_tracked|relative_position_index|num_updates)$")
_STORAGES = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}  # fmt: skip
_HARMLESS = frozenset(
    {
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch", "Size"),
        ("torch", "device"),
        ("torch.nn.modules.container", "ParameterDict"),
        ("torch.storage", "UntypedStorage"),
        ("torch.storage", "TypedStorage"),
        # what Lightning left in the first checkpoints of Stable Diffusion, and numbers of its log
        ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }
)


# What the pickle reader raises for what is not as it should be.
_NO_PICKLE = (
    EOFError,
    pickle.UnpicklingError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
)


class BadWeights(ValueError):
    """A file that holds no weights as it should; the words say what it is, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Shape and type of a tensor, the type as safetensors calls it, such as "F16"."""

    shape: tuple[int, ...]
    dtype: str


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors in a .safetensors file or a PyTorch checkpoint, by their names.

    Those of a checkpoint's "state_dict" stand for the checkpoint. Raises BadWeights, and OSError.
    """
    _refuse_what_is_no_model(file)
    tensors = _in_safetensors(file) if file.suffix == ".safetensors" else _in_checkpoint(file)
    if not tensors:
        raise BadWeights(f"{file} holds no tensors; copy or download it again")
    for name, tensor in tensors.items():
        if tensor.dtype not in _READ and not _COUNTED.search(name):
            raise BadWeights(
                f"{file} keeps {name} as {tensor.dtype}, which Easel does not read; get it in fp16, bf16 or fp32"
            )
    return tensors


def refuse_eight_bits(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise BadWeights for what a model has in eight bits, and all else has not: nothing widens it on its way."""
    for name, tensor in tensors.items():
        if tensor.dtype in _EIGHT_BITS:
            raise BadWeights(
                f"{file} keeps {name} as {tensor.dtype}, which Easel reads of whole models only; get it in fp16"
            )


def _refuse_what_is_no_model(file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(512)
    text = start.lstrip().lower()
    if size == 0:
        raise BadWeights(f"{file} is empty; copy or download it again")
    if start.startswith(b"version https://git-lfs"):
        raise BadWeights(f"{file} is only a git-lfs pointer; run `git lfs pull` where it was cloned")
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadWeights(f"{file} is a web page that was saved under this name; download the file itself")
    if text.startswith(_COMPLAINTS):
        raise BadWeights(f"{file} is an error message that was saved under this name; download the file itself")
    if start.startswith(b"GGUF"):
        raise BadWeights(f"{file} is a GGUF file, which Easel does not read; get it as .safetensors")
    if not start.strip(b"\0"):
        raise BadWeights(f"{file} begins with zeros, as an unfinished download does; download it again")
    if file.suffix == ".safetensors" and start.startswith(b"PK"):
        raise BadWeights(f"{file} is a zip archive; unpack it, or name it .ckpt if it is a PyTorch checkpoint")


def _in_safetensors(file: Path) -> dict[str, Tensor]:
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= _HEADER_LIMIT:
            raise BadWeights(f"{file} is no safetensors file; copy or download it again")
        if 8 + length > size:
            raise BadWeights(f"{file} is cut short within its header; copy or download it again")
        try:
            header = json.loads(opened.read(length))
        except (ValueError, RecursionError):
            raise BadWeights(f"{file} is no safetensors file: its header is damaged; download it again") from None
    if not isinstance(header, dict):
        raise BadWeights(f"{file} is no safetensors file: its header is no table; download it again")
    header.pop("__metadata__", None)
    try:
        tensors = {
            name: Tensor(shape=tuple(map(int, each["shape"])), dtype=each["dtype"])
            for name, each in header.items()
        }
        places = sorted((*map(int, each["data_offsets"]), name) for name, each in header.items())
    except (KeyError, TypeError, ValueError):
        raise BadWeights(f"{file} has a tensor without type, shape or place; download it again") from None
    end = 0
    for begin, stop, name in places:
        width = (_BYTES | _OTHER_BYTES).get(tensors[name].dtype)
        if begin != end or stop < begin or (width and stop - begin != width * math.prod(tensors[name].shape)):
            raise BadWeights(f"{file} has {name} at a place that cannot be; copy or download it again")
        end = stop
    if 8 + length + end > size:
        whole = 8 + length + end
        raise BadWeights(f"{file} is cut short: {size} of {whole} bytes are there; copy or download it again")
    return tensors


def _in_checkpoint(file: Path) -> dict[str, Tensor]:
    if not zipfile.is_zipfile(file):
        raise BadWeights(
            f"{file} is cut short, or older than PyTorch 1.6; download it again, or get it as .safetensors"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if any(entry.file_size > _PACKED * max(entry.compress_size, 1_000_000) for entry in entries):
                raise BadWeights(f"{file} unpacks to far more than it is, as no checkpoint does; do not use it")
            pickles = [entry for entry in entries if entry.filename.endswith("data.pkl")]
            if not pickles:
                raise BadWeights(f"{file} is a zip archive and no PyTorch checkpoint; get it as .safetensors")
            if pickles[0].file_size > _HEADER_LIMIT:
                raise BadWeights(f"{file} has a table of contents beyond all measure; do not use it")
            there = {entry.filename.rpartition("data/")[2]: entry.file_size for entry in entries}
            reader = _Reader(archive.read(pickles[0]))
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise BadWeights(f"{file} is damaged ({_first_line(error)}); copy or download it again") from error
    fault: Exception | None = None
    content: Any = None
    try:
        content = reader.load()
    except _NO_PICKLE as error:
        fault = error
    if reader.foreign:
        raise BadWeights(
            f"{file} holds more than weights: it asks for {reader.foreign[0]}, which Easel never runs; "
            "get it as .safetensors"
        )
    if fault is not None:
        raise BadWeights(f"{file} is damaged ({_first_line(fault)}); copy or download it again") from fault
    _refuse_lost_storages(file, reader.storages, there)
    return {name: tensor for name, tensor in _flat(content) if isinstance(tensor, Tensor)}


def _refuse_lost_storages(file: Path, storages: Mapping[str, int], there: Mapping[str, int]) -> None:
    for key, wanted in storages.items():
        if there.get(key, -1) < wanted:
            raise BadWeights(f"{file} has lost the numbers of a tensor (data/{key}); copy or download it again")


def _flat(content: Any) -> list[tuple[str, Any]]:
    """Names and values of a checkpoint, or of the "state_dict" or "string_to_param" in it."""
    if not isinstance(content, Mapping):
        return []
    for inner in ("state_dict", "string_to_param"):
        if isinstance(content.get(inner), Mapping):
            start = "string_to_param." if inner == "string_to_param" else ""
            return [(f"{start}{name}", value) for name, value in content[inner].items()]
    return [(str(name), value) for name, value in content.items()]


class _Inert(dict[Any, Any]):
    """What stands for everything that a pickle asks for: it takes anything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __call__(self, *_: Any, **__: Any) -> "_Inert":
        return _Inert()

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping) and isinstance(state.get("_parameters"), Mapping):
            self.update(state["_parameters"])  # a ParameterDict of old

    def append(self, _: Any) -> None:
        return

    def extend(self, _: Any) -> None:
        return


class _Reader(pickle.Unpickler):
    """Follows a checkpoint's pickle with inert stand-ins: no class of it is found, no function called."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.foreign: list[str] = []
        self.storages: dict[str, int] = {}  # key -> bytes that it has to have

    def find_class(self, module: str, name: str) -> Any:
        if name == "OrderedDict" and module == "collections":
            return dict
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return self._tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return lambda tensor, *_: tensor
        if module in {"torch", "torch.storage"} and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) not in _HARMLESS:
            self.foreign.append(f"{module}.{name}")
        return _Inert

    def persistent_load(self, pid: Any) -> Any:
        kind, key, numbers = pid[1], str(pid[2]), int(pid[4])
        dtype = kind if isinstance(kind, str) else "U8"
        self.storages[key] = numbers * (_BYTES | _OTHER_BYTES)[dtype]
        return dtype

    def _tensor(self, dtype: Any, _offset: Any, shape: Sequence[int], *_: Any) -> Tensor:
        return Tensor(shape=tuple(map(int, shape)), dtype=str(dtype))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
