"""Every family in every layout draws in every mode, by the command that an operator would use."""

from pathlib import Path

import pytest

from tests import families


@pytest.mark.timeout(600)  # some forty models are made, read and drawn with
def test_every_family_draws_in_every_layout_and_mode(tmp_path: Path) -> None:
    run = families.check(families.make(tmp_path))
    wanted = {
        f"{family}-{layout}"
        for family in families.FAMILIES
        for layout in (families.LAYOUTS[:2] if family in families.FOLDERS_ONLY else families.LAYOUTS)
    }
    rows = [line.split() for line in run.stdout.splitlines() if line.split()[:1] and line.split()[0] in wanted]

    assert [row for row in rows if row[-1] != "drawn"] == []
    assert {row[0] for row in rows} == wanted
    assert run.returncode == 0
