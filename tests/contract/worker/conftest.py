"""Real worker processes and small random models for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from generation import Model
from generation.inspection import inspect_model
from tests.contract.worker.process import WorkerProcess
from tests.models import single_file, small_sd1, small_sd2, small_sdxl


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """One small model of each kind that the worker takes, by its name."""
    torch.set_num_threads(1)
    base = tmp_path_factory.mktemp("models")
    folder = small_sd1(base / "sd1")
    paths = (
        folder,
        small_sd2(base / "sd2", dtype=torch.float16),
        small_sdxl(base / "sdxl"),
        single_file(folder, base / "file.safetensors"),
        single_file(folder, base / "checkpoint.ckpt"),
    )
    return {model.name: model for model in (inspect_model(str(path)) for path in paths)}


@pytest.fixture(scope="session")
def shared_worker() -> Iterator[WorkerProcess]:
    """One process for every test that leaves it as it was."""
    with WorkerProcess() as process:
        yield process


@pytest.fixture
def worker(shared_worker: WorkerProcess, tmp_path: Path) -> WorkerProcess:
    """The shared process, writing pictures to this test's folder."""
    shared_worker.folder = tmp_path
    return shared_worker
