"""The joint NLL against numbers worked out by hand, and against the NLL of the average."""

import math

import pytest
import torch

from lindley.errors import InputError
from lindley.measures.joint import joint_nll
from lindley.measures.scores import nll
from lindley.noise import torch_generator


def test_joint_nll_of_two_draws_worked_out_by_hand():
    of_true = torch.tensor([[0.5, 0.2], [0.4, 0.1], [0.9, 0.3], [1.0, 0.0], [0.7, 0.7]], dtype=torch.float64).log()
    first, second = (0.5 * 0.4 + 0.2 * 0.1) / 2, (0.9 * 1.0 + 0.3 * 0.0) / 2
    expected = -(math.log(first) + math.log(second)) / 2 / 2  # the fifth row fills no set
    assert joint_nll(of_true, set_size=2) == pytest.approx(expected, abs=1e-12)


def test_joint_nll_of_single_rows_is_the_nll_of_the_average():
    generator = torch_generator(8)
    log_probs = torch.randn(400, 6, 5, generator=generator, dtype=torch.float64).log_softmax(2)
    classes = torch.randint(5, (400,), generator=generator)
    of_true = log_probs[torch.arange(400), :, classes]
    averaged = log_probs.exp().mean(1).log()
    assert joint_nll(of_true, set_size=1) == pytest.approx(nll(averaged, classes), abs=1e-12)


def test_joint_nll_sees_what_the_marginal_does_not():
    """Two functions that are right or wrong together, against the same probabilities drawn for every row anew."""
    together = torch.tensor([[0.9, 0.1]]).expand(20, 2).log()
    apart = torch.where(torch.arange(20)[:, None] % 2 == 0, together, together.flip(1))
    assert joint_nll(together, set_size=1) == pytest.approx(joint_nll(apart, set_size=1))
    assert joint_nll(together) < joint_nll(apart) - 0.5


def test_joint_nll_of_too_few_rows_is_refused():
    with pytest.raises(InputError) as caught:
        joint_nll(torch.zeros(9, 2))
    assert (caught.value.argument, caught.value.got) == ("log_probs_of_true", [9, 2])
