"""What the operator has to change models with: LoRAs and embeddings, and ControlNets, found by their names."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from generation.controls import Controls, name_of
from generation.errors import ModelUnavailable, UnknownChoice
from generation.folders import weights_in
from generation.prompt import read
from generation.recipe import Recipe

_IN_BRACKETS = re.compile(r"<([\w.-]+)>")


class AdapterKind(StrEnum):
    """What a file adds to a model."""

    LORA = "lora"  # changes to the weights of its layers
    EMBEDDING = "embedding"  # words of its own, by textual inversion
    CONTROLNET = "controlnet"  # a network beside it, that looks at a picture
    DETECTOR = "detector"  # makes of a source what a ControlNet is shown


_FOLDERS = {AdapterKind.LORA: "loras", AdapterKind.EMBEDDING: "embeddings"}
_SUFFIXES = {AdapterKind.LORA: (".safetensors",), AdapterKind.EMBEDDING: (".safetensors", ".pt")}


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One file: `name` is its own without the suffix, `path` is absolute, `sha256` is of its bytes.

    A ControlNet may be a folder, a detector is one: `sha256` is then of its configuration and its weights.
    """

    kind: AdapterKind
    name: str
    path: str
    sha256: str


class Adapters:
    """Finds what recipes name in `folder`/loras and `folder`/embeddings, and in the folders below these.

    The folders are looked through anew each time, so that what the operator puts there is found at once.
    `controls` finds the ControlNets beside them.
    """

    def __init__(self, folder: Path) -> None:
        self.controls = Controls(folder)
        self._folder = folder
        self._hashes: dict[tuple[str, int, int], str] = {}  # (path, bytes, time of change) -> SHA-256

    def of(self, recipe: Recipe) -> tuple[Adapter, ...]:
        """The LoRAs and embeddings in the prompts of `recipe`, its ControlNet and what that takes, by their names.

        Embeddings are named by their bare names or as "<name>", in any case of letters. It reads the files, and
        so may take seconds the first time. Raises UnknownChoice for a LoRA, a "<name>" or a ControlNet that is not
        there, and ModelUnavailable for a file that cannot be read.
        """
        prompts = [
            prompt
            for plain in recipe.spelled_out()
            for prompt in (read(plain.prompt), read(plain.negative_prompt, argument="negative_prompt"))
        ]
        found: list[Adapter] = []
        wanted = {tag.name.casefold(): tag.name for prompt in prompts for tag in prompt.loras}.values()
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
        if recipe.control is not None:
            there = {each.name: each.path for each in self.controls.installed()}
            if recipe.control not in there:
                raise UnknownChoice("ControlNet", recipe.control, choices=tuple(there))
            found.append(self._adapter(AdapterKind.CONTROLNET, there[recipe.control]))
            found += [
                self._adapter(AdapterKind.DETECTOR, folder) for folder in self.controls.detectors(recipe.mode)
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
        name = name_of(file)
        try:
            digests = [self._digest(each) for each in _contents(name, file)]
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelUnavailable(name, f"its file cannot be read ({reason})") from error
        whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
        return Adapter(kind=kind, name=name, path=str(file), sha256=whole)

    def _digest(self, file: Path) -> str:
        facts = file.stat()
        key = str(file), facts.st_size, facts.st_mtime_ns
        if key not in self._hashes:
            with file.open("rb") as opened:
                self._hashes[key] = hashlib.file_digest(opened, "sha256").hexdigest()
        return self._hashes[key]


def _contents(name: str, path: Path) -> list[Path]:
    """The file itself, or what of a folder is loaded."""
    return [path] if path.is_file() else [path / "config.json", *weights_in(name, path)]


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
