"""Real worker processes and small random models for them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from generation import Model
from generation.inspection import inspect_model
from tests.contract.worker.process import WorkerProcess
from tests.models import single_file, small_sd1, small_sd2, small_sdxl

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """One small model of each kind that the worker takes, by its name."""
    torch.set_num_threads(1)
    base = tmp_path_factory.mktemp("models")
    folders = (
        small_sd1(base / "sd1"),
        small_sd2(base / "sd2", dtype=torch.float16),
        small_sdxl(base / "sdxl"),
    )
    files = [single_file(folder, base / f"{folder.name}-file.safetensors") for folder in folders]
    checkpoint = single_file(folders[0], base / "sd1-checkpoint.ckpt")
    return {model.name: model for model in (inspect_model(str(path)) for path in (*folders, *files, checkpoint))}


@pytest.fixture(scope="session")
def hub_cache(models: dict[str, Model], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the hub's client would have kept of three models: all of one, and of others the small files."""
    cache = tmp_path_factory.mktemp("hub")
    _keep(Path(models["sd1"].source), cache / "models--nobody--small-model")
    small_files = Path(models["sd1-file"].source).with_suffix(".config")
    _keep(small_files, cache / "models--nobody--half-a-model")
    _keep(small_files, cache / "models--stable-diffusion-v1-5--stable-diffusion-v1-5")
    return cache


def _keep(folder: Path, kept: Path) -> None:
    shutil.copytree(folder, kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)


@pytest.fixture(scope="session")
def shared_worker(hub_cache: Path) -> Iterator[WorkerProcess]:
    """One process for every test that leaves it as it was."""
    with WorkerProcess(environment={"HF_HUB_CACHE": str(hub_cache)}) as process:
        yield process


@pytest.fixture
def worker(shared_worker: WorkerProcess, tmp_path: Path) -> WorkerProcess:
    """The shared process, writing pictures to this test's folder."""
    shared_worker.folder = tmp_path
    return shared_worker
