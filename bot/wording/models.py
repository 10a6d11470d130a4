"""What `easel models` says."""

from collections.abc import Sequence
from pathlib import Path

from generation import Family, Finds, Found, Kind, Known, Loaded, Model

LIST_HEAD = ("name", "model", "family", "made for", "licence", "here", "weights in half precision")
CHECK_HEAD = ("name", "family", "from", "mode", "result")
NOT_HERE = "not on this machine"
DRAWN = "drawn"
LOADING_MODEL = "loading"
FETCHING_MODEL = "fetching"
NO_CROSS_ATTENTION = "it lacks the layers that read a prompt; copy or download it again"
SURE = "Delete that?"
_DESCRIBES = "Describe puts pictures into words with it."
_PREPARES = "It prepares pictures for ControlNets by itself."
_SAYS = "says: {prompt}"
SAYS_NOTHING = "it found no words for a picture"
_LINKED = "{name} was added: {kind}, kept at {link}."
_LINKED_FOR = "{name} was added: {kind} for family {family}, kept at {link}."
_FORGOTTEN = "{name} is forgotten."
_FORGOTTEN_AND_KEPT = "{name} is forgotten. Its files stay where they are: {kept}."
BAD_NAME = "a name has letters, digits, spaces and . + - ( ), and begins with a letter or digit; give another one"
ANYTHING = "model, LoRA, embedding, ControlNet, file or folder"
NO_FILES = "nothing to fetch"
WHOLE = "the file is whole; it is tried when a picture is prepared for its ControlNet"
_ADDED = "{name} was added: family {family}, made for {made_for}. It loads in {seconds:.1f} s."
_FETCHED = "{name} is on this machine, and loads in {seconds:.1f} s."
_NEXT_START = "A running Easel draws with it after its next start."
_UNFILTERED = "It comes without a safety checker, so nothing filters what it draws."
_UNFILTERED_FILE = (
    "It comes without a safety checker, so nothing filters what it draws. If you want that, put the folders "
    "safety_checker and feature_extractor, and the model_index.json that names them, into {folder}."
)
_UNSURE = (
    "Nothing in such a file tells whether it predicts v or noise, and v is taken. If it draws mush, write "
    'prediction = "epsilon" below [{name}] in {file}.'
)


def gigabytes(size: int | None) -> str:
    """A number of bytes as people say it, empty for None."""
    if size is None:
        return ""
    unit, bytes_each = next((each for each in (("GB", 1e9), ("MB", 1e6)) if size >= each[1] / 10), ("kB", 1e3))
    return f"{size / bytes_each:.1f} {unit}"


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


def added(model: Model, report: Loaded, file: Path) -> list[str]:
    """A model of the operator's own is in the catalogue `file`."""
    facts = {"name": model.name, "family": model.family, "made_for": made_for(model), "seconds": report.seconds}
    lines = [_ADDED.format(**facts), _NEXT_START, *_filter(model, report)]
    path = model.folder
    if model.family is Family.SD2 and path is not None and path.is_file() and not _config(path).is_dir():
        lines.append(_UNSURE.format(name=model.name, file=file))
    return lines


def fetched(model: Model, report: Loaded) -> list[str]:
    """A model of the catalogue is here."""
    return [_FETCHED.format(name=model.name, seconds=report.seconds), *_filter(model, report)]


def _filter(model: Model, report: Loaded) -> list[str]:
    if not report.unfiltered:
        return []
    path = model.folder
    alone = path is not None and path.is_file()
    return [_UNFILTERED_FILE.format(folder=_config(path)) if path is not None and alone else _UNFILTERED]


def _config(file: Path) -> Path:
    """The folder beside a single file for what is not in it."""
    return file.with_suffix(".config")


def purpose(entry: Known) -> str:
    """What a known ControlNet or detector is for."""
    return follows(Kind.CONTROLNET, entry.mode) if entry.mode is not None else follows(Kind.DETECTOR, entry.finds)


def follows(kind: Kind, what: str | None) -> str:
    """A ControlNet with what it follows, or a detector with what it finds, as far as that is known."""
    return str(kind) if what is None else f"{kind} ({what})"


def which_purpose(purposes: Sequence[str]) -> str:
    """Nothing tells what a ControlNet follows."""
    return (
        f"its name does not tell what it follows; say it with --for {', '.join(purposes[:-1])} or {purposes[-1]}"
    )


def no_purpose(kind: Kind) -> str:
    return f"it is a {kind}, and --for is for ControlNets; leave it out"


def other_purpose(follows: str | None) -> str:
    """A known ControlNet follows something else than was said, or it is a detector, which follows nothing."""
    return no_purpose(Kind.DETECTOR) if follows is None else f"it follows {follows}; leave --for out"


def no_name(name: str) -> str:
    """What the catalogue calls `name` is called that."""
    return f"it is in the catalogue as {name}; leave --name out"


def drawn_with(model: Model) -> str:
    """Something that changes models was tried."""
    return f"drawn with {model.name}"


def nothing_goes_with(found: Found, why: str) -> str:
    """No model that is here could be tried together with what was `found`; `why` is what the last one said."""
    if why:
        return f"the file is whole, and no model here goes with it: {why}"
    return f"the file is whole, and no model of family {found.family} is here to try it with"


def says(prompt: str) -> str:
    """What a captioner said of the picture that it was tried with."""
    return _SAYS.format(prompt=prompt)


def linked(found: Found, link: Path) -> str:
    """A LoRA, embedding or ControlNet was put beside the others."""
    kept = _LINKED if found.family is None else _LINKED_FOR
    uses = {
        Kind.LORA: f"Name it in a prompt as <lora:{link.stem}:0.8>.",
        Kind.EMBEDDING: f"Name it in a prompt as <{link.stem}>.",
        Kind.CONTROLNET: f"Draw with it in the mode {link.parent.name}, from a picture.",
        Kind.DETECTOR: _DESCRIBES if found.finds is Finds.WORDS else _PREPARES,
    }
    name = link.name if link.is_dir() else link.stem
    told = kept.format(name=name, kind=found.kind, family=found.family, link=link)
    return " ".join(filter(None, (told, uses.get(found.kind))))


def taken(name: str) -> str:
    return f"the name {name} is taken; give another one with --name"


def not_ours(path: Path) -> str:
    return f"{path} is your own file, which Easel does not delete; delete or move it yourself"


def forgotten(name: str, kept: str | None) -> str:
    return (_FORGOTTEN if kept is None else _FORGOTTEN_AND_KEPT).format(name=name, kept=kept)


def to_delete(folder: Path, size: int) -> str:
    return f"Easel downloaded {gigabytes(size)} for it into {folder}."


def nothing_to_remove(name: str) -> str:
    return f"{name} comes with Easel, and nothing was downloaded for it into the data folder"


def not_checked(model: Model) -> str:
    """A model's files are not here: to be fetched, or no longer where they were."""
    if not Path(model.source).is_absolute():
        return f"{NOT_HERE}; `easel models add {model.name}` fetches it"
    return f"there is no {model.source} any more; put it back, or forget it: `easel models remove {model.name}`"
