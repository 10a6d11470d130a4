"""The rooms stay apart: who may import whom, what the bot loads, and what the doors hand on."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "numpy"}
PACKAGES = ["bot", "db", "generation"]

# Room -> what it may import of ours. The longest matching room decides.
ALLOWED = {
    "bot": {"bot", "generation", "db"},
    "bot.commands": {"bot", "generation"},
    "bot.views": {"bot", "generation"},
    "bot.playground": {"bot.playground"},
    "generation": {"generation"},
    "db": {"db"},
}


def modules_of(package: str) -> list[str]:
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in sorted((ROOT / package).rglob("*.py"))
    ]


def imports_of(module: str) -> set[str]:
    path = ROOT / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


ALL_MODULES = [module for package in PACKAGES for module in modules_of(package)]


@pytest.mark.parametrize("module", ALL_MODULES)
def test_a_room_imports_only_what_it_may(module: str) -> None:
    room = max((room for room in ALLOWED if f"{module}.".startswith(f"{room}.")), key=len)
    ours = {name for name in imports_of(module) if name.split(".")[0] in PACKAGES}
    strangers = {
        name for name in ours if not any(f"{name}.".startswith(f"{allowed}.") for allowed in ALLOWED[room])
    }
    assert not strangers


@pytest.mark.parametrize("module", [name for name in ALL_MODULES if name.startswith(("bot", "db"))])
def test_other_rooms_come_in_by_the_door(module: str) -> None:
    own = module.partition(".")[0]
    behind = {
        name
        for name in imports_of(module)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] != own and "." in name
    }
    assert not behind


@pytest.mark.parametrize(
    "module",
    [name for name in ALL_MODULES if not name.startswith(("generation.worker", "generation.storybook"))],
)
def test_only_the_worker_and_the_training_import_torch(module: str) -> None:
    # A watermark is read in the bot too, and then only are its numbers loaded.
    allowed = {"numpy"} if module == "generation.dwtdct" else set()
    assert not {name.split(".")[0] for name in imports_of(module)} & HEAVY - allowed


@pytest.mark.parametrize("module", [name for name in ALL_MODULES if not name.startswith("generation.worker")])
def test_nobody_imports_the_worker(module: str) -> None:
    assert not {name for name in imports_of(module) if name.startswith("generation.worker")}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_door_names_exactly_what_it_hands_on(package: str) -> None:
    door = importlib.import_module(package)
    names = list(getattr(door, "__all__", []))
    assert names == sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert all(hasattr(door, name) for name in names)


def test_the_bot_is_small_and_knows_no_torch() -> None:
    script = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    importlib.import_module(name)\n"
        "import psutil\n"
        "print(json.dumps([sorted(sys.modules), psutil.Process().memory_info().rss]))\n"
    )
    modules = [name for name in modules_of("bot") if name != "bot.__main__"]
    run = subprocess.run(
        [sys.executable, "-c", script, json.dumps(modules)],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    loaded, resident = json.loads(run.stdout)
    assert not HEAVY & {name.split(".")[0] for name in loaded}
    assert resident < 150e6
