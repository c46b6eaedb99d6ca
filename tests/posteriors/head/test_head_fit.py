"""Against truth: numerical integration of one and two coefficients, and brute-force refits."""

import math
from dataclasses import replace

import pytest
import torch
from head_problems import fitted, labelled_features, normals

from lindley.posteriors.head import log_determinant
from lindley.posteriors.head.gaussian_weights import FullGaussian
from lindley.posteriors.head.head_fit import fit_head, log_evidence
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, find_mode, label_curvature


def logistic(num_labels, num_columns, *, precision=1.0, seed=0):
    """Binary labels of a known slope; one contrast, so that there are as many coefficients as columns."""
    design = normals(num_labels, num_columns, seed=seed)
    log_odds = design @ torch.tensor([1.0, -0.7], dtype=torch.float64)[:num_columns]
    uniform = torch.rand(num_labels, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 1))
    prior = torch.full((num_columns,), precision, dtype=torch.float64)
    sample_weight = torch.ones(num_labels, dtype=torch.float64)
    return SoftmaxRegression(design, (uniform < log_odds.sigmoid()).long(), sample_weight, prior, 2)


def grid(centre, *, half_width=6.0, points=241):
    """[G, J] about a centre, and the log of a cell's volume."""
    axis = torch.linspace(-half_width, half_width, points, dtype=torch.float64)
    places = torch.cartesian_prod(*[axis] * len(centre)).view(-1, len(centre))
    return centre + places, len(centre) * math.log(2 * half_width / (points - 1))


def log_joint(problem, places):
    """log p(classes | w) p(w) at each place, in the log odds that two classes are.  [G, J] -> [G]"""
    log_odds = math.sqrt(2) * places @ problem.design.T  # of class 0, the first contrast's positive end
    sign = 1 - 2 * problem.classes.double()
    likelihood = torch.nn.functional.logsigmoid(sign * log_odds).sum(1)
    return likelihood + prior(problem, places)


def prior(problem, places):
    normaliser = (problem.precision.log() - math.log(2 * math.pi)).sum() / 2
    mean = torch.as_tensor(problem.prior_mean).flatten()
    return normaliser - (problem.precision * (places - mean).square()).sum(1) / 2


def truth(problem, centre):
    """Mean, covariance and log evidence by summing over the grid."""
    places, cell = grid(centre)
    values = log_joint(problem, places)
    weight = values.softmax(0)
    mean = weight @ places
    return mean, (weight[:, None] * (places - mean)).T @ (places - mean), values.logsumexp(0).item() + cell


def laplace(problem):
    mode = find_mode(problem, torch.zeros(problem.design.shape[1], 1, dtype=torch.float64))
    return mode[:, 0], FullGaussian(problem, label_curvature(problem, mode)).covariance(), log_evidence(problem, mode)


