"""Models from Hugging Face's hub: whether they are on this machine, and fetching them, checked."""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.errors import HubUnreachable, ModelUnavailable
from generation.folders import weights_in
from generation.hub import hub_faults, is_hub_id
from generation.model import Model, Place

log = logging.getLogger(__name__)

OnBytes = Callable[[int, int], None]  # how many there are, of how many

_SMALL = re.compile(r"[\w-]+/(?!.*pytorch_model)[\w.-]+\.(json|txt|model)|model_index\.json")
_LEFT_OUT = frozenset({"safety_checker", "image_encoder", "watermarker"})
# What is wanted besides weights of what is no whole pipeline, if it is there.
_ALONE = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"),
)
_SPARE = 200_000_000  # bytes that a disk should keep


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file of a repository; `sha256` is known of large ones."""

    name: str
    size: int
    sha256: str | None


def find(model: Model) -> Path | None:
    """The folder or file with `model` on this machine, None if it is not here whole, with all that it needs."""
    if any(_here(extra, model.name) is None for extra in model.extras):
        return None
    return next((found for place in model.places if (found := _here(place, model.name)) is not None), None)


def fetch(model: str, places: Sequence[Place], on_bytes: OnBytes | None = None) -> Path:
    """Have `model`, or what it needs, on this machine, from the first of `places` that has it.

    What was begun is gone on with. `on_bytes` is told how far it is; what it raises ends the download, which can
    be gone on with later. Raises ModelUnavailable.
    """
    failures: list[ModelUnavailable] = []
    for place in places:
        if (found := _here(place, model)) is not None:
            return found
    for place in places:
        try:
            return _fetch(place, model, on_bytes)
        except HubUnreachable:
            raise  # it is the same hub for every place
        except ModelUnavailable as error:
            log.warning("%s", error)
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    reasons = "; ".join(failure.reason.partition(";")[0] for failure in failures)
    raise ModelUnavailable(
        model, f"none of its {len(failures)} places has it for you ({reasons}); name a folder that holds it"
    )


def size_on_disk(path: Path) -> int:
    """Bytes of a model's folder or file."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(file.stat().st_size for file in files)


