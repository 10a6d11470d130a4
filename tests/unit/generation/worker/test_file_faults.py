"""Everything that can be wrong with a model's files, made on purpose, and the sentence that the operator reads.

`make faults` prints them.
"""

import json
import logging
import pickle
import shutil
import struct
import sys
import tempfile
import types
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from bot.wording import sentence
from generation.errors import ModelUnavailable
from generation.inspection import inspect_model
from generation.worker import loading
from tests.models import single_file, small_depth, small_sd1, small_sdxl


@dataclass(frozen=True)
class Whole:
    """Models with nothing wrong, to be copied and damaged."""

    folder: Path
    file: Path
    checkpoint: Path
    sdxl: Path
    depth: Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return made(tmp_path_factory.mktemp("whole"))


def made(base: Path) -> Whole:
    torch.set_num_threads(1)
    folder = small_sd1(base / "sd1")
    return Whole(
        folder=folder,
        file=single_file(folder, base / "sd1-file.safetensors"),
        checkpoint=single_file(folder, base / "sd1-checkpoint.ckpt"),
        sdxl=small_sdxl(base / "sdxl"),
        depth=single_file(small_depth(base / "depth"), base / "depth-file.safetensors"),
    )


class Copy:
    """Copies of what is whole, in a folder of the test's own."""

    def __init__(self, whole: Whole, folder: Path) -> None:
        self._whole = whole
        self.at = folder

    def folder(self) -> Path:
        return Path(shutil.copytree(self._whole.folder, self.at / "model"))

    def file(self, name: str = "model.safetensors") -> Path:
        shutil.copytree(self._whole.file.with_suffix(".config"), self.at / "model.config")
        source = self._whole.file if name.endswith(".safetensors") else self._whole.checkpoint
        return Path(shutil.copy(source, self.at / name))

    def depth(self) -> Path:
        shutil.copytree(self._whole.depth.with_suffix(".config"), self.at / "model.config")
        return Path(shutil.copy(self._whole.depth, self.at / "model.safetensors"))

    def sdxl_config(self) -> Path:
        return Path(shutil.copytree(self._whole.sdxl, self.at / "model.config", dirs_exist_ok=True))


def weights(folder: Path, part: str = "unet") -> Path:
    return next((folder / part).glob("*.safetensors"))


