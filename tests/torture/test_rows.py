"""A short form of every row of `make torture`."""

import importlib
from pathlib import Path

import pytest

from tests.torture.__main__ import ROWS


@pytest.mark.timeout(600)  # on a machine that has much else to do
@pytest.mark.parametrize("row", ROWS)
async def test_what_easel_promises_holds_when_it_is_tortured_a_little(row: str, tmp_path: Path) -> None:
    shown = await importlib.import_module(f"tests.torture.{row}").run(tmp_path, quick=True)
    assert shown.passed, f"{shown.figure} {shown.wrong}"
