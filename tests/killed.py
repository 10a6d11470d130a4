"""Work that is killed at each of its steps: `python tests/killed.py MODULE FUNCTION PRISTINE FOLDER SQL`.

Runs FUNCTION(folder) on a fresh copy of PRISTINE again and again, `FOLDER/1`, `FOLDER/2` and so on, and kills it
with SIGKILL at its first step, its second, until it comes to its end. A step is a change of the file system, and
with SQL=1 also a statement that SQLite begins. Prints how many copies were killed.
"""

import importlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}


def killed_at_each_step(
    function: Callable[[Path], object], pristine: Path, folder: Path, *, sql: bool
) -> list[Path]:
    """The folders in which `function`, a public one of an importable module, was killed, step by step."""
    code = [
        sys.executable,
        __file__,
        function.__module__,
        function.__name__,
        str(pristine),
        str(folder),
        str(int(sql)),
    ]
    done = subprocess.run(
        code, check=True, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    return [folder / str(number) for number in range(1, int(done.stdout.split()[-1]) + 1)]


def _main(module: str, name: str, pristine: str, folder: str, sql: str) -> None:
    function = getattr(importlib.import_module(module), name)
    for number in count(1):
        copy = Path(folder) / str(number)
        shutil.copytree(pristine, copy)
        child = os.fork()
        if child == 0:
            _kill_at(number, sql=sql == "1")
            function(copy)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            shutil.rmtree(copy)
            sys.stdout.write(f"{number - 1}\n")
            return
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"step {number} ended with status {status}")


def _kill_at(step: int, *, sql: bool) -> None:
    """Have this process killed before its step of that number."""
    steps = count(1)

    def one(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event in _CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
            one()

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connected(*arguments, **options)
        connection.set_trace_callback(one)
        return connection

    sys.addaudithook(look)
    if sql:
        connected, sqlite3.connect = sqlite3.connect, connect


if __name__ == "__main__":
    _main(*sys.argv[1:])
