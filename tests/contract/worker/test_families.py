"""Every family in every layout draws in every mode, by the command that an operator would use."""

import re
from pathlib import Path

import pytest

from tests import families

PARTS = ("inpaint", "outpaint")
MADE_FOR_ALL = ("text to image", "variation", "image to image", "blend", "two passes", *PARTS)
MADE_FOR = {
    "sd1-inpainting": PARTS,
    "sd2-inpainting": PARTS,
    "sd2-depth": ("depth",),
    "x4-upscaler": ("upscale",),
}


@pytest.mark.timeout(600)  # some forty models are made, read and drawn with
def test_every_family_draws_in_every_layout_and_mode(tmp_path: Path) -> None:
    run = families.check(families.make(tmp_path))
    wanted = {
        (f"{family}-{layout}", mode)
        for family in families.FAMILIES
        for layout in families.LAYOUTS
        for mode in MADE_FOR.get(family, MADE_FOR_ALL)
    }
    rows = [re.split(" {2,}", line.strip()) for line in run.stdout.splitlines()]
    results = {(row[0], row[3]): row[4] for row in rows if len(row) == 5}  # name, family, origin, mode, result
    tried = {row[0]: row[-1] for row in rows}

    assert {row: results.get(row) for row in wanted} == dict.fromkeys(wanted, "drawn")
    changes = ("lora", "embedding", *(f"follows-{mode}" for mode in ("edges", "sketch", "pose", "depth")))
    assert {name: tried.get(name) for name in changes} == dict.fromkeys(changes, "drawn with sd1-hub")
    assert run.returncode == 0
