"""What a real worker process says of pictures."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from generation import Described, Failed, FailureKind, Finished, Model
from generation.protocol import Describe
from tests.contract.worker.process import WorkerProcess
from tests.controls import small_captioner


@pytest.fixture
def blip(tmp_path: Path) -> Path:
    return small_captioner(tmp_path / "blip")


def a_look(captioner: Path, picture: bytes | None = None) -> Describe:
    file = BytesIO()
    Image.new("RGB", (48, 32), "teal").save(file, "PNG")
    return Describe(job="look", picture=file.getvalue() if picture is None else picture, captioner=str(captioner))


def asked(worker: WorkerProcess, order: Describe) -> Described | Failed:
    worker.send(order)
    report = worker.next()
    assert isinstance(report, Described | Failed), report
    return report


def test_a_picture_is_described_and_what_is_drawn_next_is_as_ever(
    worker: WorkerProcess, models: dict[str, Model], blip: Path
) -> None:
    worker.draw(worker.order(models["sd1"], job="before"))
    first, again = (asked(worker, a_look(blip)) for _ in range(2))
    drawn = worker.draw(worker.order(models["sd1"], job="after"))

    assert isinstance(first, Described)
    assert isinstance(again, Described)
    assert len(first.prompts) > 1
    assert again.prompts == first.prompts
    assert first.seconds > 0
    assert isinstance(drawn, Finished)
    assert worker.pixels("before.png") == worker.pixels("after.png")


def test_what_cannot_be_described_is_said_and_the_worker_lives_on(worker: WorkerProcess, blip: Path) -> None:
    gone = asked(worker, a_look(blip / "gone"))
    strange = asked(worker, a_look(blip, b"no picture"))
    (blip / "tokenizer.json").write_text("{")
    broken = asked(worker, a_look(blip))

    assert isinstance(gone, Failed)
    assert gone.failure.detail == ("gone cannot be read: ask whoever runs this bot to copy or download it again.")
    assert [each.failure.kind for each in (gone, strange, broken) if isinstance(each, Failed)] == [
        FailureKind.UNFIT,
        FailureKind.BUG,
        FailureKind.UNFIT,
    ]
    small_captioner(blip)
    assert isinstance(asked(worker, a_look(blip)), Described)
