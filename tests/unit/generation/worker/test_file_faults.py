"""Everything that can be wrong with a model's files, made on purpose, and the sentence that the operator reads.

`make faults` prints them.
"""

import logging
import sys
import tempfile
import types
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
import transformers

from bot.wording import sentence
from generation.errors import ModelUnavailable
from generation.inspection import inspect_model
from generation.worker import loading
from tests.unit.generation.worker import folder_faults, single_file_faults
from tests.unit.generation.worker.copies import Copy, Whole, changed, made

FAULTS = folder_faults.FAULTS | single_file_faults.FAULTS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return made(tmp_path_factory.mktemp("whole"))


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
