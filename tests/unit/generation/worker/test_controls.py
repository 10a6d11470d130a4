"""ControlNets: a picture that follows the lines, strokes, skeletons and depths of another."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import load_file, save_file

from generation import Adapter, AdapterKind, Mode, Recipe, Scheduler
from generation.worker.adapters import Unfit
from tests.controls import saved, small_control
from tests.recipes import a_recipe
from tests.unit.generation.worker.conftest import Easel, SetUp

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LAYOUTS = [
    ("folder", "net"),
    ("diffusers", "net.safetensors"),
    ("original", "net.safetensors"),
    ("original", "net.pth"),
]


def small(mode: Mode = Mode.EDGES, **values: Any) -> Recipe:
    own = {} if mode is Mode.TEXT_TO_IMAGE else {"source": "a" * 64, "strength": 0.5, "control": "net"}
    return a_recipe(**{"mode": mode, "width": 64, "height": 64, "num_inference_steps": 2} | own | values)


def control(path: Path) -> Adapter:
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return Adapter(kind=AdapterKind.CONTROLNET, name="net", path=str(path), sha256=digest)


def drawn(easel: Easel, recipe: Recipe, source: Path | None, adapters: Sequence[Adapter] = ()) -> Image.Image:
    return easel.engine.draw(easel.loaded, recipe, source, lambda *_: None, adapters).images[0]


@pytest.fixture(scope="session")
def nets(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes a small model's ControlNet, in a layout; from a UNet read anew: `set_up` lends one with LoRAs on."""
    base = tmp_path_factory.mktemp("controls")

    def make(kind: str, layout: str = "folder", name: str = "net") -> Adapter:
        path = base / kind / layout / name
        if not path.exists():
            unet = UNet2DConditionModel.from_pretrained(folders[kind] / "unet")
            saved(small_control(unet), path, layout=layout)
        return control(path)

    return make


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """An edge map: a white frame on black."""
    return framed(tmp_path / "square.png", 10)


def framed(file: Path, inset: int) -> Path:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[inset:-inset, inset:-inset] = 255
    pixels[inset + 2 : -inset - 2, inset + 2 : -inset - 2] = 0
    Image.fromarray(pixels).save(file)
    return file


