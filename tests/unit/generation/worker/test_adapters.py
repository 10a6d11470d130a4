"""LoRAs and embeddings change what they are named for, and leave no trace."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from generation import Adapter, AdapterKind, Mode, Recipe, Scheduler
from generation.worker import lending
from generation.worker.adapters import Unfit
from generation.worker.memory import Step, Weights
from generation.worker.pipelines import Pipelines
from tests.adapters import embedding, lora
from tests.recipes import a_recipe
from tests.unit.generation.worker.conftest import Easel, SetUp

# diffusers makes numpy arrays of tensors in a way that numpy means to stop.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def small(prompt: str, **values: Any) -> Recipe:
    basics = {"width": 64, "height": 64, "num_inference_steps": 2, "scheduler": Scheduler.EULER}
    return a_recipe(**{"prompt": prompt} | basics | values)


def file_of(kind: AdapterKind, path: Path) -> Adapter:
    return Adapter(kind=kind, name=path.stem, path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def drawn(easel: Easel, recipe: Recipe, files: Sequence[Adapter] = ()) -> bytes:
    result = easel.engine.draw(easel.loaded, recipe, None, lambda *_: None, files)
    assert result.environment.adapters == {file.name: file.sha256 for file in files}
    return result.images[0].tobytes()


@pytest.fixture
def loras(set_up: SetUp, tmp_path: Path) -> Any:
    """Makes LoRA files for the small models."""

    def make(kind: str, name: str, **options: Any) -> Adapter:
        pipeline = set_up(kind).loaded.pipelines[Mode.TEXT_TO_IMAGE]
        return file_of(AdapterKind.LORA, lora(pipeline, tmp_path / f"{name}.safetensors", **options))

    return make


@pytest.mark.parametrize(
    ("kind", "layout"),
    [
        *(("sd1", layout) for layout in ("kohya", "peft", "diffusers")),
        *(("sdxl", layout) for layout in ("kohya", "peft")),
        ("sd3", "peft"),
        ("flux", "peft"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_lora_changes_its_own_picture_and_no_later_one(
    set_up: SetUp, loras: Any, kind: str, layout: str, dtype: torch.dtype
) -> None:
    file = loras(kind, "ink", layout=layout)
    easel = set_up(kind, dtype=dtype)
    before = drawn(easel, small("a cat"))

    with_lora = drawn(easel, small("a cat<lora:INK:0.8>"), [file])

    assert with_lora != before
    assert drawn(easel, small("a cat")) == before
    assert drawn(easel, small("a cat<lora:ink:0.8>"), [file]) == with_lora
    assert drawn(easel, small("a cat<lora:ink:0>"), [file]) == before


def test_a_lora_on_a_model_that_is_lent_part_by_part_leaves_it_lent(
    set_up: SetUp, loras: Any, folders: dict[str, Path]
) -> None:
    whole, file, recipe = set_up("sd1"), loras("sd1", "ink"), small("a cat<lora:ink>")
    pipelines = Pipelines(whole.loaded.placement)
    pipelines._ladder = (Step(dtype=torch.float32, weights=Weights.BY_PART),)
    lent = replace(whole, loaded=pipelines.get(whole.loaded.model))

    assert drawn(lent, recipe, [file]) == drawn(whole, recipe, [file])
    hooks = {hook.hook for hook in lent.loaded.lent._hooks}
    assert hooks == {part._hf_hook for part in lending.parts_of(lent.loaded.whole).values()}


def test_a_lora_and_an_embedding_of_one_name_are_both_on_record(set_up: SetUp, loras: Any, tmp_path: Path) -> None:
    easel, ink = set_up("sd1"), loras("sd1", "ink")
    word = file_of(
        AdapterKind.EMBEDDING,
        embedding(
            tmp_path / "other" / "ink.safetensors", width=easel.loaded.whole.text_encoder.config.hidden_size
        ),
    )
    result = easel.engine.draw(easel.loaded, small("ink<lora:ink>"), None, lambda *_: None, [ink, word])
    assert set(result.environment.adapters.values()) == {ink.sha256, word.sha256}


def test_loras_add_up_and_are_set_anew_for_each_picture(set_up: SetUp, loras: Any) -> None:
    easel = set_up("sd1")
    ink, wool = loras("sd1", "ink", seed=1), loras("sd1", "wool", seed=2, text=False)
    plain, of_ink, of_wool, of_both = (
        drawn(easel, small("a cat" + tags), files)
        for tags, files in (
            ("", []),
            ("<lora:ink>", [ink]),
            ("<lora:wool>", [wool]),
            ("<lora:ink><lora:wool>", [ink, wool]),
        )
    )
    assert len({plain, of_ink, of_wool, of_both}) == 4
    assert drawn(easel, small("a cat<lora:wool>"), [wool]) == of_wool
    assert drawn(easel, small("a cat<lora:ink:1:0>"), [ink]) != drawn(easel, small("a cat<lora:ink:0:1>"), [ink])
    assert drawn(easel, small("a cat")) == plain


def test_only_so_many_loras_stay_in_memory(set_up: SetUp, loras: Any) -> None:
    easel = set_up("sd1")
    before = drawn(easel, small("a cat"))
    files = [loras("sd1", f"lora{number}", seed=number) for number in range(6)]
    first = drawn(easel, small("a cat<lora:lora0>"), files[:1])
    for file in files[1:]:
        drawn(easel, small(f"a cat<lora:{file.name}>"), [file])

    pipeline = easel.loaded.pipelines[Mode.TEXT_TO_IMAGE]
    assert len(pipeline.get_list_adapters()["unet"]) == 4
    assert drawn(easel, small("a cat<lora:lora0>"), files[:1]) == first
    assert drawn(easel, small("a cat")) == before


def test_a_lora_for_another_model_is_refused_and_leaves_the_model_as_it_was(set_up: SetUp, loras: Any) -> None:
    easel = set_up("sd1")
    before = drawn(easel, small("a cat"))
    for layout in ("kohya", "peft"):
        file = loras("sdxl", f"xl-{layout}", layout=layout)
        with pytest.raises(Unfit, match=f"The LoRA xl-{layout} is made for another kind of model than sd1."):
            drawn(easel, small(f"a cat<lora:{file.name}>"), [file])
        assert drawn(easel, small("a cat")) == before


def test_a_file_that_is_no_lora_or_cut_short_is_refused(set_up: SetUp, loras: Any, tmp_path: Path) -> None:
    easel, good = set_up("sd1"), loras("sd1", "good")
    short = tmp_path / "short.safetensors"
    short.write_bytes(Path(good.path).read_bytes()[:-100])
    other = embedding(tmp_path / "other.safetensors", width=16)
    for path, words in ((short, "short cannot be read"), (other, "other is no LoRA")):
        with pytest.raises(Unfit, match=words):
            drawn(easel, small(f"a cat<lora:{path.stem}>"), [file_of(AdapterKind.LORA, path)])


@pytest.mark.parametrize(
    ("name", "layout"),
    [("a.safetensors", "a1111"), ("a.safetensors", "diffusers"), ("a.pt", "a1111"), ("a.pt", "original")],
)
def test_an_embedding_changes_its_own_picture_in_every_layout(
    set_up: SetUp, tmp_path: Path, name: str, layout: str
) -> None:
    easel = set_up("sd1")
    file = file_of(AdapterKind.EMBEDDING, embedding(tmp_path / name, width=16, layout=layout))
    same = file_of(AdapterKind.EMBEDDING, embedding(tmp_path / "b" / "a.safetensors", width=16))
    before = drawn(easel, small("a cat"))

    with_embedding = drawn(easel, small("a cat"), [file])

    assert with_embedding != before
    assert with_embedding == drawn(easel, small("a cat"), [same])
    assert drawn(easel, small("a cat")) == before


def test_an_embedding_for_another_model_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    sd2 = file_of(AdapterKind.EMBEDDING, embedding(tmp_path / "sd2.pt", width=32))
    sdxl = file_of(AdapterKind.EMBEDDING, embedding(tmp_path / "sdxl.safetensors", width=16, layout="sdxl"))
    with pytest.raises(Unfit, match="than sd1: its vectors are 32 wide, and 16 would fit"):
        drawn(set_up("sd1"), small("sd2"), [sd2])
    with pytest.raises(Unfit, match="than sd1: its vectors are 16 and 32 wide"):
        drawn(set_up("sd1"), small("sdxl"), [sdxl])
    with pytest.raises(Unfit, match="than sdxl: its vectors are 32 wide, and 16 and 32 would fit"):
        drawn(set_up("sdxl"), small("sd2"), [sd2])
    assert drawn(set_up("sdxl"), small("sdxl"), [sdxl]) != drawn(set_up("sdxl"), small("sdxl"))


def test_sd3_takes_embeddings_of_sdxl_and_flux_takes_none(set_up: SetUp, tmp_path: Path) -> None:
    file = file_of(AdapterKind.EMBEDDING, embedding(tmp_path / "ink.safetensors", width=16, layout="sdxl"))
    recipe = small("ink cat")
    assert drawn(set_up("sd3"), recipe, [file]) != drawn(set_up("sd3"), recipe)
    with pytest.raises(Unfit, match="flux takes no embeddings, and ink is one: leave it out"):
        drawn(set_up("flux"), recipe, [file])


class Ran:
    """Leaves a mark where a pickle that holds it is run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_an_embedding_that_would_run_code_or_is_damaged_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"string_to_param": {"*": torch.zeros(1, 16)}, "x": Ran(mark)}, tmp_path / "evil.pt")
    (tmp_path / "torn.pt").write_bytes(b"PK\x03\x04 no more")
    (tmp_path / "torn2.safetensors").write_bytes(b"\x08")
    torch.save({"state_dict": {}}, tmp_path / "model.pt")
    embedding(tmp_path / "long.pt", width=16, count=76)
    for name, words in (
        ("evil.pt", "cannot be read"),
        ("torn.pt", "cannot be read"),
        ("torn2.safetensors", "cannot be read"),
        ("model.pt", "no embedding"),
        ("long.pt", "has 76 vectors"),
    ):
        file = file_of(AdapterKind.EMBEDDING, tmp_path / name)
        with pytest.raises(Unfit, match=words):
            drawn(set_up("sd1"), small(file.name), [file])
    assert not mark.exists()
