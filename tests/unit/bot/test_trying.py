"""`easel models check`, with a worker that misbehaves."""

import sys
from pathlib import Path

import pytest

from bot import trying
from bot.settings import Settings
from bot.wording.models import DRAWN
from generation import Catalogue, Supervisor

FIXTURE = Path(__file__).parents[2] / "fixture_worker.py"


async def tried(how: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[bool | None, str]]:
    """What came of each mode of the built-in model, with a worker that behaves as `how` says."""
    worker = Supervisor(device="auto", command=(sys.executable, str(FIXTURE), how))
    monkeypatch.setattr(trying, "worker_of", lambda _: worker)
    known = Catalogue.read(default="storybook")
    trials = await trying.try_out(Settings(data_dir=folder), known, "storybook", lambda _: None)
    return {trial.mode: (trial.ok, trial.result) for trial in trials}


async def test_a_worker_that_dies_in_some_modes_is_told_of_those_and_of_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, died = (True, DRAWN), (False, "exit code 9")

    assert await tried("dies_over_a_source", tmp_path, monkeypatch) == {
        "text to image": drawn,
        "variation": drawn,
        "image to image": died,
        "blend": died,
        "two passes": drawn,
        "inpaint": died,
        "outpaint": died,
    }


async def test_a_worker_that_dies_over_the_model_draws_in_no_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await tried("dies_while_loading", tmp_path, monkeypatch) == {"load": (False, "exit code 9")}
