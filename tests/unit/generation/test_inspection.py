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
import torch
from safetensors.torch import save_file

from generation import Family, Kind, Scheduler, Size, Use, inspect
from generation.errors import ModelUnavailable
from generation.inspection import inspect_model
from generation.weights import Tensor, read_tensors

SD1 = {"unet": {"cross_attention_dim": 768, "sample_size": 64, "in_channels": 4}}
SD2 = {"unet": {"cross_attention_dim": 1024, "use_linear_projection": True, "sample_size": 96, "in_channels": 4}}
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
    """A single file whose tensors have `names`, each of `channels` numbers in fp16."""
    size = 2 * channels
    header = {
        name: {"dtype": "F16", "shape": [1, channels], "data_offsets": [at * size, (at + 1) * size]}
        for at, name in enumerate(names)
    }
    encoded = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    content = struct.pack("<Q", len(encoded)) + encoded + bytes(size * len(names))
    file.write_bytes(content[: len(content) - missing_bytes])
    return str(file)


UNET = "model.diffusion_model.input_blocks.0.0.weight"
VAE = "first_stage_model.decoder.conv_out.weight"
FAMILIES = (Family.SD1, Family.SD2, Family.SDXL, Family.SD3)
TEXT = {
    Family.SD3: "text_encoders.clip_l.transformer.text_model.embeddings.token_embedding.weight",
    Family.SD1: "cond_stage_model.transformer.text_model.final_layer_norm.weight",
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


@pytest.mark.parametrize("family", FAMILIES)
def test_a_single_file_tells_its_family_by_its_text_encoder(tmp_path: Path, family: Family) -> None:
    model = inspect_model(a_safetensors(tmp_path / "Fancy.v2.safetensors", UNET, VAE, TEXT[family]))

    assert model.name == "fancy.v2"
    assert model.family is family
    natives = {Family.SD1: 512, Family.SD2: 768, Family.SDXL: 1024, Family.SD3: 1024}
    assert model.size.native.width == natives[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_tells_its_family(tmp_path: Path, family: Family) -> None:
    file = tmp_path / "old.ckpt"
    torch.save({"state_dict": dict.fromkeys((UNET, VAE, TEXT[family]), torch.zeros(1, 4))}, file)

    assert inspect_model(str(file)).family is family


def test_code_in_a_checkpoint_is_named_and_not_run(tmp_path: Path) -> None:
    file = tmp_path / "old.ckpt"
    marker = tmp_path / "run"
    content = {"state_dict": {}, "code": _Runs(marker)}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))

    with pytest.raises(ModelUnavailable, match=r"asks for \w*\.open, which Easel never runs"):
        inspect_model(str(file))

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
        (("lora_unet_x.hada_w1_a", "lora_unet_x.hada_w1_b"), "is a LoRA"),
        (("x.lokr_w1", "x.lokr_w2"), "is a LyCORIS"),
        (("decoder.conv_in.weight", "encoder.conv_in.weight"), "an autoencoder alone"),
        (("time_embedding.linear_1.weight", "conv_in.weight"), "a UNet alone"),
        (("text_model.final_layer_norm.weight", "x"), "a text encoder alone"),
        (("something", "else"), "Stable Diffusion 1.x, 2.x, XL and 3"),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused_with_what_it_lacks(
    tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        inspect_model(a_safetensors(tmp_path / "part.safetensors", *names))

    assert words in refused.value.reason
    assert refused.value.model == "part"


@pytest.mark.parametrize(("channels", "use"), [(4, Use.TEXT), (5, Use.DEPTH), (7, Use.UPSCALE), (9, Use.INPAINT)])
def test_what_a_model_is_made_for_is_told_by_its_channels(tmp_path: Path, channels: int, use: Use) -> None:
    file = a_safetensors(tmp_path / "file.safetensors", UNET, VAE, TEXT[Family.SD1], channels=channels)
    folder = a_folder(tmp_path / "folder", unet={"in_channels": channels})

    for model in map(inspect_model, (file, folder)):
        assert model.can[0] is use
        assert (model.size.maximum >= 4096) == (use is Use.UPSCALE)


def test_a_model_for_what_easel_does_not_do_is_refused_by_its_task(tmp_path: Path) -> None:
    file = a_safetensors(tmp_path / "eight.safetensors", UNET, VAE, TEXT[Family.SD1], channels=8)

    with pytest.raises(ModelUnavailable, match="editing by instruction"):
        inspect_model(file)


@pytest.mark.parametrize(
    ("tensors", "kind", "family"),
    [
        ({"lora_unet_down_attn2_to_k.lora_down.weight": (4, 768)}, Kind.LORA, Family.SD1),
        ({"unet.down.attn2.to_k.lora_A.weight": (4, 1024)}, Kind.LORA, Family.SD2),
        ({"lora_te2_text_model.lora_down.weight": (4, 1280)}, Kind.LORA, Family.SDXL),
        ({"lora_unet_double_blocks_0.lora_down.weight": (4, 3072)}, Kind.LORA, Family.FLUX),
        ({"emb_params": (2, 768)}, Kind.EMBEDDING, Family.SD1),
        ({"<cat-toy>": (1024,)}, Kind.EMBEDDING, Family.SD2),
        ({"clip_l": (1, 768), "clip_g": (1, 1280)}, Kind.EMBEDDING, Family.SDXL),
        ({"control_model.input_blocks.0.0.weight": (320, 4, 3, 3)}, Kind.CONTROLNET, None),
        (
            {"controlnet_cond_embedding.conv_in.weight": (1,), "a.attn2.to_k.weight": (320, 2048)},
            Kind.CONTROLNET,
            Family.SDXL,
        ),
    ],
)
def test_what_changes_models_is_told_apart_by_its_tensors(
    tmp_path: Path, tensors: dict[str, tuple[int, ...]], kind: Kind, family: Family | None
) -> None:
    file = tmp_path / "it.safetensors"
    save_file({name: torch.zeros(shape) for name, shape in tensors.items()}, file)

    found = inspect(str(file))

    assert (found.kind, found.family, found.model) == (kind, family, None)


def test_an_embedding_of_the_first_days_is_one(tmp_path: Path) -> None:
    torch.save({"string_to_param": {"*": torch.zeros(2, 768)}, "name": "cat"}, tmp_path / "cat.pt")

    found = inspect(str(tmp_path / "cat.pt"))

    assert (found.kind, found.family) == (Kind.EMBEDDING, Family.SD1)


def test_a_file_that_is_cut_short_tells_how_much_is_there(tmp_path: Path) -> None:
    file = a_safetensors(tmp_path / "cut.safetensors", UNET, VAE, TEXT[Family.SD1], missing_bytes=3)

    with pytest.raises(ModelUnavailable, match=r"cut short: \d+ of \d+ bytes"):
        inspect_model(file)


def test_files_of_other_kinds_are_refused_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")

    with pytest.raises(ModelUnavailable, match="safetensors"):
        inspect_model(str(tmp_path / "model.gguf"))


def test_a_folder_of_another_pipeline_is_refused_by_name(tmp_path: Path) -> None:
    for kind in ("WanPipeline", "StableCascadeDecoderPipeline"):
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

    with pytest.raises(
        ModelUnavailable, match="forbids to fetch it; unset that once, or name a folder"
    ) as refused:
        inspect_model("nobody/No-Such-Model")

    assert refused.value.model == "no-such-model"


def test_the_header_of_a_file_gives_names_and_shapes(tmp_path: Path) -> None:
    file = a_safetensors(tmp_path / "x.safetensors", "a", "b", channels=3)

    tensors = read_tensors(Path(file))

    assert tensors == dict.fromkeys("ab", Tensor(shape=(1, 3), dtype="F16"))


def test_inspecting_needs_no_torch() -> None:
    modules = "generation.inspection, generation.download, generation.metadata"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"

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
