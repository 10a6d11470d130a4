"""Every family in every layout draws in every mode, by the command that an operator would use."""

from pathlib import Path

from tests import families


def test_every_family_draws_in_every_layout_and_mode(tmp_path: Path) -> None:
    run = families.check(families.make(tmp_path))
    rows = [line for line in run.stdout.splitlines() if line.startswith(tuple(families.FAMILIES))]
    named = {line.split()[0] for line in rows}
    layouts = {
        family: ("hub", "folder") if family in families.FOLDERS_ONLY else families.LAYOUTS
        for family in families.FAMILIES
    }

    assert [line for line in rows if not line.rstrip().endswith("drawn")] == []
    assert named >= {f"{family}-{layout}" for family, here in layouts.items() for layout in here}
    assert run.returncode == 0
