"""Pictures put into words by small random captioners."""

import os
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BlipForConditionalGeneration

from generation import ModelUnavailable, inspect
from generation.captions import CAPTIONS, clean
from generation.storybook import scenes
from generation.worker import captioner
from generation.worker.adapters import Unfit
from generation.worker.captioner import describe
from tests.controls import CAPTIONERS_WORDS, small_captioner

CPU = torch.device("cpu")


def a_scene(seed: int = 1) -> bytes:
    file = BytesIO()
    scenes.draw(scenes.invent(Random(seed))).save(file, "PNG")  # noqa: S311
    return file.getvalue()


@pytest.mark.parametrize("git", [False, True], ids=["blip", "git"])
def test_a_picture_is_put_into_several_different_words_and_the_same_ones_again(tmp_path: Path, git: bool) -> None:
    folder = small_captioner(tmp_path / "captioner", git=git)

    said = describe(folder, a_scene(), CPU)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    again = describe(folder, a_scene(), CPU)

    assert 2 <= len(said) <= CAPTIONS
    assert len({prompt.casefold() for prompt in said}) == len(said)
    assert all(clean(prompt) == prompt for prompt in said)
    assert {word for prompt in said for word in prompt.split()} <= set(CAPTIONERS_WORDS)
    assert again == said
    assert torch.equal(torch.random.get_rng_state(), before)  # what is drawn next is none of its business


def test_half_precision_and_weights_of_pytorch_say_the_same(tmp_path: Path) -> None:
    folder = small_captioner(tmp_path / "captioner")
    said = describe(folder, a_scene(), CPU)
    tensors = load_file(folder / "model.safetensors")

    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert describe(folder, a_scene(), CPU) == said
    (folder / "pytorch_model.bin").unlink()
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    assert describe(folder, a_scene(), CPU)


def test_what_cannot_be_read_or_lacks_something_is_said(tmp_path: Path) -> None:
    folder = small_captioner(tmp_path / "blip")
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    lacking = {name: each for name, each in tensors.items() if name != "vision_model.post_layernorm.weight"}
    save_file(lacking, weights, metadata={"format": "pt"})
    with pytest.raises(Unfit, match=r"blip lacks vision_model\.post_layernorm\.weight: ask whoever"):
        describe(folder, a_scene(), CPU)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Unfit, match="blip cannot be read: ask whoever runs this bot"):
        describe(folder, a_scene(), CPU)
    save_file(tensors, weights, metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(Unfit, match="blip cannot be read"):
        describe(folder, a_scene(), CPU)
    with pytest.raises(Unfit, match="gone cannot be read"):
        describe(tmp_path / "gone", a_scene(), CPU)


def test_code_in_the_weights_is_not_run(tmp_path: Path) -> None:
    class Bad:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "harm"),)

    folder = small_captioner(tmp_path / "blip")
    (folder / "model.safetensors").unlink()
    torch.save({"text_decoder.cls.predictions.bias": Bad()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match=r"asks for posix\.mkdir, which Easel never runs"):
        inspect(str(folder))
    with pytest.raises(Unfit, match="blip cannot be read"):
        describe(folder, a_scene(), CPU)
    assert not (tmp_path / "harm").exists()


def test_a_device_without_room_leaves_it_to_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small_captioner(tmp_path / "blip")
    said = describe(folder, a_scene(), CPU)
    full, really = torch.device("meta"), BlipForConditionalGeneration.to

    def to(self: BlipForConditionalGeneration, device: torch.device) -> BlipForConditionalGeneration:
        if device == full:
            raise torch.OutOfMemoryError("no room")
        return really(self, device)

    monkeypatch.setattr(BlipForConditionalGeneration, "to", to)
    assert describe(folder, a_scene(), full) == said
    monkeypatch.setattr(captioner, "is_out_of_memory", lambda _: False)
    with pytest.raises(torch.OutOfMemoryError):
        describe(folder, a_scene(), full)


def test_the_picture_is_looked_at(tmp_path: Path) -> None:
    folder = small_captioner(tmp_path / "captioner")
    white, black = BytesIO(), BytesIO()
    Image.new("RGB", (64, 64), "white").save(white, "PNG")
    Image.new("RGB", (64, 64), "black").save(black, "PNG")
    assert describe(folder, white.getvalue(), CPU) != describe(folder, black.getvalue(), CPU)
