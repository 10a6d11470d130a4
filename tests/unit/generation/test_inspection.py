"""What is told about a model from its small files alone."""

import json
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from generation import Family, Scheduler, Size
from generation.errors import ModelUnavailable
from generation.inspection import inspect_model, read_safetensors_header

SD1 = {"unet": {"cross_attention_dim": 768, "sample_size": 64, "in_channels": 4}}
SD2 = {"unet": {"cross_attention_dim": 1024, "sample_size": 96, "in_channels": 4}}
SDXL = {
    "model_index": {"_class_name": "StableDiffusionXLPipeline"},
    "unet": {"cross_attention_dim": 2048, "sample_size": 128, "in_channels": 4},
}


def a_folder(folder: Path, **configs: dict[str, Any]) -> str:
    """A diffusers folder without weights."""
    files = {
        "model_index": {"_class_name": "StableDiffusionPipeline"},
        "unet": {},
        "vae": {"block_out_channels": [128, 256, 512, 512]},
        "scheduler": {"_class_name": "PNDMScheduler"},
    } | configs
    paths = {
        "model_index": "model_index.json",
        "unet": "unet/config.json",
        "vae": "vae/config.json",
        "scheduler": "scheduler/scheduler_config.json",
    }
    for name, values in files.items():
        path = folder / paths[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    return str(folder)


def a_safetensors(file: Path, *names: str, channels: int = 4, missing_bytes: int = 0) -> str:
    """A single file whose tensors have `names`, four bytes each."""
    header = {
        name: {"dtype": "F32", "shape": [1, channels], "data_offsets": [at * 4, at * 4 + 4]}
        for at, name in enumerate(names)
    }
    encoded = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    content = struct.pack("<Q", len(encoded)) + encoded + bytes(4 * len(names))
    file.write_bytes(content[: len(content) - missing_bytes])
    return str(file)


UNET = "model.diffusion_model.input_blocks.0.0.weight"
VAE = "first_stage_model.decoder.conv_out.weight"
TEXT = {
    Family.SD1: "cond_stage_model.transformer.text_model.embeddings.position_ids",
    Family.SD2: "cond_stage_model.model.positional_embedding",
    Family.SDXL: "conditioner.embedders.1.model.positional_embedding",
}


@pytest.mark.parametrize(
    ("configs", "family", "native", "largest"),
    [(SD1, Family.SD1, 512, 1024), (SD2, Family.SD2, 768, 1536), (SDXL, Family.SDXL, 1024, 1536)],
)
def test_a_folder_tells_its_family_and_what_it_can_draw(
    tmp_path: Path, configs: dict[str, dict[str, Any]], family: Family, native: int, largest: int
) -> None:
    model = inspect_model(a_folder(tmp_path / "My-Model_v1.5", **configs))

    assert model.name == "my-model_v1.5"
    assert model.title == "My-Model_v1.5"
    assert model.family is family
    assert model.folder == tmp_path / "My-Model_v1.5"
    assert model.size.native == Size(width=native, height=native)
    assert (model.size.grid, model.size.minimum, model.size.maximum) == (8, native // 2, largest)
    assert model.steps.minimum <= model.steps.default <= model.steps.maximum
    assert model.guidance.minimum == 0
    assert model.size.read("square") == model.size.native


def test_the_native_size_may_be_no_square(tmp_path: Path) -> None:
    model = inspect_model(a_folder(tmp_path / "wide", unet={"sample_size": [32, 64]}))

    assert model.size.native == Size(width=512, height=256)


def test_a_distilled_model_takes_few_steps(tmp_path: Path) -> None:
    model = inspect_model(a_folder(tmp_path / "fast", **SD1, scheduler={"_class_name": "LCMScheduler"}))

    assert (model.scheduler, model.steps.default, model.guidance.default) == (Scheduler.LCM, 4, 1.0)


@pytest.mark.parametrize("family", Family)
def test_a_single_file_tells_its_family_by_its_text_encoder(tmp_path: Path, family: Family) -> None:
    model = inspect_model(a_safetensors(tmp_path / "Fancy.v2.safetensors", UNET, VAE, TEXT[family]))

    assert model.name == "fancy.v2"
    assert model.family is family
    assert model.size.native.width == {Family.SD1: 512, Family.SD2: 768, Family.SDXL: 1024}[family]


@pytest.mark.parametrize("family", Family)
def test_a_checkpoint_tells_its_family_without_being_run(tmp_path: Path, family: Family) -> None:
    file = tmp_path / "old.ckpt"
    marker = tmp_path / "run"
    content = {"state_dict": dict.fromkeys((UNET, VAE, TEXT[family])), "code": _Runs(marker)}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))

    assert inspect_model(str(file)).family is family
    assert not marker.exists()


