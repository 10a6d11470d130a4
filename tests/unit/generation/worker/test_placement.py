"""Which device, and in what precision."""

import pytest
import torch

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


def test_a_cpu_is_measured_in_fp32_and_bf16_and_takes_one_of_them() -> None:
    seconds = [seconds_of_a_layer(dtype) for dtype in (torch.float32, torch.bfloat16)]

    assert all(0 < each < 60 for each in seconds)
    assert place("cpu").dtype in {torch.float32, torch.bfloat16}


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
    placement = place("cpu")

    assert placement.device.type == "cpu"
    assert placement.memory > 2**28
    assert not placement.draws_batches
    assert str(placement) == "cpu"


def test_auto_takes_the_best_that_is_there() -> None:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"

    assert place("auto").device.type == best


@pytest.mark.parametrize("name", ["", "CPU", "cuda:", "cuda:x", "cuda:-1", "gpu", "toaster", "cuda:99", "cpu:0"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(BadDevice, match=f"device '{name}'"):
        place(name)
