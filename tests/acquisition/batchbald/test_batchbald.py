import itertools
import math
from importlib import import_module

import pytest
import torch
from joint_fakes import context_of, linear_model, random_log_probs

from lindley.acquisition import bald
from lindley.acquisition.batchbald.batchbald import batchbald
from lindley.acquisition.batchbald.information_objective import SATURATION_NATS
from lindley.errors import InputError
from lindley.information import estimate_joint_information, joint_information


def information_by_loops(probs):
    """I[y_1..B; θ] of nested lists [B][K][C], one configuration at a time."""
    num_draws, information = len(probs[0]), 0.0
    for labels in itertools.product(range(len(probs[0][0])), repeat=len(probs)):
        under = [math.prod(row[k][y] for row, y in zip(probs, labels, strict=True)) for k in range(num_draws)]
        marginal = sum(under) / num_draws
        information += sum(p * math.log(p / marginal) for p in under if p > 0) / num_draws
    return information


@pytest.mark.parametrize("seed", range(60))
def test_each_exact_pick_is_the_best_of_all_by_plain_loops(seed):
    log_probs = random_log_probs(seed, 9, 2 + seed % 5, 2 + seed % 3, zeros=0.25)
    probs = log_probs.exp().tolist()
    selection = batchbald(context_of(log_probs, rows=torch.arange(50, 59)), 4, seed=seed)
    batch, before = [], 0.0
    for row, gain in zip((selection.rows - 50).tolist(), selection.scores.tolist(), strict=True):
        values = {r: information_by_loops([probs[i] for i in [*batch, r]]) for r in range(9) if r not in batch}
        assert values[row] >= max(values.values()) - 1e-9
        assert gain == pytest.approx(values[row] - before, abs=1e-9)
        batch, before = [*batch, row], values[row]
    assert selection.diagnostics["joint_information"] == pytest.approx(before, abs=1e-9)
    assert selection.diagnostics["exact_picks"] == 4


@pytest.mark.parametrize("seed", range(4))
def test_the_raced_batch_is_worth_what_a_plain_one_is(seed, monkeypatch):
    """Plain: every candidate on every configuration, no bound, no race."""
    log_probs = linear_model(seed, 400, 30, 5)
    raced = batchbald(context_of(log_probs), 10, seed=seed, num_configurations=2000)
    monkeypatch.setattr(import_module("lindley.acquisition.batchbald.race"), "STAGES", (2000,))
    plain = batchbald(context_of(log_probs), 10, seed=seed, num_configurations=2000)
    worth = [
        estimate_joint_information(log_probs[s.rows], num_configurations=40_000, seed=1).value for s in (raced, plain)
    ]
    assert worth[0] >= worth[1] - 0.003
    assert raced.diagnostics["columns_evaluated"] < plain.diagnostics["columns_evaluated"] / 5


def test_sampled_picks_are_worth_what_exact_ones_are():
    log_probs = linear_model(5, 200, 20, 4)
    sampled = batchbald(context_of(log_probs), 6, seed=0, num_configurations=200)
    exact = batchbald(context_of(log_probs), 6, seed=0, num_configurations=20 * 4**5)
    assert (sampled.diagnostics["exact_picks"], exact.diagnostics["exact_picks"]) == (4, 6)
    worth = {id(s): joint_information(log_probs[s.rows]) for s in (sampled, exact)}
    assert worth[id(sampled)] > 0.995 * worth[id(exact)]


def test_the_batch_carries_more_than_the_rows_with_the_largest_bald():
    log_probs = linear_model(6, 300, 20, 4)
    top = bald(log_probs).topk(5).indices
    chosen = batchbald(context_of(log_probs), 5, seed=0).rows
    assert joint_information(log_probs[chosen]) > joint_information(log_probs[top]) + 0.05


