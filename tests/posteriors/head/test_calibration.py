import pytest
import torch
from head_problems import labelled_features, normals

from lindley.contracts import Classification, Labels, TrainingData
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.calibration import calibration_temperature
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.head_fit import left_out_log_probs
from lindley.posteriors.temperature_scaling import scale_temperature

ABC = Classification(("a", "b", "c"))


def fit(num_labels=60, *, signal=0.0, **options):
    """A head, and the rows that it was not fitted to; `signal` moves the classes apart."""
    features, classes = labelled_features(300, 5, 3)
    features = features + signal * torch.eye(3, 5, dtype=torch.float64)[classes]
    sample_weight = 0.5 + torch.rand(num_labels, generator=torch.Generator().manual_seed(1))
    labels = Labels(torch.arange(num_labels), classes[:num_labels], sample_weight)
    posterior = BayesianHead(**options).fit(TrainingData(MemoryPool(features.float()), labels, ABC), seed=0)
    return posterior, features[num_labels:].float(), classes[num_labels:]


def nll(posterior, features, classes):
    log_probs = posterior.point().predict(features).log_probs[:, 0]
    return float(-log_probs[torch.arange(len(classes)), classes].mean())


def test_the_temperature_has_the_least_loss_of_the_labels_left_out():
    posterior, _, _ = fit()
    regression = posterior.fit_result.regression
    log_probs = left_out_log_probs(regression, posterior.fit_result.coefficients)
    temperatures = torch.logspace(-1, 1, 2001, dtype=torch.float64)
    scaled = (log_probs[None] / temperatures[:, None, None]).log_softmax(2)
    of_labels = scaled[:, torch.arange(60), regression.classes] @ regression.sample_weight
    by_grid = temperatures[(of_labels - temperatures.log().square() / (2 * 0.3**2)).argmax()]
    assert calibration_temperature(posterior, log_deviation=0.3) == pytest.approx(float(by_grid), rel=2e-3)


@pytest.mark.parametrize(("prior_precision", "signal", "wider"), [(1e-3, 0.0, True), (200.0, 4.0, False)])
def test_heads_that_are_too_sure_or_too_unsure_predict_better_with_it(prior_precision, signal, wider):
    posterior, features, classes = fit(prior_precision=prior_precision, signal=signal)
    temperature = calibration_temperature(posterior, log_deviation=1.0)
    assert (temperature > 1.1) if wider else (temperature < 0.9)
    scaled = scale_temperature(posterior, temperature)
    assert nll(scaled, features, classes) < nll(posterior, features, classes) - 0.005


def test_a_narrow_prior_of_the_temperature_leaves_it_at_one():
    posterior, _, _ = fit(prior_precision=2000.0)
    assert calibration_temperature(posterior, log_deviation=1e-4) == pytest.approx(1, abs=1e-3)


def test_without_labels_the_temperature_is_one():
    features, _ = labelled_features(50, 5, 3)
    data = TrainingData(MemoryPool(features.float()), Labels([], []), ABC)
    posterior = BayesianHead(prior_mean=normals(5, 3)).fit(data, seed=0)
    assert calibration_temperature(posterior) == 1.0