def far(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


@pytest.mark.parametrize("mode", [Mode.EDGES, Mode.SKETCH, Mode.DEPTH, Mode.TEXT_TO_IMAGE])
def test_the_library_that_finds_lines_is_on_record_with_what_it_found(
    set_up: SetUp, nets: Any, square: Path, mode: Mode
) -> None:
    easel = set_up("sd1")
    source, adapters = (None, ()) if mode is Mode.TEXT_TO_IMAGE else (square, (nets("sd1"),))
    environment = easel.engine.draw(easel.loaded, small(mode), source, lambda *_: None, adapters).environment

    finds_lines = mode in {Mode.EDGES, Mode.SKETCH}
    expected = {"scikit-image": version("scikit-image")} if finds_lines else {}
    assert environment.versions == {"torch": torch.__version__, **expected}


@pytest.mark.parametrize(("layout", "name"), LAYOUTS)
@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl"])
def test_every_layout_of_a_controlnet_draws_the_same_picture(
    set_up: SetUp, nets: Any, square: Path, kind: str, layout: str, name: str
) -> None:
    easel = set_up(kind)
    expected = drawn(easel, small(), square, [nets(kind)])

    assert drawn(easel, small(), square, [nets(kind, layout, name)]).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_a_seed_means_what_it_means_in_diffusers(set_up: SetUp, nets: Any, square: Path, kind: str) -> None:
    easel, net = set_up(kind), nets(kind)
    ours = drawn(easel, small(strength=0.6), square, [net])

    plain_class = StableDiffusionXLControlNetPipeline if kind == "sdxl" else StableDiffusionControlNetPipeline
    components = easel.loaded.pipeline(Mode.TEXT_TO_IMAGE, Scheduler.DDIM, steps=2).components
    plain = plain_class(**components, controlnet=ControlNetModel.from_pretrained(net.path))
    with Image.open(square) as image:
        theirs = plain(
            "a red cat",
            image=image.convert("RGB"),
            width=64,
            height=64,
            num_inference_steps=2,
            guidance_scale=4.0,
            controlnet_conditioning_scale=0.8,
            generator=torch.Generator().manual_seed(7),
        ).images[0]
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl"])
def test_a_controlnet_that_has_nothing_to_say_changes_not_a_bit(
    set_up: SetUp, nets: Any, square: Path, kind: str
) -> None:
    easel = set_up(kind)
    plain = drawn(easel, small(Mode.TEXT_TO_IMAGE), None)

    assert drawn(easel, small(strength=1.0), square, [nets(kind)]).tobytes() == plain.tobytes()


@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_the_less_of_the_source_is_left_the_nearer_the_picture_comes_to_it(
    set_up: SetUp, nets: Any, square: Path, kind: str
) -> None:
    easel = set_up(kind)
    plain = drawn(easel, small(Mode.TEXT_TO_IMAGE), None)
    apart = [
        far(drawn(easel, small(strength=strength), square, [nets(kind)]), plain) for strength in (0.9, 0.5, 0)
    ]

    assert 0 < apart[0] < apart[1] < apart[2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_another_source_gives_another_picture(
    set_up: SetUp, nets: Any, square: Path, tmp_path: Path, kind: str, dtype: torch.dtype
) -> None:
    easel = set_up(kind, dtype=dtype)
    other = framed(tmp_path / "other.png", 24)

    one, same, another = (
        drawn(easel, small(strength=0.0), source, [nets(kind)]) for source in (square, square, other)
    )

    assert far(one, same) == 0
    assert far(one, another) > 0.3


def test_each_step_is_counted_and_what_took_part_is_recorded(set_up: SetUp, nets: Any, square: Path) -> None:
    easel, net, told = set_up("sd1"), nets("sd1"), list[tuple[int, int]]()
    result = easel.engine.draw(
        easel.loaded, small(num_inference_steps=3), square, lambda *step: told.append(step), [net]
    )

    assert told == [(1, 3), (2, 3), (3, 3)]
    assert result.environment.adapters == {"net": net.sha256}


def test_a_batch_gives_what_its_seeds_give_alone(set_up: SetUp, nets: Any, square: Path) -> None:
    recipe, net = small(seeds=(7, 8)), nets("sd1")
    together, alone = (
        easel.engine.draw(easel.loaded, recipe, square, lambda *_: None, [net]).images
        for easel in (set_up("sd1", batches=True), set_up("sd1"))
    )
    for one, other in zip(together, alone, strict=True):
        assert far(one, other) < 0.05
    assert far(*alone) > 1


def test_other_modes_are_as_they_were_after_a_controlnet(set_up: SetUp, nets: Any, square: Path) -> None:
    easel = set_up("sd1")
    before = drawn(easel, small(Mode.TEXT_TO_IMAGE), None)
    drawn(easel, small(), square, [nets("sd1")])

    assert drawn(easel, small(Mode.TEXT_TO_IMAGE), None).tobytes() == before.tobytes()


def test_every_part_is_shared_and_one_controlnet_stays(set_up: SetUp, nets: Any) -> None:
    loaded = set_up("sd1").loaded
    first, other = nets("sd1"), nets("sd1", "diffusers", "net.safetensors")
    pipeline = loaded.controls.pipeline(first)

    for part in ("unet", "vae", "text_encoder", "tokenizer"):
        assert getattr(pipeline, part) is getattr(loaded.whole, part)
    assert loaded.controls.pipeline(first) is pipeline
    assert loaded.controls.pipeline(other) is not pipeline
    assert loaded.controls.pipeline(first) is not pipeline


def test_half_precision_on_disk_is_what_the_model_computes_in(
    set_up: SetUp, nets: Any, square: Path, tmp_path: Path
) -> None:
    tensors = load_file(nets("sd1", "diffusers", "net.safetensors").path)
    save_file({key: tensor.half() for key, tensor in tensors.items()}, tmp_path / "half.safetensors")
    easel = set_up("sd1")
    half = control(tmp_path / "half.safetensors")

    assert far(drawn(easel, small(), square, [half]), drawn(easel, small(), square, [nets("sd1")])) < 2
    assert easel.loaded.controls.pipeline(half).controlnet.dtype is torch.float32


@pytest.mark.parametrize(("layout", "name"), LAYOUTS)
@pytest.mark.parametrize(("made_for", "kind"), [("sdxl", "sd1"), ("sd1", "sdxl"), ("sd2", "sd1"), ("sd1", "sd2")])
def test_a_controlnet_for_another_kind_of_model_is_refused_in_words(
    set_up: SetUp, nets: Any, square: Path, made_for: str, kind: str, layout: str, name: str
) -> None:
    words = f"The ControlNet net is made for another kind of model than {kind}."
    with pytest.raises(Unfit, match=words):
        drawn(set_up(kind), small(), square, [nets(made_for, layout, name)])


@pytest.mark.parametrize(
    ("layout", "name", "lost"),
    [
        ("folder", "net", "down_blocks.0.resnets.0.conv1.weight"),
        ("diffusers", "net.safetensors", "controlnet_mid_block.bias"),
        ("original", "net.safetensors", "control_model.zero_convs.1.0.weight"),
    ],
)
def test_a_tensor_that_is_missing_is_named(
    set_up: SetUp, nets: Any, square: Path, tmp_path: Path, layout: str, name: str, lost: str
) -> None:
    whole = Path(nets("sd1", layout, name).path)
    path = tmp_path / name
    if layout == "folder":
        ControlNetModel.from_pretrained(whole).save_pretrained(path)
    file = path / "diffusion_pytorch_model.safetensors" if layout == "folder" else path
    tensors = load_file(file if layout == "folder" else whole)
    save_file({key: tensor for key, tensor in tensors.items() if key != lost}, file)

    named = "controlnet_down_blocks.1.weight" if layout == "original" else lost
    with pytest.raises(Unfit, match=f"The ControlNet net lacks {named}: ask whoever runs this bot"):
        drawn(set_up("sd1"), small(), square, [control(path)])


def test_what_nothing_asks_for_or_is_no_number_is_named(
    set_up: SetUp, nets: Any, square: Path, tmp_path: Path
) -> None:
    tensors = load_file(nets("sd1", "diffusers", "net.safetensors").path)
    save_file(tensors | {"more.weight": torch.zeros(1)}, tmp_path / "more.safetensors")
    save_file(tensors | {"conv_in.bias": torch.full((16,), torch.nan)}, tmp_path / "nan.safetensors")

    for name, words in (("more", "has more.weight, which nothing asks"), ("nan", "no number in conv_in.bias")):
        with pytest.raises(Unfit, match=words):
            drawn(set_up("sd1"), small(), square, [control(tmp_path / f"{name}.safetensors")])


class Ran:
    """Leaves a mark where a pickle that holds it is run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_a_file_that_cannot_be_read_or_would_run_code_is_refused(
    set_up: SetUp, nets: Any, square: Path, tmp_path: Path
) -> None:
    easel, whole = set_up("sd1"), Path(nets("sd1", "original", "net.safetensors").path)
    before = drawn(easel, small(), square, [nets("sd1")])
    (tmp_path / "cut.safetensors").write_bytes(whole.read_bytes()[:-100])
    (tmp_path / "cut.pth").write_bytes(Path(nets("sd1", "original", "net.pth").path).read_bytes()[:-100])
    torch.save({"control_model.x": torch.zeros(1), "y": Ran(tmp_path / "ran")}, tmp_path / "evil.pth")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text('{"_class_name": "ControlNetModel"}')

    for name in ("cut.safetensors", "cut.pth", "evil.pth", "empty"):
        with pytest.raises(Unfit, match="The ControlNet net cannot be read: ask whoever runs this bot"):
            drawn(easel, small(), square, [control(tmp_path / name)])
    assert not (tmp_path / "ran").exists()
    assert drawn(easel, small(), square, [nets("sd1")]).tobytes() == before.tobytes()


def test_an_order_without_its_controlnet_is_refused(set_up: SetUp, square: Path) -> None:
    with pytest.raises(Unfit, match="The ControlNet net is no longer here"):
        drawn(set_up("sd1"), small(), square)