class _Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.marker, "w"))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((VAE, TEXT[Family.SD1]), "no denoising network"),
        ((UNET, TEXT[Family.SD1]), "no autoencoder"),
        ((UNET, VAE), "no text encoder"),
        ((UNET,), "no autoencoder and no text encoder"),
        (("lora_unet_down_blocks_0.lora_up.weight",), "is a LoRA"),
        (("double_blocks.0.img_attn.qkv.weight",), "Stable Diffusion 1.x, 2.x and XL"),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused_with_what_it_lacks(
    tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        inspect_model(a_safetensors(tmp_path / "part.safetensors", *names))

    assert words in refused.value.reason
    assert refused.value.model == "part"


def test_a_model_for_another_task_is_refused_by_its_task(tmp_path: Path) -> None:
    file = a_safetensors(tmp_path / "nine.safetensors", UNET, VAE, TEXT[Family.SD1], channels=9)
    folder = a_folder(tmp_path / "five", unet={"in_channels": 5})

    with pytest.raises(ModelUnavailable, match="inpainting"):
        inspect_model(file)
    with pytest.raises(ModelUnavailable, match="depth"):
        inspect_model(folder)


def test_a_file_that_is_cut_short_tells_how_much_is_there(tmp_path: Path) -> None:
    file = a_safetensors(tmp_path / "cut.safetensors", UNET, VAE, TEXT[Family.SD1], missing_bytes=3)

    with pytest.raises(ModelUnavailable, match=r"cut short: \d+ of \d+ bytes"):
        inspect_model(file)


@pytest.mark.parametrize("content", [b"", b"\x10", struct.pack("<Q", 2**60), struct.pack("<Q", 4) + b"nope"])
@pytest.mark.parametrize("ending", ["safetensors", "ckpt"])
def test_rubbish_is_refused(tmp_path: Path, content: bytes, ending: str) -> None:
    (tmp_path / f"rubbish.{ending}").write_bytes(content)

    with pytest.raises(ModelUnavailable, match="cannot be read"):
        inspect_model(str(tmp_path / f"rubbish.{ending}"))


def test_files_of_other_kinds_are_refused_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")

    with pytest.raises(ModelUnavailable, match="safetensors"):
        inspect_model(str(tmp_path / "model.gguf"))


def test_a_folder_of_another_pipeline_is_refused_by_name(tmp_path: Path) -> None:
    for kind in ("FluxPipeline", "StableDiffusion3Pipeline"):
        with pytest.raises(ModelUnavailable, match=kind):
            inspect_model(a_folder(tmp_path / kind, model_index={"_class_name": kind}))


def test_a_folder_that_lacks_a_part_names_the_file(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "lacking")
    (tmp_path / "lacking" / "vae" / "config.json").unlink()

    with pytest.raises(ModelUnavailable, match=r"vae/config\.json"):
        inspect_model(folder)
    with pytest.raises(ModelUnavailable, match=r"model_index\.json"):
        inspect_model(str(tmp_path))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    for source in (str(tmp_path / "nothing"), "nothing.safetensors", "models/nothing.ckpt"):
        with pytest.raises(ModelUnavailable, match="there is no file or folder"):
            inspect_model(source)


def test_a_hub_model_that_cannot_be_asked_for_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # the variable is read at import

    with pytest.raises(ModelUnavailable, match="connect once, or name a folder") as refused:
        inspect_model("nobody/No-Such-Model")

    assert refused.value.model == "no-such-model"


def test_the_header_of_a_file_gives_names_and_shapes(tmp_path: Path) -> None:
    file = a_safetensors(tmp_path / "x.safetensors", "a", "b", channels=3)

    header = read_safetensors_header(Path(file))

    assert {name: tensor["shape"] for name, tensor in header.items()} == {"a": [1, 3], "b": [1, 3]}


def test_inspecting_needs_no_torch() -> None:
    code = "import sys, generation.inspection, generation.metadata; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_hub_model_is_told_from_the_small_files_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "models--nobody--Small-Model"
    a_folder(kept / "snapshots" / commit, **SDXL)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    model = inspect_model("nobody/Small-Model")

    assert (model.name, model.title, model.source) == ("small-model", "Small-Model", "nobody/Small-Model")
    assert model.family is Family.SDXL
    assert model.folder is None
