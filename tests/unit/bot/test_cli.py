"""Where downloaded models are kept, as Hugging Face's own library then sees it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ASK = """
import sys
from pathlib import Path
from bot.cli import keep_models_in
keep_models_in(Path(sys.argv[1]))
from huggingface_hub import constants
print(constants.HF_HUB_CACHE)
"""


def cache(home: Path, **environment: str) -> Path:
    """Where models are downloaded to with the data folder `home`/data."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    inherited.pop("XDG_CACHE_HOME", None)
    asked = subprocess.run(
        [sys.executable, "-c", _ASK, str(home / "data")],
        check=True, capture_output=True, text=True, env=inherited | {"HOME": str(home)} | environment,
    )  # fmt: skip
    return Path(asked.stdout.strip())


def test_models_are_kept_in_the_data_folder(tmp_path: Path) -> None:
    assert cache(tmp_path) == tmp_path / "data" / "models" / "huggingface" / "hub"


@pytest.mark.parametrize("variable", ["", "XDG_CACHE_HOME"])
def test_a_cache_that_is_there_already_is_used(tmp_path: Path, variable: str) -> None:
    caches = tmp_path / ("elsewhere" if variable else ".cache")
    (caches / "huggingface" / "hub").mkdir(parents=True)
    environment = {variable: str(caches)} if variable else {}
    assert cache(tmp_path, **environment) == caches / "huggingface" / "hub"


@pytest.mark.parametrize(("variable", "below"), [("HF_HOME", "hub"), ("HF_HUB_CACHE", "")])
def test_the_place_that_the_operator_names_is_used(tmp_path: Path, variable: str, below: str) -> None:
    assert cache(tmp_path, **{variable: str(tmp_path / "mine")}) == tmp_path / "mine" / below