def test_the_first_saturated_pick_leaves_two_draws_in_question():
    log_probs = linear_model(1, 300, 40, 6)
    selection = batchbald(context_of(log_probs), 12, seed=1)
    after = selection.diagnostics["saturated_after"]
    assert 0 < after < 12
    left = [
        math.log(40)
        - estimate_joint_information(log_probs[selection.rows[:size]], num_configurations=40_000, seed=1).value
        for size in (after - 1, after)
    ]
    assert left[1] - 0.03 <= SATURATION_NATS < left[0] + 0.03


def test_exact_gains_never_count_as_saturated():
    log_probs = linear_model(3, 100, 4, 3)  # log 4 = 1.39 nats, most of which two rows tell
    selection = batchbald(context_of(log_probs), 5, seed=0)
    assert selection.diagnostics["exact_picks"] == selection.diagnostics["saturated_after"] == 5
    assert math.log(4) - selection.diagnostics["joint_information"] < SATURATION_NATS


def test_copies_of_a_row_are_not_chosen_together():
    log_probs = linear_model(7, 60, 20, 4).repeat_interleave(3, 0)
    batch = batchbald(context_of(log_probs), 5, seed=0).rows
    assert (batch // 3).unique().numel() == 5


def test_a_large_batch_stays_below_log_k_without_overflow_or_duplicates():
    selection = batchbald(context_of(linear_model(8, 260, 20, 5)), 200, seed=0, num_configurations=100)
    assert selection.rows.unique().numel() == 200
    assert selection.scores.isfinite().all()
    assert selection.scores.min() >= 0
    assert 0.99 < selection.diagnostics["share_of_log_k"] <= 1
    assert selection.diagnostics["joint_information"] <= math.log(20)


def test_the_whole_pool_can_be_chosen():
    assert sorted(batchbald(context_of(linear_model(9, 7, 5, 3)), 7, seed=0).rows.tolist()) == list(range(7))


def test_the_reported_information_is_within_its_error_of_the_truth():
    inside = 0
    for seed in range(40):
        log_probs = linear_model(seed, 40, 12, 8)
        selection = batchbald(context_of(log_probs), 6, seed=seed, num_configurations=300)
        joint, error = (selection.diagnostics[key] for key in ("joint_information", "joint_information_se"))
        assert error > 0
        inside += abs(joint - joint_information(log_probs[selection.rows])) <= 4 * error
    assert inside >= 39


def test_one_draw_is_warned_of_and_chosen_from_at_random():
    log_probs = random_log_probs(0, 400, 1, 3)
    with pytest.warns(UserWarning, match="K = 1"):
        selection = batchbald(context_of(log_probs), 50, seed=0)
    assert selection.rows.unique().numel() == 50
    assert 140 < selection.rows.double().mean() < 260
    assert selection.scores.tolist() == [0.0] * 50
    assert selection.diagnostics["share_of_log_k"] == 0


@pytest.mark.parametrize("num_configurations", [0, 1, -5, True])
def test_a_wrong_number_of_configurations_is_refused(num_configurations):
    with pytest.raises(InputError) as caught:
        batchbald(context_of(random_log_probs(0, 5, 2, 2)), 2, seed=0, num_configurations=num_configurations)
    assert (caught.value.argument, caught.value.got) == ("num_configurations", num_configurations)


def test_exact_picks_have_no_regret():
    assert batchbald(context_of(linear_model(3, 100, 4, 3)), 5, seed=0).diagnostics["regret_bound"] == 0


@pytest.mark.parametrize("seed", range(6))
def test_no_row_would_have_gained_more_than_a_sampled_pick_by_more_than_the_stated_regret(seed):
    log_probs = linear_model(seed, 14, 8, 3, torch.float64)
    selection = batchbald(context_of(log_probs), 8, seed=seed, num_configurations=200)
    rows, bound = selection.rows.tolist(), selection.diagnostics["regret_bound"]
    assert bound > 0
    for size in range(selection.diagnostics["exact_picks"], 8):
        values = {r: joint_information(log_probs[[*rows[:size], r]]) for r in range(14) if r not in rows[:size]}
        assert max(values.values()) - values[rows[size]] <= bound
