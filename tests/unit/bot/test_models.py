"""`easel models` for what needs no worker: listing, adaptations, and what is refused."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.wording import models as wording
from generation import Catalogue, Loaded, add_entry, inspect
from tests.hub import Hub
from tests.recipes import a_model

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EASEL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("COLUMNS", "250")
    return tmp_path


def easel(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def tensors(file: Path, **shapes: tuple[int, ...]) -> Path:
    """A .safetensors file of zeros in fp16."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    encoded = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(encoded)) + encoded + bytes(at))
    return file


def test_the_list_tells_what_is_here_and_what_it_needs(folder: Path) -> None:
    result = easel("list")

    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert "MB" in lines["storybook"]
    assert "not on this machine" in lines["flux-schnell"]
    assert "33.7 GB" in lines["flux-schnell"]
    assert "ask for access" in lines["sd-3.5-medium"]
    assert "depth" in lines["sd-2-depth"]


def test_a_narrow_terminal_shows_every_name_and_fact_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = {line.split()[0] for line in easel("list").output.splitlines()[1:]}
    monkeypatch.setenv("COLUMNS", "80")
    lines = easel("list").output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("sd-1.5-lcm "))

    assert {line.split()[0] for line in lines if not line.startswith(" ")} == wide
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert lines[at + 1].strip() == "sd1; text, image, inpaint; not here; 2.1 GB in memory"
    assert lines[at + 2].strip() == "CreativeML Open RAIL-M; the LoRA: CreativeML Open RAIL++-M"


def test_a_lora_is_linked_named_and_forgotten(folder: Path) -> None:
    file = tensors(folder / "cats.safetensors", **{"lora_unet_attn2_to_k.lora_down.weight": (4, 768)})

    added = easel("add", str(file))

    link = folder / "data" / "models" / "loras" / "cats.safetensors"
    assert added.exit_code == 0, added.output
    assert "<lora:cats:0.8>" in added.output
    assert "family sd1" in added.output
    assert link.resolve() == file
    assert "cats" in easel("list").output
    removed = easel("remove", "cats")
    assert removed.exit_code == 0
    assert not link.is_symlink()
    assert file.exists()


SD2 = {
    "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
    "first_stage_model.x": (1,),
    "cond_stage_model.model.x": (1,),
}
CONTROLNET = {"control_model.x": (4, 4), "control_model.attn2.to_k.weight": (4, 768)}


def test_an_embedding_goes_to_its_own_folder(folder: Path) -> None:
    file = tensors(folder / "it.safetensors", emb_params=(2, 768))

    assert easel("add", str(file), "--name", "mine").exit_code == 0
    assert (folder / "data" / "models" / "embeddings" / "mine.safetensors").resolve() == file


@pytest.mark.parametrize(
    ("name", "arguments", "kept"),
    [
        ("control_sd15_canny", (), "edges/control_sd15_canny"),
        ("it", ("--name", "my-scribble"), "sketch/my-scribble"),
        ("it", ("--for", "pose"), "pose/it"),
        ("control_sd15_canny", ("--for", "depth"), "depth/control_sd15_canny"),
    ],
)
def test_a_controlnet_goes_where_what_it_follows_is_said(
    folder: Path, name: str, arguments: tuple[str, ...], kept: str
) -> None:
    file = tensors(folder / f"{name}.safetensors", **CONTROLNET)

    added = easel("add", str(file), *arguments)

    link = folder / "data" / "models" / "controlnets" / f"{kept}.safetensors"
    assert added.exit_code == 0, added.output
    assert f"in the mode {link.parent.name}, from a picture" in added.output
    assert link.resolve() == file
    listed = next(line for line in easel("list").output.splitlines() if line.startswith(f"{link.stem} "))
    assert f"ControlNet ({link.parent.name})" in listed
    assert easel("remove", link.stem).exit_code == 0
    assert not link.is_symlink()
    assert file.exists()


def test_a_controlnet_that_does_not_tell_what_it_follows_is_asked(folder: Path) -> None:
    file = tensors(folder / "it.safetensors", **CONTROLNET)

    refused = easel("add", str(file))

    assert refused.exit_code == 1
    assert "say it with --for edges, sketch, pose or depth" in refused.output
    assert not (folder / "data" / "models" / "controlnets").exists()


