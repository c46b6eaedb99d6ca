from itertools import combinations

import pytest
import torch
from diverse_fakes import context_of, random_points

from lindley.acquisition.diverse.coreset import coreset


def farthest_first(features, labelled, batch_size):
    """The definition, one pick after the other, with plain loops."""
    centres, picks, scores = list(labelled), [], []
    for _ in range(batch_size):
        away = [
            min((float((point - centre).norm()) for centre in centres), default=torch.inf) if i not in picks else -1.0
            for i, point in enumerate(features)
        ]
        picks.append(max(range(len(features)), key=away.__getitem__))
        scores.append(away[picks[-1]])
        centres.append(features[picks[-1]])
    return picks, scores


def radius_of(features, labelled, chosen):
    return float(torch.cdist(features, torch.cat([labelled, features[list(chosen)]])).amin(1).amax())


@pytest.mark.parametrize("seed", range(10))
def test_the_choice_is_that_of_the_definition(seed):
    features, labelled = random_points(25, 3, seed), random_points(4, 3, seed + 100)
    selection = coreset(context_of(features, labelled), 8, seed=0)
    picks, scores = farthest_first(features, labelled, 8)
    assert selection.rows.tolist() == picks
    assert selection.scores.tolist() == pytest.approx(scores, abs=1e-12)
    assert selection.diagnostics["radius"] == pytest.approx(radius_of(features, labelled, picks), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("num_labelled", [0, 2])
def test_the_radius_is_at_most_twice_the_best(seed, num_labelled):
    features, labelled = random_points(11, 2, seed), random_points(num_labelled, 2, seed + 100)
    best = min(radius_of(features, labelled, chosen) for chosen in combinations(range(11), 3))
    radius = coreset(context_of(features, labelled), 3, seed=seed).diagnostics["radius"]
    assert best - 1e-12 <= radius <= 2 * best + 1e-12


def test_scores_never_rise_and_end_above_the_radius():
    selection = coreset(context_of(random_points(60, 4), random_points(3, 4, seed=1)), 30, seed=0)
    assert (selection.scores.diff() <= 0).all()
    assert selection.diagnostics["radius"] <= selection.scores[-1]


def test_with_nothing_labelled_a_seeded_row_is_first_and_has_the_score_of_the_second():
    features = random_points(40, 3)
    starts = {int(coreset(context_of(features), 3, seed=seed).rows[0]) for seed in range(20)}
    assert len(starts) > 10
    selection = coreset(context_of(features), 3, seed=0)
    assert selection.scores[0] == selection.scores[1]
    assert selection.scores[1] == pytest.approx(
        float((features - features[selection.rows[0]]).norm(dim=1).max()), abs=1e-12
    )


def test_one_row_of_none_labelled_has_a_finite_score():
    selection = coreset(context_of(random_points(1, 3)), 1, seed=0)
    assert (selection.rows.tolist(), selection.scores.tolist()) == ([0], [0.0])


def test_a_labelled_row_keeps_its_duplicates_for_last():
    features = random_points(6, 3)
    selection = coreset(context_of(features, features[2:4]), 6, seed=0)
    assert set(selection.rows[-2:].tolist()) == {2, 3}
    assert selection.scores[-2:].tolist() == [0.0, 0.0]
