"""The operator's LoRAs and embeddings: files in two folders, found by their names."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from generation.errors import ModelUnavailable, UnknownChoice
from generation.prompt import read
from generation.recipe import Recipe

_IN_BRACKETS = re.compile(r"<([\w.-]+)>")


class AdapterKind(StrEnum):
    """What a file adds to a model."""

    LORA = "lora"  # changes to the weights of its layers
    EMBEDDING = "embedding"  # words of its own, by textual inversion


_FOLDERS = {AdapterKind.LORA: "loras", AdapterKind.EMBEDDING: "embeddings"}
_SUFFIXES = {AdapterKind.LORA: (".safetensors",), AdapterKind.EMBEDDING: (".safetensors", ".pt")}


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One file: `name` is its own without the suffix, `path` is absolute, `sha256` is of its bytes."""

    kind: AdapterKind
    name: str
    path: str
    sha256: str


class Adapters:
    """Finds what recipes name in `folder`/loras and `folder`/embeddings, and in the folders below these.

    The folders are looked through anew each time, so that what the operator puts there is found at once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hashes: dict[tuple[str, int, int], str] = {}  # (path, bytes, time of change) -> SHA-256

    def of(self, recipe: Recipe) -> tuple[Adapter, ...]:
        """The files of every LoRA and embedding that the prompts of `recipe` name, in the order of their names.

        Embeddings are named by their bare names or as "<name>", in any case of letters. It reads the files, and
        so may take seconds the first time. Raises UnknownChoice for a LoRA or a "<name>" that is not there, and
        ModelUnavailable for a file that cannot be read.
        """
        prompts = read(recipe.prompt), read(recipe.negative_prompt, argument="negative_prompt")
        found: list[Adapter] = []
        wanted = [tag.name for prompt in prompts for tag in prompt.loras]
        if wanted:
            files = self._files(AdapterKind.LORA)
            found += [self._adapter(AdapterKind.LORA, _choose("LoRA", name, files)) for name in wanted]
        files = self._files(AdapterKind.EMBEDDING)
        words = "\n".join(prompt.words for prompt in prompts)
        for name in _IN_BRACKETS.findall(words):
            _choose("embedding", name, files)
        named = {name.casefold() for name in named_in(words, files)}
        found += [
            self._adapter(AdapterKind.EMBEDDING, file) for file in files.values() if file.stem.casefold() in named
        ]
        return tuple(sorted(found, key=lambda adapter: (adapter.kind, adapter.name)))

    def _files(self, kind: AdapterKind) -> Mapping[str, Path]:
        """The files of a kind by their names in small letters; of two of the same name the first one counts."""
        folder = self._folder.resolve() / _FOLDERS[kind]
        files: dict[str, Path] = {}
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in _SUFFIXES[kind] and file.is_file():
                files.setdefault(file.stem.casefold(), file)
        return files

    def _adapter(self, kind: AdapterKind, file: Path) -> Adapter:
        try:
            facts = file.stat()
            key = str(file), facts.st_size, facts.st_mtime_ns
            if key not in self._hashes:
                with file.open("rb") as opened:
                    self._hashes[key] = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelUnavailable(file.stem, f"its file cannot be read ({reason})") from error
        return Adapter(kind=kind, name=file.stem, path=str(file), sha256=self._hashes[key])


def pattern_of(names: Mapping[str, object]) -> re.Pattern[str] | None:
    """What finds each of `names` as a word of its own, also as "<name>"; the longest of several that fit."""
    if not names:
        return None
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"<({longest_first})>|(?<!\w)({longest_first})(?!\w)", re.IGNORECASE)


def named_in(text: str, names: Mapping[str, object]) -> list[str]:
    """Those of `names` that stand in `text`, in its order and spelling."""
    pattern = pattern_of(names)
    return [] if pattern is None else [found[1] or found[2] for found in pattern.finditer(text)]


def _choose(what: str, name: str, files: Mapping[str, Path]) -> Path:
    try:
        return files[name.casefold()]
    except KeyError:
        raise UnknownChoice(what, name, choices=tuple(file.stem for file in files.values())) from None