@pytest.mark.parametrize(
    ("shapes", "arguments", "words"),
    [
        ({"control_model.x": (4, 4)}, ("--for", "edges"), "lacks the layers that read a prompt"),
        (CONTROLNET | {"lora_controlnet": (1,)}, ("--for", "edges"), "is a Control-LoRA"),
        ({"lora_unet_attn2_to_k.lora_down.weight": (4, 768)}, ("--for", "edges"), "--for is for ControlNets"),
    ],
)
def test_what_is_no_controlnet_that_easel_takes_is_refused_in_words(
    folder: Path, shapes: dict[str, tuple[int, ...]], arguments: tuple[str, ...], words: str
) -> None:
    refused = easel("add", str(tensors(folder / "it.safetensors", **shapes)), *arguments)

    assert refused.exit_code == 1
    assert words in refused.output


def test_a_controlnet_of_the_hub_is_fetched_linked_and_removed_with_its_files(folder: Path) -> None:
    source = folder / "source"
    source.mkdir()
    config = {"_class_name": "ControlNetModel", "cross_attention_dim": 1024}
    (source / "config.json").write_text(json.dumps(config))
    tensors(source / "diffusion_pytorch_model.safetensors", **{"conv_in.weight": (4, 4)})
    tensors(source / "diffusion_pytorch_model.fp16.safetensors", **{"conv_in.weight": (4, 4)})
    models = folder / "data" / "models"
    with Hub(repositories={"nobody/controlnet-canny-1.0": source}) as hub:
        online = {
            "HF_ENDPOINT": hub.url,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "PYTHONPATH": str(ROOT),
        }
        online |= {"HF_HUB_CACHE": str(models / "huggingface" / "hub")}

        def run(*arguments: str) -> str:
            command = [sys.executable, "-m", "bot", "models", *arguments]
            done = subprocess.run(
                command, env=os.environ | online, cwd=folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        added = run("add", "nobody/controlnet-canny-1.0")
        link = models / "controlnets" / "edges" / "controlnet-canny-1.0"

        assert "controlnet-canny-1.0 was added: ControlNet for family sd2" in added
        assert {each.name for each in link.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
        assert "Easel downloaded" in run("remove", "controlnet-canny-1.0", "--yes")
        assert not link.is_symlink()
        assert not list((models / "huggingface" / "hub").glob("models--*"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("sd1.5", "did you mean sd-1.5?"),
        ("cany-sd15", "did you mean canny-sd15?"),
        ("files", "files is no diffusers folder; name one of the files in it, such as"),
        ("model/unet", "name the folder above it"),
        ("nobody/nothing", "HF_HUB_OFFLINE forbids to fetch it"),
    ],
)
def test_what_was_probably_meant_is_said(
    folder: Path, source: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # the variable is read at import
    (folder / "files").mkdir()
    tensors(folder / "files" / "one.safetensors", x=(1,))
    (folder / "model" / "unet").mkdir(parents=True)
    (folder / "model" / "model_index.json").write_text("{}")
    (folder / "model" / "unet" / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')

    refused = easel("add", source)

    assert refused.exit_code == 1
    assert words in refused.output


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "-f", "a:b"])
def test_a_name_that_is_none_of_a_file_is_refused(folder: Path, name: str) -> None:
    file = tensors(folder / "it.safetensors", emb_params=(2, 768))
    refused = easel("add", str(file), f"--name={name}")

    assert refused.exit_code == 1
    assert "a name has letters, digits" in refused.output
    assert not (folder / "data" / "models").exists()


@pytest.mark.parametrize("config", [False, True])
def test_who_adds_a_single_file_is_told_what_nothing_in_it_tells(folder: Path, config: bool) -> None:
    file = tensors(folder / "it.safetensors", **SD2)
    if config:
        file.with_suffix(".config").mkdir()
    model = inspect(str(file)).model
    assert model is not None

    lines = wording.added(model, Loaded(model="it", seconds=1.0, unfiltered=True), folder / "models.toml")

    assert lines[0] == "it was added: family sd2, made for text, image, inpaint. It loads in 1.0 s."
    assert any("without a safety checker" in line and str(file.with_suffix(".config")) in line for line in lines)
    assert any('prediction = "epsilon" below [it] in' in line for line in lines) is not config


def test_a_model_whose_files_have_gone_is_said_to_have_gone(folder: Path) -> None:
    file = tensors(folder / "it.safetensors", **SD2)
    model = inspect(str(file)).model
    assert model is not None

    assert "easel models remove it" in wording.not_checked(model)
    assert "easel models add sd-1.5" in wording.not_checked(Catalogue.read(default="storybook")["sd-1.5"])


def test_a_name_is_given_once(folder: Path) -> None:
    file = tensors(folder / "cats.safetensors", lora_down=(4, 768))
    easel("add", str(file))

    again = easel("add", str(file))

    assert again.exit_code == 1
    assert "give another one with --name" in again.output


def test_the_operators_own_file_is_not_deleted(folder: Path) -> None:
    own = folder / "data" / "models" / "loras"
    own.mkdir(parents=True)
    tensors(own / "mine.safetensors", lora_down=(4, 768))

    refused = easel("remove", "mine", "--yes")

    assert refused.exit_code == 1
    assert "your own file" in refused.output
    assert (own / "mine.safetensors").exists()


def test_what_is_no_model_is_refused_and_nothing_is_written(folder: Path) -> None:
    (folder / "page.safetensors").write_bytes(b"<!doctype html>")

    for source, words in (("page.safetensors", "is a web page"), ("nowhere.ckpt", "there is no file or folder")):
        refused = easel("add", source)
        assert refused.exit_code == 1
        assert words in refused.output
    assert not (folder / "data" / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("storybook", "--name", "foo"), "it is in the catalogue as storybook; leave --name out"),
        (("storybook", "--for", "pose"), "it is a model, and --for is for ControlNets; leave it out"),
        (("openpose-sd15", "--for", "depth"), "it follows pose; leave --for out"),
        (("depth-anything", "--for", "depth"), "it is a detector, and --for is for ControlNets; leave it out"),
    ],
)
def test_an_option_that_a_known_name_has_no_use_for_is_refused(
    folder: Path, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # the variable is read at import

    refused = easel("add", *arguments)

    assert refused.exit_code == 1
    assert refused.output == f"The model {arguments[0]} cannot be used: {words}\n"
    assert not (folder / "data" / "models").exists()


def test_an_entry_that_cannot_be_taken_out_keeps_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = folder / "data" / "models"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(models / "huggingface" / "hub"))
    kept = models / "huggingface" / "hub" / "models--nobody--mine"
    kept.mkdir(parents=True)
    add_entry(models / "models.toml", a_model(name="mine", source="nobody/mine"))
    values = (models / "models.toml").read_text().partition('["mine"]\n')[2].splitlines()
    (models / "models.toml").write_text("\n".join(f"mine.{value}" for value in values))

    refused = easel("remove", "mine", "--yes")

    assert refused.exit_code == 1
    assert "cannot be taken out of" in refused.output
    assert kept.exists()


