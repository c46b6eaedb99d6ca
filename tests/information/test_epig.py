import math

import pytest
import torch
from label_pairs import certain, information_by_loops, random_log_probs

from lindley.errors import InputError
from lindley.information import bald, epig, pairwise, pairwise_information
from lindley.information.epig import mean_information
from lindley.information.pairwise import column_blocks, probs_by_class


@pytest.mark.parametrize("seed", range(60))
def test_it_equals_plain_loops_zeros_among_them(seed):
    log_probs = random_log_probs(seed, 9, 1 + seed % 6, 2 + seed % 3)
    rows, targets = log_probs[:4], log_probs[4:]
    expected = [
        sum(information_by_loops(row, target) for target in targets.exp().tolist()) / 5 for row in rows.exp().tolist()
    ]
    assert epig(rows, targets).tolist() == pytest.approx(expected, abs=1e-12)


def test_it_is_the_average_pairwise_information():
    log_probs = random_log_probs(0, 60, 20, 6)
    rows, targets = log_probs[:40], log_probs[40:]
    assert torch.allclose(epig(rows, targets), pairwise_information(rows, targets).mean(1), rtol=0, atol=1e-13)


def test_it_is_between_zero_and_the_bald_scores_of_row_and_targets():
    log_probs = random_log_probs(1, 60, 20, 6)
    scores = epig(log_probs[:40], log_probs[40:])
    assert scores.min() >= 0
    assert (scores <= bald(log_probs[:40]) + 1e-12).all()
    assert scores.max() <= bald(log_probs[40:]).mean() + 1e-12


def test_a_target_that_the_draws_answer_alike_or_independently_of_the_row_tells_nothing():
    row, alike, independent = certain([[0, 0, 1, 1]]), certain([[1, 1, 1, 1]]), certain([[0, 1, 0, 1]])
    assert epig(row, alike).item() == 0
    assert epig(row, independent).item() == pytest.approx(0, abs=1e-12)
    assert epig(row, row).item() == pytest.approx(math.log(2), abs=1e-12)


def test_a_noisy_row_as_its_own_target_tells_less_than_its_entropy():
    row = random_log_probs(2, 1, 7, 4)
    assert 0 < epig(row, row).item() < bald(row).item()


@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0, 30.0])
def test_float32_is_within_a_millionth_of_a_nat(spread):
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(150, 1, 10, generator=generator) + spread * torch.randn(150, 100, 10, generator=generator)
    log_probs = logits.log_softmax(-1)
    single = epig(log_probs[:100], log_probs[100:])
    double = epig(log_probs[:100].double(), log_probs[100:].double())
    assert single.dtype == torch.float32
    assert (single - double).abs().max() < 1e-6


def test_blocks_of_rows_and_of_targets_do_not_change_it(monkeypatch):
    log_probs = random_log_probs(4, 50, 6, 3)
    whole = epig(log_probs[:30], log_probs[30:])
    monkeypatch.setattr("lindley.information.pairwise._BLOCK_COLUMNS", 7)
    monkeypatch.setitem(pairwise._BLOCK_ELEMENTS, "cpu", 100)
    assert torch.allclose(epig(log_probs[:30], log_probs[30:]), whole, rtol=0, atol=1e-14)


def test_weights_over_the_draws_count_like_copies_of_a_draw():
    log_probs = random_log_probs(5, 6, 3, 4)
    rows, targets = log_probs[:4], log_probs[4:]
    weights = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    weighted = mean_information(probs_by_class(rows), column_blocks(probs_by_class(targets), weights), weights)
    assert weighted.tolist() == pytest.approx(epig(rows[:, [0, 0, 1, 2]], targets[:, [0, 0, 1, 2]]).tolist(), abs=1e-12)


def test_no_rows_have_no_scores_and_no_targets_are_refused():
    log_probs = random_log_probs(6, 3, 5, 2, dtype=torch.float32)
    assert epig(log_probs[:0], log_probs).shape == (0,)
    with pytest.raises(InputError) as caught:
        epig(log_probs, log_probs[:0])
    assert caught.value.argument == "targets"
