"""`python -m tests.torture [ROW…] [--quick]`: the promises put to the test, as a table.

The exit status is 1 if one of them is broken.
"""

import argparse
import asyncio
import importlib
import logging
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.torture.row import Row

ROWS = ("kills", "poison", "uploads", "faults", "fairness", "allowance", "disk")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(ROWS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a few seconds a row instead of minutes")
    parser.add_argument("--keep", type=Path, help="a folder in which the records and logs of the runs stay")
    given = parser.parse_args()
    unknown = set(given.rows) - set(ROWS)
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    logging.disable(logging.WARNING)  # the stand-in's own: faults are what this is about
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.rows or ROWS:
            folder = (given.keep or Path(temporary)) / name
            folder.mkdir(parents=True)
            rows.append(_run(name, folder, quick=given.quick))
    table = Table("test", "done", "figure", "verdict")
    for row in rows:
        table.add_row(row.name, row.done, row.figure, "passed" if row.passed else "FAILED")
    Console(width=200).print(table)
    return 0 if all(row.passed for row in rows) else 1


def _run(name: str, folder: Path, *, quick: bool) -> Row:
    began = time.monotonic()
    row: Row = asyncio.run(importlib.import_module(f"tests.torture.{name}").run(folder, quick=quick))
    verdict = "passed" if row.passed else f"FAILED {row.wrong[:20]}"
    sys.stderr.write(f"{name}: {row.done}: {row.figure}: {verdict} ({time.monotonic() - began:.0f} s)\n")
    return row


if __name__ == "__main__":
    sys.exit(main())
