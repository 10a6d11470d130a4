"""Which device, and in what precision."""

from pathlib import Path

import pytest
import torch

from generation.worker.placement import BadDevice, cpu_precision, cuda_precision, place, processor_features

MATRIX_UNITS = "flags\t\t: fpu avx2 avx512f amx_bf16 amx_tile"
NO_MATRIX_UNITS = "flags\t\t: fpu avx2 avx512f avx512_bf16"


@pytest.mark.parametrize(("facts", "dtype"), [(MATRIX_UNITS, torch.bfloat16), (NO_MATRIX_UNITS, torch.float32)])
def test_a_cpu_computes_in_bf16_only_where_it_has_matrix_units_for_it(
    tmp_path: Path, facts: str, dtype: torch.dtype
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nvendor_id\t: x\n{facts}\nbugs\t\t: amx_bf16_of_old\n")

    assert cpu_precision(processor_features(tmp_path / "cpuinfo"))[0] is dtype


def test_torch_is_asked_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    told, asked = processor_features(), processor_features(tmp_path / "nothing")

    assert ("avx2" in told) == ("avx2" in asked)
    assert ("amx_bf16" in told) == ("amx_bf16" in asked)


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
