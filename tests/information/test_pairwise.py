import math

import pytest
import torch
from label_pairs import certain, information_by_loops, random_log_probs

from lindley.errors import InputError
from lindley.information import bald, joint_information, pairwise, pairwise_information


@pytest.mark.parametrize("seed", range(60))
def test_it_equals_plain_loops_zeros_among_them(seed):
    log_probs = random_log_probs(seed, 7, 1 + seed % 6, 2 + seed % 3)
    rows, batch = log_probs[:4], log_probs[4:]
    expected = [[information_by_loops(a, b) for b in batch.exp().tolist()] for a in rows.exp().tolist()]
    assert torch.allclose(
        pairwise_information(rows, batch), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12
    )


def test_it_is_what_two_rows_know_less_together_than_apart():
    log_probs = random_log_probs(1, 5, 8, 4)
    pairs = pairwise_information(log_probs, log_probs)
    for i in range(5):
        for j in range(5):
            together = joint_information(log_probs[[i, j]])
            assert pairs[i, j].item() == pytest.approx(bald(log_probs[[i, j]]).sum().item() - together, abs=1e-12)


def test_it_is_symmetric_and_at_most_either_bald_score():
    log_probs = random_log_probs(2, 30, 12, 5)
    pairs, alone = pairwise_information(log_probs, log_probs), bald(log_probs)
    assert torch.allclose(pairs, pairs.T, rtol=0, atol=1e-12)
    assert (pairs <= torch.minimum(alone[:, None], alone[None]) + 1e-12).all()
    assert pairs.min() >= 0


def test_certain_draws_share_what_their_answers_share():
    log_probs = certain([[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
    expected = math.log(2) * torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert torch.allclose(pairwise_information(log_probs, log_probs), expected.double(), atol=1e-12)


def test_blocks_of_rows_and_of_columns_do_not_change_it(monkeypatch):
    log_probs = random_log_probs(3, 40, 6, 3)
    whole = pairwise_information(log_probs, log_probs)
    monkeypatch.setattr("lindley.information.pairwise._BLOCK_COLUMNS", 7)
    monkeypatch.setitem(pairwise._BLOCK_ELEMENTS, "cpu", 100)
    assert torch.allclose(pairwise_information(log_probs, log_probs), whole, rtol=0, atol=1e-14)


def test_no_rows_share_nothing_with_no_one():
    log_probs = random_log_probs(4, 3, 5, 2)
    assert pairwise_information(log_probs[:0], log_probs).shape == (0, 3)
    assert pairwise_information(log_probs, log_probs[:0]).shape == (3, 0)


@pytest.mark.parametrize("other", [(4, 3), (5, 2)])
def test_other_draws_or_classes_are_refused(other):
    # Not by the public name: in the tests its shapes are checked before it can complain itself.
    with pytest.raises(InputError) as caught:
        pairwise.check_same_draws(random_log_probs(0, 2, 5, 3), random_log_probs(0, 2, *other), "batch")
    assert (caught.value.argument, caught.value.got) == ("batch", [*other])
