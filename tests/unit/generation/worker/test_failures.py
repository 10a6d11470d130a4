"""What an exception means for whoever asked."""

import errno

import pytest
import torch
from safetensors import SafetensorError

from generation import FailureKind
from generation.errors import ModelUnavailable
from generation.worker.__main__ import failure_of
from generation.worker.engine import NoNumbers
from generation.worker.modes import SourceMissing


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelUnavailable("sdxl", "copy it again"), FailureKind.MODEL_UNAVAILABLE),
        (SourceMissing("gone"), FailureKind.SOURCE_MISSING),
        (MemoryError(), FailureKind.OUT_OF_MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory."), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("MPS backend out of memory"), FailureKind.OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), FailureKind.OUT_OF_MEMORY),
        (SafetensorError("Cannot allocate memory (os error 12)"), FailureKind.OUT_OF_MEMORY),
        (SafetensorError("the header is too large"), FailureKind.BUG),
        (OSError(errno.ENOSPC, "No space left on device"), FailureKind.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FailureKind.DISK_FULL),
        (PermissionError(errno.EACCES, "Permission denied"), FailureKind.BUG),
        (NoNumbers("beyond float16"), FailureKind.OVERFLOW),
        (ZeroDivisionError(), FailureKind.BUG),
    ],
)
def test_each_fault_has_its_kind_and_words(error: Exception, kind: FailureKind) -> None:
    failure = failure_of(error)

    assert failure.kind is kind
    assert failure.detail


def test_the_operator_reads_what_to_do_about_a_model() -> None:
    assert failure_of(ModelUnavailable("sdxl", "copy it again")).detail == "copy it again"


def test_however_much_an_error_says_its_failure_fits_into_a_report() -> None:
    detail = failure_of(RuntimeError("no way " * 2**18)).detail

    assert detail.startswith("RuntimeError: no way")
    assert detail.endswith("…")
    assert len(detail) <= 2000


def test_memory_that_the_processor_does_not_have_is_no_bug() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)

    assert failure_of(refused.value).kind is FailureKind.OUT_OF_MEMORY
