import math

import pytest
import torch
from joint_fakes import certain, context_of, linear_model, random_log_probs

from lindley import information
from lindley.acquisition import TensorCandidates
from lindley.acquisition.batch_epig import TargetObjective, batch_epig
from lindley.acquisition.epig import epig_scores
from lindley.acquisition.greedy_search import GreedySearch
from lindley.errors import InputError


@pytest.mark.parametrize("seed", range(40))
def test_each_exact_pick_is_the_best_of_all_by_enumeration(seed):
    log_probs = random_log_probs(seed, 12, 2 + seed % 5, 2 + seed % 3)
    candidates, targets = log_probs[:8], log_probs[8:]
    selection = batch_epig(context_of(candidates, targets, rows=torch.arange(50, 58)), 4, seed=seed)
    batch, before = [], 0.0
    for row, gain in zip((selection.rows - 50).tolist(), selection.scores.tolist(), strict=True):
        values = {r: information.batch_epig(candidates[[*batch, r]], targets) for r in range(8) if r not in batch}
        assert values[row] >= max(values.values()) - 1e-9
        assert gain == pytest.approx(values[row] - before, abs=1e-9)
        batch, before = [*batch, row], values[row]
    assert selection.diagnostics["target_information"] == pytest.approx(before, abs=1e-9)
    assert selection.diagnostics["exact_picks"] == 4


def test_two_rows_are_found_whose_labels_tell_the_target_only_together():
    candidates = certain([[0, 0, 1, 1], [0, 1, 0, 1]])
    selection = batch_epig(context_of(candidates, certain([[0, 1, 1, 0]])), 2, seed=0)
    assert selection.scores.tolist() == pytest.approx([0, math.log(2)], abs=1e-12)


def test_a_gain_that_rises_is_not_missed():
    # Row 2 says a little by itself, so it is picked first; then row 0 or 1, worth nothing; the last is worth log 2.
    little = torch.tensor([[0.6, 0.4], [0.4, 0.6], [0.4, 0.6], [0.6, 0.4]], dtype=torch.float64).log()[None]
    context = context_of(torch.cat([certain([[0, 0, 1, 1], [0, 1, 0, 1]]), little]), certain([[0, 1, 1, 0]]))
    selection = batch_epig(context, 3, seed=0)
    assert selection.rows[0] == 2
    assert selection.scores.sum().item() == pytest.approx(math.log(2), abs=1e-12)
    assert selection.scores[2] > 0.9 * math.log(2) > selection.scores[0] > selection.scores[1]


def test_the_first_pick_is_the_largest_epig():
    log_probs = linear_model(1, 120, 20, 4)
    context = context_of(log_probs[:90], log_probs[90:])
    selection = batch_epig(context, 1, seed=0)
    assert selection.rows.item() == int(epig_scores(context).argmax())
    assert selection.scores.item() == pytest.approx(float(epig_scores(context).max()), abs=1e-6)


def test_leaving_out_rows_by_what_they_say_about_the_draws_changes_nothing(monkeypatch):
    log_probs = linear_model(2, 130, 20, 3, torch.float64)

    def picks():
        objective = TargetObjective(log_probs[120:], num_configurations=20, seed=0, block=16)
        candidates = TensorCandidates(log_probs[:120])
        return GreedySearch(candidates, information.bald(log_probs[:120]), objective, seed=0).picks(4)

    bounded = picks()
    monkeypatch.setattr(TargetObjective, "_bounds", lambda self, ranked: torch.full((120,), 10.0, dtype=torch.float64))
    everyone = picks()
    assert [pick.position for pick in bounded] == [pick.position for pick in everyone]
    assert sum(pick.evaluated for pick in bounded) < sum(pick.evaluated for pick in everyone) == 120 + 119 + 118 + 117


def test_sampled_picks_are_worth_what_exact_ones_are():
    log_probs = linear_model(3, 90, 15, 4)
    context = context_of(log_probs[:80], log_probs[80:])
    sampled, exact = (batch_epig(context, 4, seed=0, num_configurations=count) for count in (30, 64))
    assert (sampled.diagnostics["exact_picks"], exact.diagnostics["exact_picks"]) == (3, 4)
    assert sampled.diagnostics["target_information"] > 0.98 * exact.diagnostics["target_information"]


def test_the_batch_tells_more_than_the_rows_with_the_largest_epig():
    log_probs = linear_model(4, 220, 20, 4)
    context = context_of(log_probs[:200], log_probs[200:])
    top = epig_scores(context).topk(4).indices
    chosen = batch_epig(context, 4, seed=0).diagnostics["target_information"]
    assert chosen > information.batch_epig(log_probs[top], log_probs[200:]) + 0.01


def test_the_reported_information_is_within_its_error_of_the_truth():
    log_probs = linear_model(5, 40, 12, 8)
    context = context_of(log_probs[:30], log_probs[30:])
    selection = batch_epig(context, 5, seed=0, num_configurations=20)
    found, error = (selection.diagnostics[key] for key in ("target_information", "target_information_se"))
    truth = information.batch_epig(log_probs[selection.rows], log_probs[30:])
    assert 0 < abs(found - truth) <= 4 * error


@pytest.mark.parametrize("num_configurations", [0, 1, -3, True])
def test_a_wrong_number_of_configurations_is_refused(num_configurations):
    log_probs = random_log_probs(0, 5, 2, 2)
    with pytest.raises(InputError) as caught:
        batch_epig(context_of(log_probs, log_probs), 2, seed=0, num_configurations=num_configurations)
    assert (caught.value.argument, caught.value.got) == ("num_configurations", num_configurations)
