"""What the intervals of a project cover: by enumeration, and in simulated projects whose model changes.

`benchmarks/project_coverage.py` counts the same over more projects.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from lindley.labelling.accuracy import (
    MIN_ADJUSTED,
    AccuracyEstimate,
    adjust_by_confidence,
    audit_interval,
    estimate_accuracy,
)
from lindley.labelling.advice import forecast_gain
from lindley.labelling.streams import is_test_due

estimate = cache(estimate_accuracy)
audit = cache(audit_interval)


@pytest.mark.parametrize("num_labels", [20, 60, 72])
def test_the_interval_of_one_look_covers_on_average(num_labels: int) -> None:
    shares = np.linspace(0.3, 0.98, 200)
    found = [estimate(count, num_labels) for count in range(num_labels + 1)]
    covered = [[each.low <= share <= each.high for each in found] for share in shares]
    chances = stats.binom.pmf(np.arange(num_labels + 1), num_labels, shares[:, None])  # [p, n + 1]
    coverage = (chances * covered).sum(1)
    assert coverage.mean() >= 0.945
    assert coverage.min() >= 0.88


@pytest.mark.parametrize(("num_correct", "population"), [(700, 1000), (4500, 5000), (95, 100)])
def test_the_audit_covers_at_least_95_percent_of_draws_without_replacement(num_correct: int, population: int) -> None:
    counts = np.arange(61)
    chances = stats.hypergeom.pmf(counts, population, num_correct, 60)
    covered = [low <= num_correct / population <= high for low, high in (audit(int(count), 60) for count in counts)]
    assert chances[covered].sum() >= 0.95


def test_an_audit_with_skips_covers_whatever_the_skipped_items_are() -> None:
    generator = np.random.default_rng(3)
    missed = 0
    for _ in range(1000):
        correct = generator.uniform(size=60) < 0.8
        skipped = generator.uniform(size=60) < np.where(correct, 0.02, 0.2)  # people skip what is hard
        low, high = audit(int((correct & ~skipped).sum()), int((~skipped).sum()), int(skipped.sum()))
        missed += not low <= 0.8 <= high
    assert missed <= 60


@pytest.mark.parametrize("num_labels", [MIN_ADJUSTED, 60, 100])
def test_the_adjusted_accuracy_covers_as_often_as_its_error_says(num_labels: int) -> None:
    """Test items of a pool whose correctness follows the confidence in part; a fifth of the pool is the stream."""
    generator, covered = np.random.default_rng(5), 0
    confidence = generator.beta(4, 2, size=5000)
    correct = generator.uniform(size=5000) < 0.3 + 0.6 * confidence
    for _ in range(1000):
        stream = generator.choice(5000, 1000, replace=False)
        rows = stream[:num_labels]
        found = adjust_by_confidence(correct[rows].tolist(), confidence[rows].tolist(), confidence[stream].tolist())
        assert found is not None
        covered += abs(found.share - correct.mean()) <= 1.96 * found.standard_error
    assert covered >= 920


def changing_project(
    generator: np.random.Generator, *, persistent: bool, num_labels: int = 220
) -> tuple[bool, bool, bool]:
    """Whether the interval of one look, that of all looks, and that of the last look miss, read after every label.

    The model is fitted again after every ten training labels, and rises from 40 to 85 %. It misses the same items
    from round to round, where that is persistent, or always others.
    """
    hardness, others = generator.uniform(size=(2, num_labels))
    now = always = last = False
    num_train = num_test = 0
    for _ in range(num_labels):
        if is_test_due(num_train, num_test):
            num_test += 1
        else:
            num_train += 1
        accuracy = 0.85 - 0.45 * np.exp(-(num_train // 10) / 8)
        shift = 0.0 if persistent else 0.618 * (num_train // 10)
        drawn = hardness[:num_test] if persistent else (others[:num_test] + shift) % 1
        found: AccuracyEstimate = estimate(int((drawn < accuracy).sum()), num_test)
        last = not found.low <= accuracy <= found.high
        now |= last
        always |= not found.always_low <= accuracy <= found.always_high
    return now, always, last


@pytest.mark.parametrize("persistent", [True, False])
def test_looked_at_after_every_label_the_sequence_is_wrong_in_few_projects(persistent: bool) -> None:
    generator = np.random.default_rng(7)
    now, always, last = np.mean([changing_project(generator, persistent=persistent) for _ in range(200)], axis=0)
    assert always <= 0.05
    assert last <= 0.1  # the last look of all is one look
    assert now > 0.15  # and this is why the advice does not read it


@pytest.mark.parametrize("floor", [0.0, 0.15])
def test_the_forecast_holds_the_gain_in_most_projects(floor: float) -> None:
    generator = np.random.default_rng(5)
    labels = np.arange(10, 231, 10)
    errors = floor + 1.6 * labels**-0.4
    truth = float(1.6 * 230**-0.4 - 1.6 * 330**-0.4)
    held = 0
    for _ in range(200):
        hardness = generator.uniform(size=72)
        noise = 1 + 0.03 * generator.standard_normal(len(labels))  # of the training sets
        found = forecast_gain(labels.tolist(), hardness >= (errors * noise)[:, None])
        assert found is not None
        held += found.low <= truth <= found.high
    assert held >= 0.7 * 200
