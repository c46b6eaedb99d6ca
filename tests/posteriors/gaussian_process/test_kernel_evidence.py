import math

import pytest
import torch
from latent_problems import problem

from lindley.posteriors.gaussian_process.kernel_evidence import (
    Hyperparameters,
    differentiable_evidence,
    maximise_evidence,
    typical_distance,
)
from lindley.posteriors.gaussian_process.kernels import correlation
from lindley.posteriors.gaussian_process.latent_laplace import LatentClassifier, find_mode


def evidence(points, given, logs, kernel="matern-5/2"):
    covariance = (2 * logs[-1]).exp() * correlation(kernel, points / logs[:-1].exp(), points / logs[:-1].exp())
    fixed = LatentClassifier(covariance.detach(), given.classes, given.sample_weight, 3)
    return differentiable_evidence(
        LatentClassifier(covariance, given.classes, given.sample_weight, 3), find_mode(fixed)
    )


def test_derivatives_are_those_of_differences():
    given, points = problem()
    logs = torch.tensor([0.2, -0.3, 0.6], dtype=torch.float64, requires_grad=True)
    evidence(points, given, logs).backward()
    for place in range(3):
        step = torch.zeros(3, dtype=torch.float64)
        step[place] = 1e-4
        with torch.no_grad():
            difference = (evidence(points, given, logs + step) - evidence(points, given, logs - step)) / 2e-4
        assert logs.grad[place].item() == pytest.approx(difference.item(), abs=1e-6)


def wide():
    """Two columns, of which the second says nothing; three classes in bands of the first."""
    points = torch.randn(60, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return points, (points[:, 0] > -0.5).long() + (points[:, 0] > 0.5).long()


def test_found_values_are_more_evident_than_their_neighbours():
    points, classes = wide()
    found = maximise_evidence("rbf", points, classes, torch.ones(60, dtype=torch.float64), 3, ard=False)

    def at(lengthscale, amplitude):
        covariance = Hyperparameters(torch.full((2,), lengthscale).double(), amplitude).covariance("rbf", points)
        classifier = LatentClassifier(covariance, classes, torch.ones(60, dtype=torch.float64), 3)
        return float(classifier.log_evidence(find_mode(classifier)))

    length, amplitude = found.lengthscales[0].item(), found.amplitude
    best = at(length, amplitude)
    assert 0.3 < length < 10
    for one, other in ((1.2, 1.0), (1 / 1.2, 1.0), (1.0, 1 / 1.2)):
        assert at(length * one, amplitude * other) < best


def test_ard_finds_the_column_that_says_nothing():
    points, classes = wide()
    found = maximise_evidence("rbf", points, classes, torch.ones(60, dtype=torch.float64), 3, ard=True)
    assert found.lengthscales[1] > 3 * found.lengthscales[0]


def test_what_is_given_stays():
    points, classes = wide()
    ones = torch.ones(60, dtype=torch.float64)
    both = maximise_evidence("rbf", points, classes, ones, 3, ard=False, lengthscale=0.7, amplitude=1.5)
    assert both.lengthscales.tolist() == pytest.approx([0.7, 0.7])
    assert both.amplitude == pytest.approx(1.5)
    one = maximise_evidence("rbf", points, classes, ones, 3, ard=False, lengthscale=0.7)
    assert one.lengthscales.tolist() == pytest.approx([0.7, 0.7])
    assert one.amplitude != pytest.approx(2.0)


def test_of_many_labels_some_are_looked_at(monkeypatch):
    monkeypatch.setattr("lindley.posteriors.gaussian_process.kernel_evidence.TUNING_LABELS", 20)
    points, classes = wide()
    chosen = torch.linspace(0, 59, 20).round().long()
    many = maximise_evidence("rbf", points, classes, torch.ones(60, dtype=torch.float64), 3, ard=False)
    few = maximise_evidence("rbf", points[chosen], classes[chosen], torch.ones(20, dtype=torch.float64), 3, ard=False)
    assert many.amplitude == few.amplitude


def test_typical_distance_is_the_root_of_the_number_of_independent_columns():
    points = torch.randn(4000, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert typical_distance(points) == pytest.approx(3, rel=0.02)
    assert typical_distance(points[:1]) == math.sqrt(9)