def test_a_model_that_comes_with_easel_is_not_removed(folder: Path) -> None:
    refused = easel("remove", "sd-1.5")

    assert refused.exit_code == 1
    assert "nothing was downloaded" in refused.output


def test_an_unknown_name_is_answered_with_the_closest(folder: Path) -> None:
    refused = easel("remove", "sd-1.6")

    assert refused.exit_code == 1
    assert "sd-1." in refused.output


def test_what_easel_downloaded_is_deleted_after_it_was_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    cache = folder / "data" / "models" / "huggingface" / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    kept = cache / "models--stabilityai--sdxl-turbo"
    (kept / "blobs").mkdir(parents=True)
    (kept / "blobs" / "x").write_bytes(bytes(2_000_000))

    refused = CliRunner().invoke(app, ["models", "remove", "sdxl-turbo"], input="n\n")
    assert kept.exists()
    removed = CliRunner().invoke(app, ["models", "remove", "sdxl-turbo"], input="y\n")

    assert "Easel downloaded 2.0 MB" in refused.output
    assert removed.exit_code == 0
    assert not kept.exists()


def test_a_broken_adaptation_fails_the_check(folder: Path) -> None:
    own = folder / "data" / "models"
    (own / "loras").mkdir(parents=True)
    (own / "loras" / "page.safetensors").write_bytes(b"<html>")

    listed = easel("list")

    assert listed.exit_code == 0
    assert "page" in listed.output


def test_what_is_checked_is_named_as_it_is_called(folder: Path) -> None:
    loras = folder / "data" / "models" / "loras"
    loras.mkdir(parents=True)
    name = "cats [pruned] :dog:"
    (loras / f"{name}.safetensors").write_bytes(b"<html>")

    checked = easel("check", name)

    assert checked.output.splitlines()[1].startswith(f"{name} ")
    assert any(line.startswith(f"{name} ") for line in easel("list").output.splitlines())
