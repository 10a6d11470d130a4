"""Models from the hub arrive whole, from whichever place has them, and are not asked for again."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from generation import LoadFailed, Loading, Model, Place
from generation.protocol import Load, Loaded
from tests.contract.worker.process import WorkerProcess
from tests.hub import Hub

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def hub(models: dict[str, Model]) -> Iterator[Hub]:
    source = Path(models["sd1"].source)
    names = ("plain/model", "spoilt/model", "second/model")
    with Hub(repositories=dict.fromkeys(names, source), gated={"gated/model"}) as running:
        yield running


@pytest.fixture(scope="module")
def fetching(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    cache = tmp_path_factory.mktemp("cache")
    environment = {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_DISABLE_XET": "1",
    }
    with WorkerProcess(environment=environment) as process:
        yield process


def load(worker: WorkerProcess, model: Model) -> tuple[list[Loading], Loaded | LoadFailed]:
    worker.send(Load(model=model))
    told: list[Loading] = []
    while isinstance(report := worker.next(), Loading):
        told.append(report)
    assert isinstance(report, Loaded | LoadFailed), report
    return told, report


def at(models: dict[str, Model], *sources: str, **values: str) -> Model:
    first, *others = sources
    return replace(models["sd1"], source=first, others=tuple(Place(source=source) for source in others), **values)


def failure(report: Loaded | LoadFailed) -> str:
    assert isinstance(report, LoadFailed)
    return report.failure.detail


def test_a_model_is_fetched_with_progress_and_then_no_more(
    fetching: WorkerProcess, hub: Hub, models: dict[str, Model]
) -> None:
    told, report = load(fetching, at(models, "plain/model"))

    assert isinstance(report, Loaded), report
    assert told[-1].done == told[-1].total > 100_000
    assert [each.done for each in told] == sorted(each.done for each in told)
    asked = hub.requests
    _, again = load(fetching, replace(at(models, "plain/model"), name="the-same"))
    assert isinstance(again, Loaded)
    assert hub.requests == asked


def test_the_next_place_is_taken_where_one_is_gone(fetching: WorkerProcess, models: dict[str, Model]) -> None:
    _, report = load(fetching, at(models, "gone/model", "gated/model", "second/model"))

    assert isinstance(report, Loaded), report


def test_what_broke_off_is_gone_on_with(
    fetching: WorkerProcess, hub: Hub, models: dict[str, Model], tmp_path: Path
) -> None:
    # The client writes 10 MB at a time, so that nothing smaller is gone on with
    save_file({"one": torch.ones(3_000_000), "two": torch.ones(3_000_000)}, tmp_path / "large.safetensors")
    hub.repositories["cut/model"] = tmp_path
    hub.cut["large.safetensors"] = 15_000_000

    told, report = load(fetching, at(models, "cut/model", file="large.safetensors"))

    assert "is of another kind" in failure(report)  # it has arrived, and is no model
    assert hub.ranges == ["large.safetensors"]
    assert told[-1].done == told[-1].total > 24_000_000


def test_what_arrives_spoilt_is_not_kept(fetching: WorkerProcess, hub: Hub, models: dict[str, Model]) -> None:
    hub.spoilt.add(UNET)
    _, report = load(fetching, at(models, "spoilt/model"))
    hub.spoilt.clear()

    assert f"{UNET} did not arrive as it is" in failure(report)
    _, again = load(fetching, at(models, "spoilt/model"))
    assert isinstance(again, Loaded), again


def test_one_sentence_says_that_every_place_is_gone(fetching: WorkerProcess, models: dict[str, Model]) -> None:
    _, report = load(fetching, at(models, "gone/model", "gated/model"))

    words = failure(report)
    assert words.startswith("none of its 2 places has it for you (Hugging Face has no model gone/model")
    assert "gated/model asks for an agreement" in words
    assert words.endswith("name a folder that holds it")


def test_an_agreement_is_asked_for(fetching: WorkerProcess, models: dict[str, Model]) -> None:
    _, report = load(fetching, at(models, "gated/model"))

    assert failure(report) == "gated/model asks for an agreement; accept it on its page and run `hf auth login`"


def test_a_single_file_of_the_hub_is_checked_by_its_hash(
    fetching: WorkerProcess, hub: Hub, models: dict[str, Model], tmp_path: Path
) -> None:
    whole = Path(models["sd1-file"].source)
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copy(whole, folder / "it.safetensors")
    hub.repositories["file/model"] = folder
    digest = hashlib.sha256(whole.read_bytes()).hexdigest()

    _, report = load(fetching, at(models, "file/model", file="it.safetensors", sha256="0" * 64))
    assert "its SHA-256 begins with" in failure(report)
    # The configuration comes from the model's other home
    model = at(models, "file/model", "plain/model", file="it.safetensors", sha256=digest)
    _, report = load(fetching, replace(model, others=()))
    assert "a single file holds no tokenizer" in failure(report)


def test_a_name_that_is_no_file_of_the_repository_is_said(
    fetching: WorkerProcess, models: dict[str, Model]
) -> None:
    _, report = load(fetching, at(models, "plain/model", file="nothing.safetensors"))

    assert "there is no nothing.safetensors in plain/model" in failure(report)
