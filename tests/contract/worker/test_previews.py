"""What a real worker shows of a picture while it draws it."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from generation import Finished, Model
from generation.inspection import inspect_model
from tests.contract.worker.process import WorkerProcess
from tests.models import small_sd1, with_safety_checker


def test_previews_come_when_they_are_ordered_and_change_nothing(
    worker: WorkerProcess, models: dict[str, Model]
) -> None:
    plain = worker.order(models["sd1"], job="plain", num_inference_steps=10)
    assert isinstance(worker.draw(plain), Finished)
    assert worker.previews == []

    watched = worker.order(models["sd1"], job="watched", num_inference_steps=10)
    assert isinstance(worker.draw(replace(watched, preview_every=0.0)), Finished)
    assert worker.previews
    with Image.open(BytesIO(worker.previews[0])) as preview:
        assert preview.format == "JPEG"
        assert max(preview.size) < 200
    assert worker.pixels("watched.png") == worker.pixels("plain.png")
    assert {file.name for file in worker.folder.iterdir()} == {"plain.png", "watched.png"}


def test_a_model_with_a_safety_checker_is_drawn_without_previews(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = with_safety_checker(small_sd1(tmp_path / "checked"), flags=True)
    order = worker.order(inspect_model(str(folder)), num_inference_steps=10)

    finished = worker.draw(replace(order, preview_every=0.0))

    assert isinstance(finished, Finished)
    assert finished.pictures[0].flagged
    assert worker.previews == []
