"""What a caller has set is no matter where we compute, and is as it was afterwards."""

import threading

import pytest
import torch

from lindley.information import epig, pairwise_information
from lindley.torch_state import isolated_torch_state, no_autocast


def flags():
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32


@pytest.fixture
def callers(request):
    """What a program may have set, put back after the test."""
    before = flags()
    torch.backends.cudnn.benchmark = True
    yield (before[0], True, *before[2:])
    torch.backends.cudnn.benchmark = before[1]
    assert flags() == before


EXACT = (True, False, True, False)


def test_convolutions_on_a_gpu_are_exact_within_and_as_the_caller_has_them_after(callers):
    with isolated_torch_state("cuda"):
        assert flags() == EXACT
        with isolated_torch_state("cuda:1", gradients=True):
            assert flags() == EXACT
        assert flags() == EXACT
    assert flags() == callers


def test_threads_that_overlap_leave_them_as_the_caller_has_them(callers):
    inside, may_leave = threading.Event(), threading.Event()

    def other():
        with isolated_torch_state("cuda"):
            inside.set()
            may_leave.wait(60)

    thread = threading.Thread(target=other)
    with isolated_torch_state("cuda"):
        thread.start()
        assert inside.wait(60)
    assert flags() == EXACT  # the other is still within
    may_leave.set()
    thread.join()
    assert flags() == callers


def test_an_error_within_puts_them_back_too(callers):
    with pytest.raises(ValueError, match="mine"), isolated_torch_state("cuda"):
        raise ValueError("mine")
    assert flags() == callers


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="torch 2.9 brought these switches")
def test_newer_switches_that_the_caller_has_set_apart_stay_apart(callers):
    conv, rnn = torch.backends.cudnn.conv, torch.backends.cudnn.rnn
    conv.fp32_precision, rnn.fp32_precision = "ieee", "tf32"
    try:
        with pytest.raises(RuntimeError):
            flags()  # torch does not say whether TF32 is allowed
        with isolated_torch_state("cuda"):
            assert (conv.fp32_precision, rnn.fp32_precision) == ("ieee", "ieee")
            assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (True, False)
        assert (conv.fp32_precision, rnn.fp32_precision) == ("ieee", "tf32")
        assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (callers[2], callers[1])
    finally:
        torch.backends.cudnn.allow_tf32 = callers[3]


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="torch 2.9 brought these switches")
def test_tf32_for_everything_is_off_within_too(callers):
    cudnn, everything = torch.backends.cudnn, torch.backends.fp32_precision
    torch.backends.fp32_precision = "tf32"
    try:
        before = (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision)
        with isolated_torch_state("cuda"):
            assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == ("ieee", "ieee")
            with cudnn.flags(enabled=False):  # as a network may for its second derivatives
                assert not cudnn.enabled
        assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == before
        assert flags() == callers
    finally:
        torch.backends.fp32_precision = everything
        cudnn.allow_tf32 = callers[3]


def test_on_a_cpu_no_switch_of_the_process_is_touched(callers):
    with isolated_torch_state("cpu"):
        assert flags() == callers


def test_autocast_is_off_within_and_on_after():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with no_autocast():
            assert not torch.is_autocast_enabled("cpu")
        with isolated_torch_state():
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("information", [epig, pairwise_information])
def test_information_is_the_same_under_the_callers_autocast(information):
    generator = torch.Generator().manual_seed(0)
    rows, targets = (torch.randn(n, 6, 3, generator=generator).log_softmax(-1) for n in (4, 9))
    plain = information(rows, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(information(rows, targets), plain)
