"""ControlNets that are known and those that are there: what they are for, and which models draw with them."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation import AdapterKind, Adapters, Controls, Family, Mode, Model, Request, Size, UnknownChoice, Use
from generation import complete as fill
from generation.controls import mode_named
from generation.errors import ModelUnavailable, NotThisMode
from generation.hub import is_hub_id
from generation.inspection import inspect
from generation.known import Finds, known
from tests.recipes import a_model

COMMIT = re.compile(r"[0-9a-f]{40}")
WIDTHS = {Family.SD1: 768, Family.SD2: 1024, Family.SDXL: 2048}
SOURCE = {"prompt": "a cat", "source": "a" * 64}


def a_file(path: Path, *, width: int = 768, start: str = "control_model.") -> Path:
    """A ControlNet as far as its headers tell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{start}input_hint_block.0.weight": torch.zeros(1),
        f"{start}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": torch.zeros(2, width),
    }
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def a_folder(path: Path, **config: Any) -> Path:
    path.mkdir(parents=True)
    values = {"_class_name": "ControlNetModel", "cross_attention_dim": 768} | config
    (path / "config.json").write_text(json.dumps(values))
    save_file({"conv_in.weight": torch.zeros(1)}, path / "diffusion_pytorch_model.safetensors")
    return path


def a_detector(path: Path, architecture: str) -> Path:
    a_folder(path, _class_name=None, architectures=[architecture])
    (path / "diffusion_pytorch_model.safetensors").rename(path / "model.safetensors")
    return path


def complete(model: Model, folder: Path, **values: Any) -> Any:
    return fill(
        Request(**SOURCE | values),
        model=model,
        source_size=Size(width=512, height=512),
        chance=random.Random(1),  # noqa: S311
        controls=Controls(folder),
    )


@pytest.mark.parametrize("entry", known().values(), ids=known())
def test_a_known_one_says_where_it_is_and_what_it_is_for(entry: Any) -> None:
    assert entry.places
    assert entry.licence
    assert (entry.mode is None) == (entry.family is None) == (entry.finds is not None)
    for place in entry.places:
        assert is_hub_id(place.source)
        assert place.revision is None or COMMIT.fullmatch(place.revision)


def test_every_way_and_family_has_a_known_one() -> None:
    modes = (Mode.EDGES, Mode.SKETCH, Mode.POSE, Mode.DEPTH)
    assert {(each.mode, each.family) for each in known().values() if each.mode} == {
        (mode, family) for mode in modes for family in WIDTHS
    }
    assert {each.finds for each in known().values() if each.finds} == set(Finds)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, Mode.EDGES) for name in ("control_v11p_sd15_canny", "control_v11p_sd15s2_lineart_anime")),
        *((name, Mode.EDGES) for name in ("control_v11p_sd15_softedge", "sd-controlnet-hed", "MistoLine-edges")),
        *((name, Mode.SKETCH) for name in ("control_v11p_sd15_scribble_fp16", "xinsir-controlnet-scribble-sdxl")),
        *((name, Mode.POSE) for name in ("control_v11p_sd15_openpose", "OpenPoseXL2", "my-pose")),
        *(
            (name, Mode.DEPTH)
            for name in ("control_v11f1p_sd15_depth", "diffusers_xl_depth_full", "zoe-depth-sdxl")
        ),
        *((name, None) for name in ("control_v11f1e_sd15_tile", "mine", "shed", "canny-and-depth", "composed")),
    ],
)
def test_what_one_is_for_is_told_by_its_name_alone(name: str, mode: Mode | None) -> None:
    assert mode_named(name) is mode


@pytest.mark.parametrize("family", WIDTHS)
@pytest.mark.parametrize("name", ["canny.safetensors", "canny.pth"])
def test_one_is_found_with_its_family_and_its_use(tmp_path: Path, family: Family, name: str) -> None:
    a_file(tmp_path / "controlnets" / name, width=WIDTHS[family])
    a_folder(tmp_path / "controlnets" / "sketch" / "net-1.0", cross_attention_dim=WIDTHS[family])

    found = Controls(tmp_path).installed()

    assert [(each.name, each.mode, each.family) for each in found] == [
        ("canny", Mode.EDGES, family),
        ("net-1.0", Mode.SKETCH, family),
    ]
    model = a_model(family=family)
    assert Controls(tmp_path).modes(model) == {Mode.EDGES, Mode.SKETCH}
    others = (a_model(family=other) for other in Family if other is not family)
    assert not any(Controls(tmp_path).modes(other) for other in others)
    assert not Controls(tmp_path).modes(a_model(family=family, can=(Use.INPAINT,)))


@pytest.mark.parametrize("start", ["", "control_model."])
def test_a_single_file_is_known_by_its_tensors(tmp_path: Path, start: str) -> None:
    found = inspect(str(a_file(tmp_path / "x.safetensors", start=start, width=1024)))
    assert (found.kind, found.family, found.width) == ("ControlNet", Family.SD2, 1024)


def test_what_is_cut_short_or_something_else_is_passed_over(tmp_path: Path) -> None:
    whole = a_file(tmp_path / "controlnets" / "canny.safetensors")
    whole.write_bytes(whole.read_bytes()[:-10])
    save_file({"emb_params": torch.zeros(2, 768)}, tmp_path / "controlnets" / "canny-2.safetensors")
    (tmp_path / "controlnets" / "canny.txt").write_text("no model")

    controls = Controls(tmp_path)
    assert controls.installed() == ()
    a_file(whole)
    assert [each.name for each in controls.installed()] == ["canny"]  # what is mended is seen at once


