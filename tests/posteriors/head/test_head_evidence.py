import pytest
import torch
from head_problems import labelled_features
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.features import network_features
from lindley.posteriors.head.head_coordinates import standard_deviations
from lindley.posteriors.head.head_evidence import fit_features_head, laplace_evidence, leave_one_out
from lindley.posteriors.head.head_fit import fit_head


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Dropout(0.5), nn.Linear(7, 3))


def data(num_labels=25):
    inputs, classes = labelled_features(num_labels, 4, 3)
    return inputs.float(), classes


def test_they_are_those_of_a_head_on_what_the_last_layer_reads():
    module, (inputs, classes) = network(), data()
    features = module[:2](inputs).detach()
    fit = fit_head(features, classes, num_classes=3, scale=standard_deviations(features))
    assert laplace_evidence(module, inputs, classes, num_classes=3) == pytest.approx(fit.log_evidence)
    torch.testing.assert_close(leave_one_out(module, inputs, classes, num_classes=3), fit.leave_one_out())
    assert torch.equal(features, network_features(module, inputs, precision="float32", device="cpu"))


def test_features_that_tell_the_classes_are_preferred_to_noise():
    _, classes = data(60)
    informative = nn.functional.one_hot(classes, 3).double() + 0.3 * labelled_features(60, 3, 3, seed=5)[0]
    noise = labelled_features(60, 3, 3, seed=9)[0]
    fits = [fit_features_head(features, classes, num_classes=3) for features in (informative, noise)]
    assert fits[0].log_evidence > fits[1].log_evidence + 10
    assert fits[0].leave_one_out().sum() > fits[1].leave_one_out().sum() + 10


def test_columns_of_noise_cost_evidence_though_they_raise_the_likelihood():
    inputs, classes = data(40)
    padded = torch.cat([inputs, torch.randn(40, 30, generator=torch.Generator().manual_seed(0))], dim=1)
    fits = [fit_features_head(features, classes, num_classes=3, prior_precision=1.0) for features in (inputs, padded)]
    likelihoods = [fit.regression.log_likelihood(fit.coefficients) for fit in fits]
    assert likelihoods[1] > likelihoods[0]
    assert fits[1].log_evidence < fits[0].log_evidence
    assert fits[1].leave_one_out().sum() < fits[0].leave_one_out().sum()


def test_classes_for_other_inputs_are_refused():
    with pytest.raises(InputError) as caught:
        laplace_evidence(network(), data()[0], torch.zeros(4, dtype=torch.int64), num_classes=3)
    assert (caught.value.argument, caught.value.got) == ("classes", 4)


def test_features_that_are_not_finite_are_refused():
    inputs, classes = data()
    with pytest.raises(InputError) as caught:
        laplace_evidence(network(), inputs * torch.nan, classes, num_classes=3)
    assert (caught.value.argument, caught.value.expected) == ("features", "finite")
