import pytest
import torch
from head_problems import regression, zeros

from lindley.posteriors.head import log_determinant
from lindley.posteriors.head.gaussian_weights import FullGaussian
from lindley.posteriors.head.log_determinant import estimate_log_det_ratio, log_det_ratio
from lindley.posteriors.head.softmax_regression import find_mode, label_curvature


@pytest.mark.parametrize("precision", [0.01, 0.3, 10.0])
def test_estimate_is_near_the_determinant(precision):
    """Within 3 % here; Kronecker's determinant is up to a third too large."""
    problem = regression(num_labels=60, num_features=40, num_classes=6, precision=precision)
    at = find_mode(problem, zeros(problem))
    exact = FullGaussian(problem, label_curvature(problem, at)).log_det_ratio
    assert estimate_log_det_ratio(problem, at) == pytest.approx(exact, rel=0.03)


def test_many_probes_and_steps_are_exact(monkeypatch):
    """The quadrature is exact for as many steps as coefficients, so that only the probes vary."""
    monkeypatch.setattr(log_determinant, "_NUM_PROBES", 4000)
    monkeypatch.setattr(log_determinant, "_NUM_STEPS", 30)
    problem = regression()
    at = find_mode(problem, zeros(problem))
    exact = FullGaussian(problem, label_curvature(problem, at)).log_det_ratio
    assert estimate_log_det_ratio(problem, at) == pytest.approx(exact, abs=0.02)


def test_estimate_is_the_same_at_every_call():
    problem = regression(num_labels=40, num_features=20)
    at = find_mode(problem, zeros(problem))
    before = torch.random.get_rng_state()
    assert estimate_log_det_ratio(problem, at) == estimate_log_det_ratio(problem, at)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_small_ones_are_exact_and_large_ones_estimated(monkeypatch):
    problem = regression()
    at = find_mode(problem, zeros(problem))
    assert log_det_ratio(problem, at) == FullGaussian(problem, label_curvature(problem, at)).log_det_ratio
    monkeypatch.setattr(log_determinant, "EXACT_LIMIT", 7)
    assert log_det_ratio(problem, at) == estimate_log_det_ratio(problem, at)
