"""Which device, and in what precision."""

import pytest
import torch

from generation.worker import placement
from generation.worker.placement import BadDevice, cpu_precision, cuda_precision, place, seconds_of_a_layer


@pytest.mark.parametrize(
    ("full", "half", "dtype", "words"),
    [
        (3.6, 1.0, torch.bfloat16, "bf16 is 3.6 times as fast"),
        (1.0, 4.0, torch.float32, "fp32 is 4.0 times as fast"),
        (1.1, 1.0, torch.float32, "about as fast"),
        (1.0, 1.1, torch.float32, "about as fast"),
    ],
)
def test_a_cpu_computes_in_what_was_measured_to_be_clearly_faster(
    full: float, half: float, dtype: torch.dtype, words: str
) -> None:
    found, reason = cpu_precision(full, half)

    assert found is dtype
    assert words in reason


@pytest.mark.parametrize("faster", [torch.float32, torch.bfloat16])
def test_a_cpu_is_measured_in_fp32_and_bf16_and_takes_the_faster(
    monkeypatch: pytest.MonkeyPatch, faster: torch.dtype
) -> None:
    seconds = {torch.float32: 2.0, torch.bfloat16: 2.0} | {faster: 1.0}
    monkeypatch.setattr(placement, "seconds_of_a_layer", seconds.get)

    assert place("cpu").dtype is faster


def test_a_layer_takes_as_long_as_in_its_best_round() -> None:
    rounds = [9.0] * (placement._ROUNDS - 1) + [3.0, 5.0]
    readings = iter([time for each in rounds for time in (100.0, 100.0 + each)])

    assert seconds_of_a_layer(torch.float32, lambda: next(readings)) == 3.0
    assert next(readings, None) is None


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((6, 1), torch.float32),
        ((7, 0), torch.float16),
        ((7, 5), torch.float16),
        ((8, 0), torch.bfloat16),
        ((12, 0), torch.bfloat16),
    ],
)
def test_a_gpu_computes_in_what_it_has_matrix_units_for(capability: tuple[int, int], dtype: torch.dtype) -> None:
    assert cuda_precision(capability)[0] is dtype


def test_the_cpu_is_always_there() -> None:
    found = place("cpu")

    assert found.device.type == "cpu"
    assert found.memory > 2**28
    assert not found.draws_batches
    assert str(found) == "cpu"


def test_auto_takes_the_best_that_is_there() -> None:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"

    assert place("auto").device.type == best


@pytest.mark.parametrize("name", ["", "CPU", "cuda:", "cuda:x", "cuda:-1", "gpu", "toaster", "cuda:99", "cpu:0"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(BadDevice, match=f"device '{name}'"):
        place(name)