@pytest.mark.parametrize("prior_mean", [0.0, 1.5])
@pytest.mark.parametrize(("num_columns", "seed"), [(1, 0), (1, 5), (2, 0), (2, 5)])
def test_posterior_of_fifty_labels_is_that_of_integration(num_columns, seed, prior_mean):
    """Laplace's error here: means within 0.25 standard deviations, variances up to 8 % small, evidence 0.04 nats."""
    problem = logistic(50, num_columns, seed=seed)
    problem = replace(problem, prior_mean=torch.full((num_columns, 1), prior_mean, dtype=torch.float64))
    mode, covariance, evidence = laplace(problem)
    mean, exact, log_integral = truth(problem, mode)
    deviation = exact.diagonal().sqrt()
    assert ((mode - mean) / deviation).abs().max() < 0.25
    ratio = covariance.diagonal() / exact.diagonal()
    assert ratio.min() > 0.92
    assert ratio.max() < 1
    correlation = covariance / covariance.diagonal().sqrt().outer(covariance.diagonal().sqrt())
    assert (correlation - exact / deviation.outer(deviation)).abs().max() < 0.05
    assert evidence == pytest.approx(log_integral, abs=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_error_of_the_evidence_shrinks_with_the_labels(seed):
    """It is of order 1 / L."""
    errors = []
    for num_labels in (10, 160):
        problem = logistic(num_labels, 2, precision=0.5, seed=seed)
        mode, _, evidence = laplace(problem)
        errors.append(abs(evidence - truth(problem, mode)[2]))
    assert errors[1] < errors[0] / 4


def test_evidence_is_the_integral_of_laplaces_own_integrand():
    problem = logistic(8, 2)
    mode, covariance, evidence = laplace(problem)
    places, cell = grid(mode)
    precision = torch.linalg.inv(covariance)
    quadratic = torch.einsum("gi,ij,gj->g", places - mode, precision, places - mode) / 2
    integral = (log_joint(problem, mode[None]) - quadratic).logsumexp(0).item() + cell
    assert evidence == pytest.approx(integral, abs=1e-9)


def test_evidence_of_labels_that_do_not_matter_is_one():
    problem = logistic(8, 2)
    problem = replace(problem, sample_weight=problem.sample_weight * 1e-12)
    assert laplace(problem)[2] == pytest.approx(0.0, abs=1e-9)


def test_prior_has_the_greatest_evidence_of_powers_of_two():
    best = fitted(num_labels=40)
    scores = {2.0**e: fitted(num_labels=40, prior_precision=2.0**e).log_evidence for e in range(-8, 13)}
    assert best.prior_precision == max(scores, key=scores.__getitem__)
    assert best.log_evidence == pytest.approx(scores[best.prior_precision])


@pytest.mark.parametrize("num_labels", [12, 40])
def test_leaving_labels_out_chooses_the_power_of_two_that_predicts_them_best_under_a_weak_prior(num_labels):
    """The prior of the precision's logarithm lies about D / 32, with a deviation of two powers of two."""

    def score(exponent):
        fit = fitted(num_labels=num_labels, prior_precision=2.0**exponent)
        return float(fit.leave_one_out().sum()) - (exponent - math.log2(4 / 32)) ** 2 / 8

    best = fitted(num_labels=num_labels, prior_precision="leave-one-out")
    assert math.log2(best.prior_precision) == max(range(-8, 13), key=score)


def test_a_few_labels_of_one_kind_take_no_endlessly_strong_prior():
    features, classes = normals(6, 8), torch.tensor([0, 0, 0, 1, 1, 1])
    fit = fit_head(
        features, classes, num_classes=2, scale=torch.ones(8, dtype=torch.float64), prior_precision="leave-one-out"
    )
    assert fit.prior_precision <= 8


def test_prior_of_features_without_signal_is_strong_and_of_a_clear_signal_weak():
    features, one = normals(60, 5), torch.ones(5, dtype=torch.float64)
    clear = (features[:, 0] > 0).long()
    noise = (normals(60, seed=7) > 0).long()
    precisions = [fit_head(features, c, num_classes=2, scale=one).prior_precision for c in (clear, noise)]
    assert precisions[0] < 1 < 40 < precisions[1]


def test_prior_makes_no_jump_where_the_determinant_is_estimated(monkeypatch):
    options = {"num_labels": 60, "num_features": 30, "num_classes": 5}
    exact = fitted(**options)
    monkeypatch.setattr(log_determinant, "EXACT_LIMIT", 1)
    estimated = fitted(**options)
    assert abs(math.log2(estimated.prior_precision / exact.prior_precision)) <= 1


def test_previous_fit_shortens_the_way_and_changes_nothing():
    features, classes = labelled_features(60, 4, 3)
    scale = torch.ones(4, dtype=torch.float64)
    before = fit_head(features[:40], classes[:40], num_classes=3, scale=2 * scale)
    cold = fit_head(features, classes, num_classes=3, scale=scale)
    warm = fit_head(features, classes, num_classes=3, scale=scale, previous=before)
    assert warm.prior_precision == cold.prior_precision
    torch.testing.assert_close(warm.coefficients, cold.coefficients, atol=1e-6, rtol=0)


def test_previous_fit_of_other_features_or_classes_is_left_aside():
    other = fitted(num_features=7)
    fewer = fitted(num_classes=2)
    cold = fitted()
    for previous in (other, fewer):
        torch.testing.assert_close(fitted(previous=previous).coefficients, cold.coefficients, atol=1e-6, rtol=0)


def test_a_sample_weight_of_two_equals_the_label_twice():
    features, classes = labelled_features(20, 4, 3)
    sample_weight = torch.ones(20, dtype=torch.float64)
    sample_weight[:5] = 2
    options = {"num_classes": 3, "scale": torch.ones(4, dtype=torch.float64)}
    once = fit_head(features, classes, sample_weight=sample_weight, **options)
    twice = fit_head(torch.cat([features, features[:5]]), torch.cat([classes, classes[:5]]), **options)
    assert once.prior_precision == twice.prior_precision
    assert once.log_evidence == pytest.approx(twice.log_evidence)
    new = normals(9, 4, seed=3)
    for read in (lambda fit: fit.coordinates.design(new) @ fit.coefficients, lambda fit: covariances(fit, new)):
        torch.testing.assert_close(read(once), read(twice), atol=1e-6, rtol=1e-6)


def covariances(fit, features):
    return fit.gaussian.output_covariance(fit.coordinates.design(features))


def without(fit, left_out):
    """The head refitted without one row, all else as it was."""
    kept = torch.arange(len(fit.regression.classes)) != left_out
    regression = fit.regression
    fewer = replace(
        regression,
        design=regression.design[kept],
        classes=regression.classes[kept],
        sample_weight=regression.sample_weight[kept],
    )
    found = find_mode(fewer, torch.zeros_like(fit.coefficients))
    return (regression.design[left_out] @ found @ regression.contrasts.T).log_softmax(0)[regression.classes[left_out]]


@pytest.mark.parametrize("num_classes", [2, 4])
def test_leave_one_out_is_near_refits_without_each_row(num_classes):
    """One Newton step finds nine tenths of what the labels' own fit flatters, each row within 0.35 nats of 1 to 4."""
    features, classes = labelled_features(40, 4, num_classes)
    sample_weight = 0.7 + 0.6 * torch.rand(40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    options = {"num_classes": num_classes, "scale": torch.ones(4, dtype=torch.float64), "sample_weight": sample_weight}
    for prior_precision, each in ((1.0, 0.35), (8.0, 0.1)):
        fit = fit_head(features, classes, prior_precision=prior_precision, **options)
        refits = torch.stack([without(fit, row) for row in range(40)])
        own = fit.regression.log_probs(fit.coefficients)[torch.arange(40), classes]
        approximate = fit.leave_one_out()
        assert (approximate - refits).abs().max() < each < (own - refits).abs().max() / 3
        assert (own - approximate).mean() / (own - refits).mean() == pytest.approx(1, abs=0.1)


def test_leave_one_out_is_exact_where_only_the_draws_have_kroneckers_covariance():
    """With it a label would have more influence than its own curvature allows: sums of -946 nats for -221."""
    options = {"num_labels": 40, "prior_precision": 4.0}
    full, kronecker = (fitted(covariance=each, **options) for each in ("full", "kronecker"))
    torch.testing.assert_close(kronecker.leave_one_out(), full.leave_one_out())


def test_leave_one_out_of_a_strong_prior_is_exact():
    features, classes = labelled_features(20, 4, 3)
    fit = fit_head(
        features,
        classes,
        num_classes=3,
        scale=torch.ones(4, dtype=torch.float64),
        prior_precision=1e5,
        bias_precision=1e5,
    )
    refits = torch.stack([without(fit, row) for row in range(20)])
    torch.testing.assert_close(fit.leave_one_out(), refits, atol=1e-7, rtol=0)
