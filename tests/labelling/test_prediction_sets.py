"""Sets of classes: their coverage by theory and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.labelling.prediction_sets import ConformalSets, calibrate_sets, min_labels


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_there_are_sets_from_the_least_number_of_labels_on(coverage: float) -> None:
    """With n labels the largest promise is n / (n + 1): the true class is not the worst of n + 1."""
    needed = min_labels(coverage)
    assert needed / (needed + 1) >= coverage - 1e-9 > (needed - 1) / needed - 2e-9
    assert calibrate_sets([0.5] * (needed - 1), coverage) is None
    assert calibrate_sets([0.5] * needed, coverage) is not None


@pytest.mark.parametrize("coverage", [0.0, 1.0, math.nan])
def test_a_coverage_that_cannot_be_promised_is_refused(coverage: float) -> None:
    with pytest.raises(InputError) as caught:
        min_labels(coverage)
    assert caught.value.argument == "coverage"


def test_the_threshold_is_the_probability_of_the_right_rank() -> None:
    """Of 19 labels at 90 %, the 18th largest: ceil(20 · 0.9) = 18."""
    probs = [(place + 1) / 20 for place in range(19)]
    sets = calibrate_sets(probs, 0.9)
    assert sets is not None
    assert sets.threshold == sorted(probs, reverse=True)[17]


def test_a_skipped_item_counts_as_if_the_model_were_wrong() -> None:
    probs = [(place + 1) / 20 for place in range(19)]
    with_skips = calibrate_sets(probs[2:], 0.9, num_skipped=2)
    assert with_skips is not None
    assert with_skips.num_labels == 19
    assert with_skips.threshold == 0.0, "two of nineteen may be anything, so that no class can be left out"


def test_the_predicted_class_is_in_every_set() -> None:
    sets = ConformalSets(0.9, 60, 0.99).sets(np.array([[0.5, 0.3, 0.2], [0.995, 0.003, 0.002]]))
    assert sets.tolist() == [[True, False, False], [True, False, False]]


def simulate(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions of a model that is far too sure, [n, 4], and the true classes, [n]."""
    true_probs = rng.dirichlet(np.full(4, 0.7), size=count)
    labels = (true_probs.cumsum(1) > rng.random((count, 1))).argmax(1)
    sure = true_probs**3 + 1e-9
    return sure / sure.sum(1, keepdims=True), labels


@pytest.mark.parametrize(("num_labels", "coverage"), [(20, 0.9), (60, 0.9), (60, 0.8)])
def test_sets_cover_what_they_promise_though_the_model_is_too_sure(num_labels: int, coverage: float) -> None:
    """Of exchangeable rows ceil((n + 1) coverage) / (n + 1) is covered on average, and each project as Beta says."""
    rng = np.random.default_rng(0)
    found, within, plain = [], [], []
    for _ in range(400):
        probs, labels = simulate(rng, num_labels)
        sets = calibrate_sets(probs[np.arange(num_labels), labels].tolist(), coverage)
        assert sets is not None
        fresh, truth = simulate(rng, 2000)
        share = float(sets.sets(fresh)[np.arange(2000), truth].mean())
        low, high = sets.range()
        found.append(share)
        within.append(low <= share <= high)
        plain.append(float((fresh.argmax(1) == truth).mean()))
    error = 4 * float(np.std(found)) / math.sqrt(len(found))
    exact = math.ceil(round((num_labels + 1) * coverage, 9)) / (num_labels + 1)
    assert coverage - error <= np.mean(found)
    assert abs(np.mean(found) - exact) <= error + 0.005, "the predicted class, which is always in, adds a little"
    assert 0.85 <= np.mean(within) <= 0.96
    assert np.mean(plain) < coverage, "the prediction alone covers less, so that the sets do something"
