"""What can be wrong with a model in a single file, and the words for it."""

import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

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
    header,
    weights,
)


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
    torch.save({"state_dict": torch.load(file)["state_dict"], "and": Runs(copy.at / "run")}, file)
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


FAULTS: dict[str, Fault] = {
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
