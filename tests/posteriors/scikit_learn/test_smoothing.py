import pytest
import torch

from lindley.errors import InputError
from lindley.posteriors.scikit_learn.smoothing import check_pseudo_count, class_shares, smooth


def test_shares_count_the_labels_and_one_more_of_each_class():
    shares = class_shares(torch.tensor([0, 0, 2]), torch.ones(3), 4)
    torch.testing.assert_close(shares, torch.tensor([3.0, 1.0, 2.0, 1.0], dtype=torch.float64) / 7)


def test_shares_count_labels_by_their_weight():
    shares = class_shares(torch.tensor([0, 1]), torch.tensor([0.5, 1.5]), 2)
    torch.testing.assert_close(shares, torch.tensor([1.5, 2.5], dtype=torch.float64) / 4)


def test_smoothed_probabilities_are_those_of_more_labels_in_these_shares():
    counts, shares = torch.tensor([[3.0, 1.0, 0.0]]), torch.tensor([0.5, 0.25, 0.25])
    expected = (counts + 2 * shares) / 6
    torch.testing.assert_close(smooth(counts / 4, torch.tensor([[4.0]]), 2.0, shares), expected)
    assert torch.equal(smooth(counts / 4, 4.0, 0.0, shares), counts / 4)


@pytest.mark.parametrize("pseudo_count", [-0.1, float("inf"), float("nan")])
def test_pseudo_counts_that_are_no_number_of_labels_are_refused(pseudo_count):
    with pytest.raises(InputError) as caught:
        check_pseudo_count(pseudo_count)
    assert caught.value.argument == "pseudo_count"
