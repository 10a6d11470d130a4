"""The README tells the truth: its map, its words and its settings are those of the code."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from bot.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / "deploy" / "easel.toml.example").read_text("utf-8")
ROOMS = ("bot", "generation", "db", "deploy", "tests")


def mapped() -> dict[str, str]:
    """Path -> purpose, from the indented tree in the README."""
    tree = README.partition("## The map")[2].partition("```\n")[2].partition("```")[0]
    paths: dict[str, str] = {}
    folders: list[str] = []
    for line in tree.splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        names, _, purpose = line.strip().partition("  ")
        del folders[indent:]
        for name in names.split(", "):
            paths["".join(folders) + name] = purpose.strip()
        if names.endswith("/"):
            folders.append(names)
    return paths


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_every_place_on_the_map_exists_and_has_a_purpose() -> None:
    places = mapped()
    assert len(places) > 50
    for place, purpose in places.items():
        assert (ROOT / place).exists(), place
        assert purpose, place


def test_every_file_is_on_the_map_or_in_a_folder_that_stands_for_its_files() -> None:
    places = mapped()
    leaves = {
        place
        for place in places
        if place.endswith("/") and not any(other != place and other.startswith(place) for other in places)
    }
    missing = [
        name
        for name in tracked()
        if name not in places
        and not name.endswith("__init__.py")
        and not any(name.startswith(leaf) for leaf in leaves)
    ]
    assert not missing


def test_every_word_of_the_glossary_that_is_code_is_a_class_of_the_code() -> None:
    glossary = README.partition("## Words")[2].partition("\n## ")[0]
    words = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\|([^|]+)\|", glossary, re.MULTILINE)))
    classes = {
        node.name
        for room in ("bot", "generation", "db")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert len(words) > 10
    assert not set(words) - classes


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in README
    assert re.search(rf"^# {name} = ", EXAMPLE, re.MULTILINE)


def test_every_example_setting_is_one() -> None:
    assert set(re.findall(r"^# (\w+) = ", EXAMPLE, re.MULTILINE)) == set(Settings.model_fields)


@pytest.mark.parametrize("target", ["run", "test", "lint", "bench"])
def test_every_make_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}: ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert f"make {target}" in README


def test_ci_runs_what_the_readme_tells() -> None:
    commands = [
        line
        for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["make test"]
