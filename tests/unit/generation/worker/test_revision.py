"""Which version of a model's weights this is."""

import os
from pathlib import Path

import pytest

from generation.worker import revision
from generation.worker.revision import revision_of


def a_model(folder: Path, weights: bytes = b"weights") -> Path:
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "config.json").write_text("{}")
    (folder / "unet" / "model.safetensors").write_bytes(weights)
    return folder


def test_the_same_files_have_the_same_revision_wherever_they_are(tmp_path: Path) -> None:
    one, other = a_model(tmp_path / "one"), a_model(tmp_path / "elsewhere" / "two")
    os.utime(other / "unet" / "model.safetensors", (0, 0))
    (other / "README.md").write_text("notes are no weights")

    assert revision_of(one) == revision_of(other)


def test_other_weights_of_the_same_size_are_another_revision(tmp_path: Path) -> None:
    assert revision_of(a_model(tmp_path / "one")) != revision_of(a_model(tmp_path / "two", b"WEIGHTS"))


def test_other_settings_are_another_revision(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    before = revision_of(model)
    (model / "unet" / "config.json").write_text('{"sample_size": 8}')

    assert revision_of(model) != before


def test_a_snapshot_of_the_hub_is_its_commit(tmp_path: Path) -> None:
    commit = "0123456789abcdef" * 2 + "01234567"

    assert revision_of(a_model(tmp_path / "models--a--b" / "snapshots" / commit)) == commit


def test_a_large_file_is_told_apart_by_its_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision, "_WHOLE", 1000)
    monkeypatch.setattr(revision, "_SLICE", 100)
    contents = [bytes(5000), bytes(4950) + b"\x01" * 50, b"\x01" * 50 + bytes(4950), bytes(5001)]

    revisions = {revision_of(a_model(tmp_path / str(at), content)) for at, content in enumerate(contents)}

    assert len(revisions) == len(contents)