def changed(file: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def header(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    table = json.loads(content[8 : 8 + length])
    change(table)
    encoded = json.dumps(table).encode()
    file.write_bytes(struct.pack("<Q", len(encoded)) + encoded + content[8 + length :])


def first(tensors: dict[str, Any], start: str = "", end: str = "weight") -> str:
    return min(name for name in tensors if name.startswith(start) and name.endswith(end))


def edited(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


# Faults of folders -----------------------------------------------------------------------------------------------


def lost_tensor(part: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        changed(weights(folder, part), lambda tensors: tensors.pop(first(tensors)))
        return folder

    return make


def extra_tensor(part: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        changed(weights(folder, part), lambda tensors: tensors.update({"extra.weight": torch.zeros(2)}))
        return folder

    return make


def not_a_number(part: str, value: float) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        changed(weights(folder, part), lambda tensors: tensors[first(tensors)].view(-1)[0:1].fill_(value))
        return folder

    return make


def content(text: bytes, part: str = "unet") -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        weights(folder, part).write_bytes(text)
        return folder

    return make


def without(*names: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        for name in names:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return folder

    return make


def config(name: str, **values: Any) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        edited(folder / name, **values)
        return folder

    return make


def text(name: str, words: bytes) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        folder = copy.folder()
        (folder / name).write_bytes(words)
        return folder

    return make


def cut_folder(copy: Copy) -> Path:
    folder = copy.folder()
    file = weights(folder)
    file.write_bytes(file.read_bytes()[:-1000])
    return folder


def half_downloaded(copy: Copy) -> Path:
    folder = copy.folder()
    weights(folder).rename(folder / "unet" / "0123abcd.incomplete")
    return folder


def lost_shard(copy: Copy) -> Path:
    folder = copy.folder()
    names = {"a.weight": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))
    weights(folder).rename(folder / "unet" / "model-00001-of-00002.safetensors")
    return folder


def empty_shard_table(copy: Copy) -> Path:
    folder = copy.folder()
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text('{"weight_map": {}}')
    return folder


def eight_bits(copy: Copy) -> Path:
    folder = copy.folder()
    file = weights(folder)
    tensors = {name: tensor.to(torch.int8) for name, tensor in load_file(file).items()}
    save_file(tensors, file)
    return folder


def a_part_alone(copy: Copy) -> Path:
    return copy.folder() / "unet"


def no_model_at_all(copy: Copy) -> Path:
    (copy.at / "empty").mkdir()
    return copy.at / "empty"


def pickle_with_code(copy: Copy) -> Path:
    folder = copy.folder()
    weights(folder).unlink()
    torch.save({"code": _Runs(copy.at / "run")}, folder / "unet" / "diffusion_pytorch_model.bin")
    return folder


# Faults of single files ------------------------------------------------------------------------------------------


class _Runs:
    """What an attacker would put into a checkpoint."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def lost_in_file(start: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        file = copy.file()
        changed(file, lambda tensors: tensors.pop(first(tensors, start)))
        return file

    return make


def lost_part(start: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        file = copy.file()
        changed(file, lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith(start)])
        return file

    return make


def extra_in_file(name: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        file = copy.file()
        changed(file, lambda tensors: tensors.update({name: torch.zeros(2)}))
        return file

    return make


def file_content(words: bytes, name: str = "model.safetensors") -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        (copy.at / name).write_bytes(words)
        return copy.at / name

    return make


def renamed(name: str) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        return copy.file().rename(copy.at / name)

    return make


def cut_file(copy: Copy) -> Path:
    file = copy.file()
    file.write_bytes(file.read_bytes()[:-3])
    return file


def cut_header(copy: Copy) -> Path:
    file = copy.file()
    file.write_bytes(file.read_bytes()[:100])
    return file


def cut_checkpoint(copy: Copy) -> Path:
    file = copy.file("model.ckpt")
    file.write_bytes(file.read_bytes()[:-3000])
    return file


def overlapping(copy: Copy) -> Path:
    file = copy.file()
    header(file, lambda table: table[first(table)].update(data_offsets=[0, 4]))
    return file


def without_shape(copy: Copy) -> Path:
    file = copy.file()
    header(file, lambda table: table[first(table)].pop("shape"))
    return file


def scaled_float8(copy: Copy) -> Path:
    file = copy.file()
    name = first(load_file(file), "model.diffusion_model.")
    scale = name.replace("weight", "scale_weight")
    changed(
        file, lambda tensors: tensors.update({name: tensors[name].to(torch.float8_e4m3fn), scale: torch.ones(1)})
    )
    return file


def float8_as_lora(copy: Copy) -> Path:
    file = copy.at / "lora.safetensors"
    save_file({"lora_unet_attn2_to_k.lora_down.weight": torch.ones(4, 768).to(torch.float8_e4m3fn)}, file)
    return file


def nan_in_file(copy: Copy) -> Path:
    file = copy.file()
    changed(file, lambda tensors: tensors[first(tensors, "first_stage")].view(-1)[0:1].fill_(torch.nan))
    return file


def code_in_checkpoint(copy: Copy) -> Path:
    file = copy.file("model.ckpt")
    torch.save({"state_dict": torch.load(file)["state_dict"], "and": _Runs(copy.at / "run")}, file)
    return file


def bomb(copy: Copy) -> Path:
    file = copy.at / "model.ckpt"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", bytes(60_000_000))
    return file


def another_archive(copy: Copy) -> Path:
    file = copy.at / "model.ckpt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("photo.txt", "hello")
    return file


def lost_storage(copy: Copy) -> Path:
    file = copy.file("model.ckpt")
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    lost = next(name for name in entries if name.endswith("data/3"))
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in entries.items():
            if name != lost:
                archive.writestr(name, value)
    return file


def damaged_pickle(copy: Copy) -> Path:
    file = copy.at / "model.ckpt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"a": 1})[:-4])
    return file


def no_tensors(copy: Copy) -> Path:
    file = copy.at / "model.ckpt"
    torch.save({"state_dict": {}}, file)
    return file


def other_config(copy: Copy) -> Path:
    file = copy.file()
    edited(copy.at / "model.config" / "unet" / "config.json", cross_attention_dim=24)
    return file


def lost_tokenizer(copy: Copy) -> Path:
    file = copy.file()
    shutil.rmtree(copy.at / "model.config" / "tokenizer")
    return file


def depth_without_estimator(copy: Copy) -> Path:
    file = copy.depth()
    weights(copy.at / "model.config", "depth_estimator").unlink()
    return file


def channels(count: int) -> Callable[[Copy], Path]:
    def make(copy: Copy) -> Path:
        file = copy.file()
        name = "model.diffusion_model.input_blocks.0.0.weight"
        changed(file, lambda tensors: tensors.update({name: torch.zeros(16, count, 3, 3)}))
        return file

    return make


def lora_as_model(copy: Copy) -> Path:
    file = copy.at / "model.safetensors"
    save_file({"lora_unet_x_attn2_to_k.lora_down.weight": torch.zeros(4)}, file)
    return file


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4265146304\n"
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
AGAIN = "copy or download it again"

FAULTS: dict[str, tuple[Callable[[Copy], Path], str]] = {
    # What folders lack
    "folder that is none": (no_model_at_all, "there is no .*model_index.json: it is no diffusers folder"),
    "folder of one part": (a_part_alone, "holds a UNet2DConditionModel alone; name the folder above it"),
    "no UNet": (without("unet"), f"there is no .*unet/config.json: .*{AGAIN}"),
    "no autoencoder": (without("vae"), f"there is no .*vae/config.json: .*{AGAIN}"),
    "no text encoder": (without("text_encoder"), f"there is no .*text_encoder/config.json: .*{AGAIN}"),
    "no scheduler": (without("scheduler"), f"there is no .*scheduler_config.json: .*{AGAIN}"),
    "no weights": (without("unet/diffusion_pytorch_model.safetensors"), f"unet holds no weights; {AGAIN}"),
    "no vocabulary": (without("tokenizer"), f"tokenizer holds no vocabulary; {AGAIN}"),
    "half downloaded": (
        half_downloaded,
        "has only 0123abcd.incomplete, a download that did not end; start it again",
    ),
    "lost shard": (lost_shard, "lacks model-00002-of-00002.safetensors, 1 of 2 files of weights"),
    "shards of nothing": (empty_shard_table, f"index.json names no files; {AGAIN}"),
    # The configurations of folders
    "other pipeline": (
        config("model_index.json", _class_name="WanPipeline"),
        "holds a WanPipeline; Easel draws with",
    ),
    "index without UNet": (
        config("model_index.json", unet=[None, None]),
        f"model_index.json names no unet; {AGAIN}",
    ),
    "index that is no JSON": (text("model_index.json", b"{"), f"model_index.json cannot be read .*; {AGAIN}"),
    "config that is no JSON": (
        text("unet/config.json", b'{"in_channels": 4'),
        f"config.json cannot be read .*; {AGAIN}",
    ),
    "config that is a list": (text("vae/config.json", b"[]"), f"config.json is not what it should be; {AGAIN}"),
    "config that is a pointer": (text("unet/config.json", LFS), f"config.json cannot be read .*; {AGAIN}"),
    "config of another model": (
        config("unet/config.json", cross_attention_dim=24),
        f"do not fit its configuration: .* is 16x16 and not 16x24; {AGAIN}",
    ),
    "config with nonsense": (config("unet/config.json", sample_size="wide"), f"are damaged .*; {AGAIN}"),
    "editing by instruction": (config("unet/config.json", in_channels=8), "made for editing by instruction"),
    "config of text encoder": (config("text_encoder/config.json", hidden_size=24), f"{AGAIN}"),
    # The weights of folders
    "cut short": (cut_folder, r"is cut short: \d+ of \d+ bytes are there; copy or download it again"),
    "empty": (content(b""), f"safetensors is empty; {AGAIN}"),
    "git-lfs pointer": (content(LFS), "is only a git-lfs pointer; run `git lfs pull`"),
    "git-lfs pointer of autoencoder": (content(LFS, "vae"), "vae/.* is only a git-lfs pointer"),
    "web page": (content(PAGE), "is a web page that was saved under this name; download the file itself"),
    "error message": (content(b'{"error":"Invalid credentials"}', "text_encoder"), "is an error message"),
    "plain error": (content(b"Entry not found"), "is an error message that was saved under this name"),
    "zeros": (content(bytes(4096)), "begins with zeros, as an unfinished download does; download it again"),
    "noise": (content(b"\xff" * 64), f"is no safetensors file; {AGAIN}"),
    "header of noise": (content(struct.pack("<Q", 8) + b"nonsense"), "its header is damaged; download it again"),
    "header of a list": (content(struct.pack("<Q", 2) + b"[]"), "its header is no table; download it again"),
    "no tensors": (content(struct.pack("<Q", 2) + b"{}"), f"holds no tensors; {AGAIN}"),
    "lost tensor of UNet": (lost_tensor("unet"), rf"its unet lacks \S+weight; .*{AGAIN}"),
    "lost tensor of autoencoder": (lost_tensor("vae"), rf"its vae lacks \S+weight; .*{AGAIN}"),
    "lost tensor of text encoder": (lost_tensor("text_encoder"), rf"its text_encoder lacks \S+weight; .*{AGAIN}"),
    "extra tensor of UNet": (extra_tensor("unet"), "its unet has extra.weight, which nothing asks for"),
    "extra tensor of autoencoder": (extra_tensor("vae"), "its vae has extra.weight, which nothing asks for"),
    "extra tensor of text encoder": (extra_tensor("text_encoder"), "its text_encoder has extra.weight, which"),
    "NaN in UNet": (not_a_number("unet", float("nan")), r"its unet holds what is no number in \S+weight"),
    "infinity in autoencoder": (not_a_number("vae", float("inf")), r"its vae holds what is no number in \S+"),
    "NaN in text encoder": (
        not_a_number("text_encoder", float("nan")),
        "its text_encoder holds what is no number",
    ),
    "eight bits": (eight_bits, "as I8, which Easel does not read; get it in fp16, bf16 or fp32"),
    "code in a folder's pickle": (
        pickle_with_code,
        "holds more than weights: it asks for .*; get it as .safetensors",
    ),
    # What single files are instead, and what they lack
    "GGUF by name": (renamed("model.gguf"), "is no model; single files end in .safetensors or .ckpt"),
    "GGUF by content": (file_content(b"GGUF" + bytes(60)), "is a GGUF file, which Easel does not read"),
    "unended": (renamed("model.safetensors.incomplete"), "is a download that did not end; start it again"),
    "zip by another name": (file_content(b"PK\x03\x04" + bytes(60)), "is a zip archive; unpack it"),
    "empty file": (file_content(b""), f"is empty; {AGAIN}"),
    "web page as checkpoint": (file_content(PAGE, "model.ckpt"), "is a web page"),
    "pointer as checkpoint": (file_content(LFS, "model.ckpt"), "is only a git-lfs pointer"),
    "rubbish as checkpoint": (
        file_content(b"\x80\x02rubbish", "model.ckpt"),
        "is cut short, or older than PyTorch 1.6",
    ),
    "file cut short": (cut_file, r"is cut short: \d+ of \d+ bytes are there"),
    "file cut in its header": (cut_header, "is cut short within its header"),
    "checkpoint cut short": (cut_checkpoint, "is cut short, or older than PyTorch 1.6"),
    "tensors in one place": (overlapping, "at a place that cannot be"),
    "tensor without shape": (without_shape, "has a tensor without type, shape or place"),
    "float8 with a scale": (scaled_float8, "scale_weight, which nothing asks for"),
    "float8 in a LoRA": (float8_as_lora, "as F8_E4M3, which Easel reads of whole models only"),
    "NaN in file": (nan_in_file, "its vae holds what is no number"),
    "hole in the UNet": (lost_in_file("model.diffusion_model.middle_block.0"), "its unet lacks"),
    "hole in the autoencoder": (lost_in_file("first_stage_model.dec"), "its vae lacks"),
    "hole in the text encoder": (lost_in_file("cond_stage_model."), "its text_encoder lacks"),
    "no UNet in file": (lost_part("model."), "has no denoising network; get the complete checkpoint"),
    "no autoencoder in file": (lost_part("first_stage_model."), "has no autoencoder; get the complete checkpoint"),
    "no text encoder in file": (
        lost_part("cond_stage_model."),
        "has no text encoder; get the complete checkpoint",
    ),
    "extra in the UNet": (
        extra_in_file("model.diffusion_model.zero.weight"),
        "its unet has .*zero.weight, which nothing",
    ),
    "extra in the autoencoder": (extra_in_file("first_stage_model.zero.weight"), "its vae has .*zero.weight"),
    "eight channels": (channels(8), "made for editing by instruction, which Easel does not do"),
    "configuration of another size": (other_config, "do not fit the configuration"),
    "no tokenizer beside": (lost_tokenizer, f"tokenizer holds no vocabulary; {AGAIN}"),
    "depth without its estimator": (depth_without_estimator, "copy the folder depth_estimator of .* into"),
    "LoRA as a model": (lora_as_model, "is a LoRA, which changes a model but is none"),
    # What else checkpoints may be
    "code in a checkpoint": (
        code_in_checkpoint,
        "holds more than weights: it asks for .*, which Easel never runs",
    ),
    "bomb": (bomb, "unpacks to far more than it is, as no checkpoint does; do not use it"),
    "another archive": (another_archive, "is a zip archive and no PyTorch checkpoint"),
    "lost storage": (lost_storage, r"has lost the numbers of a tensor \(data/3\)"),
    "damaged pickle": (damaged_pickle, f"is damaged .*; {AGAIN}"),
    "checkpoint of nothing": (no_tensors, f"holds no tensors; {AGAIN}"),
}


def load(fault: str, whole: Whole, folder: Path) -> None:
    """Make `fault` in `folder`, and load what has it."""
    source = FAULTS[fault][0](Copy(whole, folder))
    loading.load(inspect_model(str(source)), source, torch.float32)


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 40


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_sentence(fault: str, whole: Whole, tmp_path: Path) -> None:
    _, words = FAULTS[fault]
    with pytest.raises(ModelUnavailable, match=words) as refused:
        load(fault, whole, tmp_path)

    assert "\n" not in refused.value.reason
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "model.ckpt"])
def test_what_has_no_fault_loads(name: str, whole: Whole, tmp_path: Path) -> None:
    copy = Copy(whole, tmp_path)
    for source in (copy.file(name), copy.folder()):
        assert loading.load(inspect_model(str(source)), source, torch.float32).unet is not None


def test_weights_in_eight_bits_load_in_the_precision_that_is_drawn_in(whole: Whole, tmp_path: Path) -> None:
    file = Copy(whole, tmp_path).file()
    plain = loading.load(inspect_model(str(file)), file, torch.float32).unet.state_dict()
    changed(
        file,
        lambda tensors: tensors.update({name: each.to(torch.float8_e4m3fn) for name, each in tensors.items()}),
    )
    small = loading.load(inspect_model(str(file)), file, torch.float32).unet.state_dict()

    assert {each.dtype for each in small.values()} == {torch.float32}
    assert all(torch.equal(small[name], plain[name].to(torch.float8_e4m3fn).float()) for name in plain)


def test_a_checkpoint_of_the_first_days_loads(whole: Whole, tmp_path: Path) -> None:
    file = Copy(whole, tmp_path).file("model.ckpt")
    name = "pytorch_lightning.callbacks.model_checkpoint"
    callback = type("ModelCheckpoint", (), {"__module__": name})
    made = [name.rsplit(".", end)[0] for end in range(3)]
    sys.modules.update({each: types.ModuleType(each) for each in made})
    sys.modules[name].ModelCheckpoint = callback  # type: ignore[attr-defined] # made here
    try:
        state = torch.load(file)["state_dict"]
        torch.save({"callbacks": {callback: {"best": np.float64(0.5)}}, "state_dict": state}, file)
    finally:
        for each in made:
            del sys.modules[each]

    assert loading.load(inspect_model(str(file)), file, torch.float32).unet is not None


def show(folder: Path) -> None:
    """Print every fault, and what the operator reads of it."""
    logging.disable()
    whole = made(folder / "whole")
    for number, fault in enumerate(FAULTS, start=1):
        at = folder / str(number)
        at.mkdir()
        try:
            load(fault, whole, at)
        except ModelUnavailable as error:
            words = sentence(error).replace(str(at), "").replace(str(at.resolve()), "")
        else:
            words = "NOTHING IS SAID"
        sys.stdout.write(f"{number:3} {fault}\n    {words}\n")


if __name__ == "__main__":
    diffusers.utils.logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as place:
        show(Path(place))
