"""What can be wrong with a diffusers folder, and the words for it."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tests.unit.generation.worker.copies import (
    AGAIN,
    LFS,
    PAGE,
    Copy,
    Fault,
    Runs,
    changed,
    edited,
    first,
    weights,
)


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
    torch.save({"code": Runs(copy.at / "run")}, folder / "unet" / "diffusion_pytorch_model.bin")
    return folder


FAULTS: dict[str, Fault] = {
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
}
