"""What a caller has set is no matter, and is as it was afterwards."""

import pytest
import torch

from lindley.information import batch_epig, epig, joint_information, pairwise_information
from lindley.modes import exact_products, own_modes


@pytest.fixture
def switches():
    """Torch's own, put back after the test; the ones that torch will not read for the moment are None."""
    cuda, cpu = torch.backends.cudnn, torch.backends.mkldnn
    newer = [torch.backends.cuda.matmul, cuda.conv, cuda.rnn, cpu.matmul, cpu.conv, cpu.rnn]
    before = (cuda.allow_tf32, torch.get_float32_matmul_precision(), [owner.fp32_precision for owner in newer])

    def read():
        told = [cuda.deterministic, cuda.benchmark, *(owner.fp32_precision for owner in newer)]
        for older in (lambda: cuda.allow_tf32, torch.get_float32_matmul_precision):
            try:
                told.append(older())
            except RuntimeError:
                told.append(None)
        return told

    yield read
    cuda.allow_tf32 = before[0]
    torch.set_float32_matmul_precision(before[1])
    for owner, value in zip(newer, before[2], strict=True):
        owner.fp32_precision = value


EXACT = [True, False, *["ieee"] * 6, False, "highest"]


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_products_are_exact_within_and_as_they_were_after(switches, precision):
    torch.set_float32_matmul_precision(precision)
    before = switches()
    with exact_products():
        assert switches() == EXACT
    assert switches() == before


def test_the_newer_switches_of_a_caller_against_the_older_ones_stay(switches):
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    before = switches()
    assert None in before  # torch does not say whether TF32 is allowed
    with own_modes():
        assert switches()[2:8] == EXACT[2:8]
    assert switches() == before


def test_an_error_within_puts_them_back_too(switches):
    torch.set_float32_matmul_precision("medium")
    before = switches()
    with pytest.raises(ValueError, match="mine"), own_modes():
        raise ValueError("mine")
    assert switches() == before


def test_autocast_of_any_kind_is_off_within_and_on_after():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with exact_products("cuda"):
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")


def test_information_is_the_same_under_the_callers_autocast():
    generator = torch.Generator().manual_seed(0)
    rows, targets = (torch.randn(n, 6, 3, generator=generator).log_softmax(-1) for n in (4, 9))

    def everything():
        informed = [epig(rows, targets), pairwise_information(rows, targets)]
        return [*informed, torch.tensor([joint_information(rows), batch_epig(rows, targets)])]

    plain = everything()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert all(map(torch.equal, everything(), plain))