def repository_of(place: Place) -> Path | None:
    """The folder of the hub's cache that holds all that was fetched of `place`, None if nothing was."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    if place.path is not None or not is_hub_id(place.source):
        return None
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=place.source, repo_type="model")
    return folder if folder.is_dir() else None


def _here(place: Place, model: str) -> Path | None:
    if place.path is not None:
        return place.path
    if not is_hub_id(place.source):
        return None
    from huggingface_hub import try_to_load_from_cache

    names = ("model_index.json", "config.json") if place.file is None else (place.file,)
    cached = (try_to_load_from_cache(place.source, name, revision=place.revision) for name in names)
    found = next((each for each in cached if isinstance(each, str)), None)
    if found is None:
        return None
    if place.file is not None:
        return Path(found)
    folder = Path(found).parent
    return folder if _is_whole(folder, model) else None


def _is_whole(folder: Path, model: str) -> bool:
    """Whether every part that the index names is there with all its weights."""
    try:
        if not (folder / "model_index.json").exists():
            return bool(weights_in(model, folder))
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        for part, listed in index.items():
            if part in _LEFT_OUT or not isinstance(listed, list) or listed[0] is None:
                continue
            if listed[0] in {"diffusers", "transformers"} and (folder / part / "config.json").exists():
                weights_in(model, folder / part)
            elif not (folder / part).is_dir():
                return False
    except (OSError, ValueError, AttributeError, IndexError, ModelUnavailable):
        return False
    return True


def _fetch(place: Place, model: str, on_bytes: OnBytes | None) -> Path:
    if not is_hub_id(place.source):
        raise ModelUnavailable(model, f"there is no file or folder {place.source}; check the path.")
    from huggingface_hub import HfApi, hf_hub_download

    log.info("fetching %s", place.source)
    with hub_faults(model, place.source):
        # 1. What there is, and what of it is wanted
        info = HfApi().model_info(place.source, revision=place.revision, files_metadata=True)
        files = [
            _File(name=each.rfilename, size=each.size or 0, sha256=each.lfs.sha256 if each.lfs else None)
            for each in info.siblings or ()
        ]
        wanted = [each for each in files if each.name == place.file] if place.file is not None else _wanted(files)
        if not wanted:
            missing = f"no {place.file}" if place.file is not None else "no diffusers model"
            raise ModelUnavailable(model, f"there is {missing} in {place.source}; check the name")
        # 2. Whether there is room for it
        progress = _Progress(on_bytes, sum(each.size for each in wanted))
        _look_for_room(model, place, wanted, str(info.sha))
        # 3. The files one after the other, each checked
        found = ""
        for each in sorted(wanted, key=lambda file: file.size):
            before = _cached(place, each, str(info.sha))
            found = before or hf_hub_download(
                place.source, each.name, revision=place.revision, tqdm_class=progress.bar()
            )
            if before is None:
                _check(Path(found), each, place.sha256, model)
            progress.finish(each.size)
    path = Path(found)
    return path if place.file is not None else path.parents[len(Path(each.name).parts) - 1]


def _wanted(files: Iterable[_File]) -> list[_File]:
    """The files of a diffusers repository that are loaded: safetensors before pickles, plain before variants."""
    by_name = {file.name: file for file in files}
    if "model_index.json" not in by_name:
        small = [name for name in _ALONE if name in by_name]
        root = [name for name in by_name if "/" not in name]
        return [by_name[name] for name in (*small, *sorted(_weights(root)))] if "config.json" in small else []
    wanted = {name for name in by_name if _SMALL.fullmatch(name) and name.split("/")[0] not in _LEFT_OUT}
    for part in {name.split("/")[0] for name in by_name if "/" in name} - _LEFT_OUT:
        own = [name for name in by_name if name.startswith(f"{part}/") and name.count("/") == 1]
        wanted |= _weights(own)
    return [by_name[name] for name in sorted(wanted)]


def _weights(names: Iterable[str]) -> set[str]:
    """Those of the files of one part that hold its weights, with the index of several."""
    names = list(names)
    for pattern in (
        r"(^|/)(diffusion_pytorch_)?model(-\d+-of-\d+)?\.safetensors$",
        r"\.fp16(-\d+-of-\d+)?\.safetensors$",
        r"(^|/)(diffusion_)?pytorch_model(-\d+-of-\d+)?\.bin$",
    ):
        if weights := {name for name in names if re.search(pattern, name)}:
            return weights | {name for name in names if name.endswith(".index.json")}
    return set()


def _cached(place: Place, file: _File, commit: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(place.source, file.name, revision=commit)
    return found if isinstance(found, str) else None


def _look_for_room(model: str, place: Place, wanted: Iterable[_File], commit: str) -> None:
    from huggingface_hub import constants

    missing = sum(each.size for each in wanted if _cached(place, each, commit) is None)
    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if missing + _SPARE > free:
        raise ModelUnavailable(
            model,
            f"{place.source} takes {missing / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in {folder}; "
            "make room there, or set HF_HUB_CACHE to a folder on a larger disk",
        )


def _check(path: Path, file: _File, sha256: str | None, model: str) -> None:
    """Delete a file that has just arrived and is not what was promised. Raises ModelUnavailable."""
    size = path.stat().st_size
    promised = [each for each in (sha256, file.sha256) if each is not None]
    fault = f"{size} of {file.size} bytes" if size != file.size else ""
    if promised and not fault:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if any(digest != each for each in promised):
            fault = f"its SHA-256 begins with {digest[:12]}, and {promised[0][:12]} was promised"
    if fault:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise ModelUnavailable(model, f"{file.name} did not arrive as it is ({fault}); try again")


class _Progress:
    """Adds up the bytes of several files for whoever watches."""

    def __init__(self, on_bytes: OnBytes | None, total: int) -> None:
        self._on_bytes = on_bytes
        self._total = total
        self._finished = 0

    def finish(self, size: int) -> None:
        """A file of `size` bytes is here."""
        self._finished += size
        self._tell(0)

    def bar(self) -> Any:
        """What the hub's client takes in place of tqdm's bar."""
        from huggingface_hub.utils.tqdm import tqdm

        tell = self._tell

        class Bar(tqdm):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options | {"disable": True})  # type: ignore[no-untyped-call]

            def update(self, n: float | None = 1) -> None:
                self.n += n or 0
                tell(int(self.n))

        return Bar

    def _tell(self, of_this_file: int) -> None:
        if self._on_bytes is not None:
            self._on_bytes(min(self._finished + of_this_file, self._total), self._total)