def test_a_mode_without_its_controlnet_is_refused_with_what_to_install(tmp_path: Path) -> None:
    for family, name in ((Family.SD1, "canny-sd15"), (Family.SDXL, "canny-sdxl"), (Family.FLUX, None)):
        with pytest.raises(NotThisMode) as refused:
            complete(a_model(family=family), tmp_path, mode=Mode.EDGES)
        assert (refused.value.value, refused.value.control) == ("edges", name)
    with pytest.raises(NotThisMode) as refused:
        complete(a_model(), tmp_path, mode=Mode.DEPTH)
    assert refused.value.control == "depth-sd15"


def test_a_model_of_another_width_draws_with_none_of_its_family(tmp_path: Path) -> None:
    from generation import Catalogue

    a_file(tmp_path / "controlnets" / "canny.safetensors")
    storybook = Catalogue.read(default="storybook")["storybook"]
    with pytest.raises(NotThisMode) as refused:
        complete(storybook, tmp_path, mode=Mode.EDGES)
    assert refused.value.control is None


def test_a_recipe_names_its_controlnet_and_is_asked_again_with_the_same(tmp_path: Path) -> None:
    for name in ("canny-1", "canny-2"):
        a_file(tmp_path / "controlnets" / f"{name}.safetensors")
    first = complete(a_model(), tmp_path, mode=Mode.EDGES)
    second = complete(a_model(), tmp_path, mode=Mode.EDGES, control="canny-2")
    other = complete(a_model(), tmp_path, mode=Mode.EDGES, control="gone")

    assert (first.control, second.control, other.control) == ("canny-1", "canny-2", "canny-1")
    assert (first.strength, first.steps_run) == (0.5, first.num_inference_steps)
    again = fill(
        second.to_request(),
        model=a_model(),
        source_size=Size(width=512, height=512),
        chance=random.Random(2),  # noqa: S311
        controls=Controls(tmp_path),
    )
    assert again == second
    assert type(second).from_json(second.to_json()) == second
    assert complete(a_model(), tmp_path).control is None


def test_depth_is_drawn_by_the_model_that_is_made_for_it_and_by_a_controlnet_elsewhere(tmp_path: Path) -> None:
    a_file(tmp_path / "controlnets" / "depth.safetensors")
    made_for_it = complete(a_model(can=(Use.DEPTH,)), tmp_path, mode=Mode.DEPTH)
    elsewhere = complete(a_model(), tmp_path, mode=Mode.DEPTH, strength=0.2)

    assert (made_for_it.control, elsewhere.control) == (None, "depth")
    assert made_for_it.steps_run < made_for_it.num_inference_steps
    assert elsewhere.steps_run == elsewhere.num_inference_steps


def test_the_files_of_a_controlnet_and_of_what_it_takes_go_with_the_order(tmp_path: Path) -> None:
    net = a_file(tmp_path / "controlnets" / "pose.safetensors")
    a_file(tmp_path / "controlnets" / "canny.safetensors")
    a_detector(tmp_path / "detectors" / "b-pose", "VitPoseForPoseEstimation")
    a_detector(tmp_path / "detectors" / "people", "RTDetrForObjectDetection")
    a_detector(tmp_path / "detectors" / "c-pose", "VitPoseForPoseEstimation")
    a_detector(tmp_path / "detectors" / "depth", "DPTForDepthEstimation")
    adapters = Adapters(tmp_path)

    posing = adapters.of(complete(a_model(), tmp_path, mode=Mode.POSE))
    tracing = adapters.of(complete(a_model(), tmp_path, mode=Mode.EDGES))

    assert [(each.kind, each.name) for each in posing] == [
        (AdapterKind.CONTROLNET, "pose"),
        (AdapterKind.DETECTOR, "b-pose"),
        (AdapterKind.DETECTOR, "people"),
    ]
    assert [each.name for each in tracing] == ["canny"]
    recipe = complete(a_model(), tmp_path, mode=Mode.POSE)
    weights = tmp_path / "detectors" / "people" / "model.safetensors"
    save_file({"other.weight": torch.ones(1)}, weights)
    changed = adapters.of(recipe)
    assert [one.sha256 == other.sha256 for one, other in zip(posing, changed, strict=True)] == [True, True, False]
    net.unlink()
    with pytest.raises(UnknownChoice) as gone:
        adapters.of(recipe)
    assert (gone.value.argument, gone.value.value) == ("ControlNet", "pose")


def test_whatever_finds_something_is_known_by_its_class_in_transformers_and_so_is_what_prepares_for_it() -> None:
    import transformers

    found = {finds: [each for each in known().values() if each.finds is finds] for finds in Finds}
    assert all(any(each.architectures for each in entries) for entries in found.values())
    for entry in known().values():
        assert entry.finds is not None or not entry.architectures
        for names in entry.architectures.items():
            assert all(hasattr(transformers, name) for name in names)


def test_what_puts_pictures_into_words_is_the_first_by_name_and_serves_no_controlnet(tmp_path: Path) -> None:
    controls = Controls(tmp_path)
    assert controls.detector(Finds.WORDS) is None
    a_detector(tmp_path / "detectors" / "z", "GitForCausalLM")
    a_detector(tmp_path / "detectors" / "depth", "DPTForDepthEstimation")
    first = a_detector(tmp_path / "detectors" / "blip", "BlipForConditionalGeneration")

    assert controls.detector(Finds.WORDS) == first
    assert controls.detectors(Mode.DEPTH) == (tmp_path / "detectors" / "depth",)


def test_a_captioner_without_its_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = a_detector(tmp_path / "blip", "BlipForConditionalGeneration")
    with pytest.raises(ModelUnavailable, match="holds no vocabulary"):
        inspect(str(folder))
    (folder / "vocab.txt").write_text("a")
    assert (inspect(str(folder)).kind, inspect(str(folder)).finds) == ("detector", Finds.WORDS)
