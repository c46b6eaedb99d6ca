import itertools
import math

import pytest
import torch
from joint_fakes import certain, context_of, information_by_loops, linear_model, random_log_probs

from lindley.acquisition import TensorCandidates
from lindley.acquisition.greedy_search import GreedySearch
from lindley.acquisition.two_bald import PairObjective, two_bald
from lindley.information import bald, joint_information


@pytest.mark.parametrize("seed", range(40))
def test_each_pick_is_the_best_of_all_by_plain_loops(seed):
    log_probs = random_log_probs(seed, 9, 2 + seed % 5, 2 + seed % 3)
    probs, alone = log_probs.exp().tolist(), bald(log_probs).tolist()
    selection = two_bald(context_of(log_probs, rows=torch.arange(50, 59)), 6, seed=seed)
    batch = []
    for row, score in zip((selection.rows - 50).tolist(), selection.scores.tolist(), strict=True):
        values = {
            r: alone[r] - sum(information_by_loops(probs[r], probs[j]) for j in batch)
            for r in range(9)
            if r not in batch
        }
        assert values[row] >= max(values.values()) - 1e-9
        assert score == pytest.approx(values[row], abs=1e-9)
        batch.append(row)


def test_scores_add_up_to_single_less_pairwise_information():
    log_probs = linear_model(0, 60, 15, 4, torch.float64)
    selection = two_bald(context_of(log_probs), 7, seed=0)
    batch = log_probs[selection.rows]
    pairs = [information_by_loops(a, b) for a, b in itertools.combinations(batch.exp().tolist(), 2)]
    assert selection.diagnostics["two_bald"] == pytest.approx(bald(batch).sum().item() - sum(pairs), abs=1e-9)


def test_the_first_two_picks_carry_their_joint_information():
    log_probs = linear_model(1, 80, 15, 4, torch.float64)
    selection = two_bald(context_of(log_probs), 2, seed=0)
    assert selection.scores.sum().item() == pytest.approx(joint_information(log_probs[selection.rows]), abs=1e-9)


@pytest.mark.parametrize(("seed", "block"), [(0, 1), (1, 7), (2, 10_000)])
def test_the_lazy_batch_equals_a_look_at_everyone_with_each_pair_computed_once(seed, block):
    log_probs = linear_model(seed, 300, 20, 4, torch.float64)
    values, batch = bald(log_probs), []
    objective = PairObjective(300, torch.float64, block=block)
    picks = GreedySearch(TensorCandidates(log_probs), values, objective, seed=seed).picks(25)
    for _ in range(25):
        batch.append(int(values.argmax()))
        pair = log_probs[batch[-1]]
        values = values - torch.tensor(_shared_with(log_probs, pair), dtype=torch.float64)
        values[batch] = -math.inf
    assert [pick.position for pick in picks] == batch
    assert objective.pairs <= 300 * 24
    assert block == 10_000 or objective.pairs < 0.8 * 300 * 24


def _shared_with(log_probs, row):
    both = torch.einsum("nkc,kd->ncd", log_probs.exp(), row.exp()) / log_probs.shape[1]
    apart = log_probs.exp().mean(1)[:, :, None] * row.exp().mean(0)
    return (torch.special.xlogy(both, both) - torch.special.xlogy(both, apart)).sum((1, 2)).tolist()


def test_what_three_rows_share_is_counted_off_twice_too_often_and_a_row_that_says_nothing_comes_first():
    # Four copies of one question and a row without any: the second copy is held for worth 0, the third for -log 2.
    log_probs = certain([[0, 0, 1, 1]] * 4 + [[0, 0, 0, 0]])
    selection = two_bald(context_of(log_probs), 5, seed=0)
    expected = [math.log(2), 0, 0, -math.log(2), -2 * math.log(2)]
    assert selection.scores.tolist() == pytest.approx(expected, abs=1e-12)
    assert selection.diagnostics["negative_picks"] == 2


def test_single_precision_chooses_a_batch_of_the_same_worth():
    log_probs = linear_model(3, 400, 30, 6, torch.float64)
    double, single = (two_bald(context_of(each), 12, seed=0) for each in (log_probs, log_probs.float()))
    assert single.scores.dtype == torch.float32
    assert single.diagnostics["two_bald"] == pytest.approx(double.diagnostics["two_bald"], abs=1e-4)


def test_one_draw_is_warned_of_and_chosen_from_at_random():
    with pytest.warns(UserWarning, match="K = 1"):
        selection = two_bald(context_of(random_log_probs(0, 400, 1, 3)), 50, seed=0)
    assert selection.rows.unique().numel() == 50
    assert 140 < selection.rows.double().mean() < 260
