"""A worker process that the system leaves no more memory: what it draws then, and that it lives on."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from generation import Failed, FailureKind, Finished, Model
from generation.inspection import inspect_model
from tests.contract.worker.process import WorkerProcess
from tests.models import small_sd1

SIDE = 384  # pixels; decoded whole they take half as much again as what is spared, by tiles a quarter of it
SPARED = 2**26  # numbers; the stacks of the threads that read a model count too
WIDTH = 128  # channels of the decoder, so that most of the memory goes there
# A limit on what the C library has taken is one on what is in use only where it gives back at once what is not.
AT_ONCE = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
LARGE = {"width": SIDE, "height": SIDE, "num_inference_steps": 1, "guidance_scale": 1.0}

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux takes memory from a process")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = small_sd1(tmp_path_factory.mktemp("wide") / "model")
    torch.manual_seed(2)
    shape = AutoencoderKL.load_config(folder / "vae") | {"block_out_channels": (WIDTH,) * 4}
    AutoencoderKL.from_config(shape).save_pretrained(folder / "vae")
    return inspect_model(str(folder))


@pytest.fixture(scope="module")
def short(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker that has drawn a small picture, thinks that there is plenty, and gets little more than it has."""
    arguments = ("--device", "cpu", "--threads", "1", "--memory", "1000")
    with WorkerProcess(*arguments, environment=AT_ONCE) as worker:
        worker.folder = tmp_path_factory.mktemp("pictures")
        drawn = worker.draw(worker.order(model, job="before"))
        assert isinstance(drawn, Finished)
        assert "VAE tiling" not in drawn.recipe.environment.placement
        status = Path(f"/proc/{worker.process.pid}/status").read_text("utf-8")
        has = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:"))
        most = has + SPARED * getattr(torch, worker.ready.dtype).itemsize
        resource.prlimit(worker.process.pid, resource.RLIMIT_DATA, (most, most))
        yield worker


def test_a_picture_that_memory_ran_out_for_is_drawn_one_step_down_and_so_are_those_after_it(
    short: WorkerProcess, model: Model
) -> None:
    ends = [short.draw(short.order(model, job=job, **LARGE)) for job in ("first", "second")]

    assert all(isinstance(end, Finished) for end in ends), (ends, short.log[-20:])
    first, second = (end.recipe.environment for end in ends)
    assert "VAE tiling" in first.placement  # as on every step but the first
    assert first.short_of_memory
    # It is remembered, so that the next one is not tried in vain.
    assert second.placement == first.placement
    assert not second.short_of_memory
    # And it is said, with what it was tried as, for the workers after this one.
    [said] = [each for each in short.tried if each.tried == short.ran_out[0].tried]
    assert (said.job, short.ran_out[0].job) == ("first", "first")
    assert len(short.ran_out) == 1
    assert short.pixels("first.png") == short.pixels("second.png")


def test_a_picture_that_no_step_is_enough_for_fails_as_such_and_the_next_one_is_drawn(
    short: WorkerProcess, model: Model
) -> None:
    huge = short.draw(short.order(model, **LARGE | {"width": 8192, "height": 8192}))
    after = short.draw(short.order(model, job="after"))

    assert isinstance(huge, Failed)
    assert huge.failure.kind is FailureKind.OUT_OF_MEMORY
    assert isinstance(after, Finished), (after, short.log[-20:])
    assert short.pixels("after.png") == short.pixels("before.png")
