"""What `easel models` says."""

from collections.abc import Sequence
from pathlib import Path

from generation import Found, Kind, Known, Model

LIST_HEAD = ("name", "model", "family", "made for", "licence", "here", "weights in half precision")
CHECK_HEAD = ("name", "family", "from", "mode", "result")
NOT_HERE = "not on this machine"
DRAWN = "drawn"
LOADING_MODEL = "loading"
FETCHING_MODEL = "fetching"
NO_SUCH_MODE = "the weights can, and Easel has no such mode yet"
NO_CROSS_ATTENTION = "it lacks the layers that read a prompt; copy or download it again"
SURE = "Delete that?"
CUSTOM_HINT = "Easel knows it when it starts next."


def gigabytes(size: int | None) -> str:
    """A number of bytes as people say it, empty for None."""
    return "" if size is None else f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def here(size: str) -> str:
    """What takes `size` on this machine, or is not here where that is empty."""
    return f"{size} here" if size else "not here"


def in_memory(size: str) -> str:
    """What weights take of memory, empty where nobody counted."""
    return size and f"{size} in memory"


def licence(model: Model) -> str:
    """The licence of `model`, and whether the hub asks for an agreement."""
    return f"{model.licence}; ask for access on its page" if model.gated else model.licence


def made_for(model: Model) -> str:
    return ", ".join(model.can)


def added(model: Model, seconds: float) -> str:
    return f"{model.name} loads in {seconds:.1f} s: {model.title}, family {model.family}. {CUSTOM_HINT}"


def fetched(model: Model) -> str:
    return f"{model.name} is on this machine and loads."


def purpose(entry: Known) -> str:
    """What a known ControlNet or detector is for."""
    return f"{Kind.CONTROLNET} ({entry.mode})" if entry.mode is not None else str(Kind.DETECTOR)


def which_purpose(purposes: Sequence[str]) -> str:
    """Nothing tells what a ControlNet follows."""
    return (
        f"its name does not tell what it follows; say it with --for {', '.join(purposes[:-1])} or {purposes[-1]}"
    )


def no_purpose(kind: Kind) -> str:
    return f"it is a {kind}, and --for is for ControlNets; leave it out"


def file_is_fine(kind: Kind) -> str:
    """The headers of a file are as they should be."""
    tried = "a prompt names it" if kind in {Kind.LORA, Kind.EMBEDDING} else "a model that it goes with is checked"
    return f"the file is whole; it is tried when {tried}"


def linked(found: Found, link: Path) -> str:
    """A LoRA, embedding or ControlNet was put beside the others."""
    family = f" for family {found.family}" if found.family is not None else ""
    uses = {
        Kind.LORA: f"Name it in a prompt as <lora:{link.stem}:0.8>.",
        Kind.EMBEDDING: f"Name it in a prompt as <{link.stem}>.",
        Kind.CONTROLNET: f"Draw with it in the mode {link.parent.name}, from a picture.",
        Kind.DETECTOR: "It prepares pictures for ControlNets by itself.",
    }
    name = link.name if link.is_dir() else link.stem
    return f"{name} is a {found.kind}{family}, kept at {link}. {uses.get(found.kind, '')}".rstrip()


def taken(name: str) -> str:
    return f"the name {name} is taken; give another one with --name"


def not_ours(path: Path) -> str:
    return f"{path} is your own file, which Easel does not delete; delete or move it yourself"


def forgotten(name: str, kept: str | None) -> str:
    where = f" Its files stay where they are: {kept}." if kept is not None else ""
    return f"{name} is forgotten.{where}"


def to_delete(folder: Path, size: int) -> str:
    return f"Easel downloaded {gigabytes(size)} for it into {folder}."


def nothing_to_remove(name: str) -> str:
    return f"{name} comes with Easel, and nothing was downloaded for it into the data folder"


def not_checked(name: str) -> str:
    return f"{NOT_HERE}; `easel models add {name}` fetches it"


def loads_only(reason: str) -> str:
    return f"loads; {reason}"
