from dataclasses import replace

import pytest
import torch
from head_problems import labelled_features
from torch import nn

from lindley.contracts import Classification, FeatureExtractor, Labels, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.head_coordinates import standard_deviations
from lindley.posteriors.head.head_fit import fit_head
from lindley.posteriors.head.input_features import SCALE_ROWS
from lindley.posteriors.head.last_layer import LastLayerLaplace
from lindley.posteriors.head.tuned_learner import TunedLearner
from lindley.training.config import TrainingConfig

TASK = Classification(("a", "b", "c"))


def data(num_labels=30):
    features, classes = labelled_features(80, 4, 3)
    return MemoryPool(features.float()), Labels(torch.arange(num_labels), classes[:num_labels]), features.float()


def noise(inputs):
    """Features that know nothing of the classes, the same for a row wherever it stands."""
    return (1e4 * inputs).sin()


def head_on(features):
    return BayesianHead(features)


@pytest.mark.parametrize("measure", ["evidence", "leave-one-out"])
def test_the_setting_that_explains_the_labels_is_kept(measure):
    pool, labels, inputs = data()
    tuned = TunedLearner([noise, torch.clone, noise], head_on, measure=measure).fit(
        TrainingData(pool, labels, TASK), seed=0
    )
    assert tuned.setting is torch.clone
    assert len(tuned.scores) == 3
    assert max(tuned.scores) == tuned.scores[1]
    alone = BayesianHead(torch.clone).fit(TrainingData(pool, labels, TASK), seed=0)
    assert torch.equal(tuned.draw(3, seed=1).predict(inputs).log_probs, alone.draw(3, seed=1).predict(inputs).log_probs)
    assert torch.equal(tuned.point().predict(inputs).log_probs, alone.point().predict(inputs).log_probs)
    assert torch.equal(tuned.features(inputs), alone.features(inputs))
    assert isinstance(tuned, FeatureExtractor)


def test_configs_are_settings():
    pool, labels, _ = data()
    configs = [replace(TrainingConfig(steps=30, learning_rate=1e-2), weight_decay=decay) for decay in (0.0, 10.0)]

    def build(config):
        return LastLayerLaplace(lambda: nn.Sequential(nn.Linear(4, 20), nn.ReLU(), nn.Linear(20, 3)), config)

    tuned = TunedLearner(configs, build).fit(TrainingData(pool, labels, TASK), seed=0)
    assert tuned.setting in configs
    for config, score in zip(configs, tuned.scores, strict=True):
        posterior = build(config).fit(TrainingData(pool, labels, TASK), seed=0)
        assert score == pytest.approx(posterior.head.log_evidence, abs=1e-6)
    assert max(tuned.scores) == tuned.scores[configs.index(tuned.setting)]


def test_scores_are_the_summed_leave_one_out():
    pool, labels, inputs = data()
    tuned = TunedLearner([torch.clone], head_on, measure="leave-one-out").fit(TrainingData(pool, labels, TASK), seed=0)
    scale = inputs.double().std(0, correction=0)
    fit = fit_head(inputs[:30], labels.values, num_classes=3, scale=scale)
    assert tuned.scores[0] == pytest.approx(float(fit.leave_one_out().sum()), rel=1e-4)


def fit_own_scale(features, classes, **options):
    return fit_head(features, classes, num_classes=3, scale=standard_deviations(features), **options)


def test_features_that_tell_the_classes_are_preferred_to_noise():
    _, classes = labelled_features(60, 4, 3)
    informative = nn.functional.one_hot(classes, 3).double() + 0.3 * labelled_features(60, 3, 3, seed=5)[0]
    fits = [fit_own_scale(features, classes) for features in (informative, labelled_features(60, 3, 3, seed=9)[0])]
    assert fits[0].log_evidence > fits[1].log_evidence + 10
    assert fits[0].leave_one_out().sum() > fits[1].leave_one_out().sum() + 10


def test_columns_of_noise_cost_evidence_though_they_raise_the_likelihood():
    inputs, classes = labelled_features(40, 4, 3)
    padded = torch.cat([inputs, torch.randn(40, 30, generator=torch.Generator().manual_seed(0))], dim=1)
    fits = [fit_own_scale(features.float(), classes, prior_precision=1.0) for features in (inputs, padded)]
    likelihoods = [fit.regression.log_likelihood(fit.coefficients) for fit in fits]
    assert likelihoods[1] > likelihoods[0]
    assert fits[1].log_evidence < fits[0].log_evidence
    assert fits[1].leave_one_out().sum() < fits[0].leave_one_out().sum()


class FeaturesOf:
    """A learner whose posterior has features of its own, and predicts nothing."""

    def __init__(self, features):
        self.features = features

    def fit(self, data, *, previous=None, seed):
        return self

    def draw(self, num_draws, *, seed):
        raise AssertionError

    def point(self):
        return None


def test_features_that_are_not_finite_are_refused_with_their_rows():
    """The units of the features are taken from every second row of so large a pool, and row 1 is none of them."""
    inputs, classes = labelled_features(2 * SCALE_ROWS, 4, 3)

    def features(given):
        return given.where((given != inputs[1]).any(1, keepdim=True), torch.nan)

    given = TrainingData(MemoryPool(inputs), Labels(torch.arange(30), classes[:30]), TASK)
    with pytest.raises(InputError) as caught:
        TunedLearner([features], FeaturesOf).fit(given, seed=0)
    assert (caught.value.argument, caught.value.rows) == ("features", (1,))


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(InputError) as caught:
        TunedLearner([], head_on)
    assert caught.value.argument == "settings"
    with pytest.raises(InputError) as caught:
        TunedLearner([torch.clone], head_on, measure="accuracy")
    assert (caught.value.argument, caught.value.got) == ("measure", "accuracy")


def test_class_weights_count_where_settings_are_judged():
    pool, labels, _ = data()
    scores = [
        TunedLearner([torch.clone], head_on, class_weights=weights)
        .fit(TrainingData(pool, labels, TASK), seed=0)
        .scores[0]
        for weights in (None, (1.0, 1.0, 1.0), (1.0, 9.0, 1.0))
    ]
    assert scores[0] == pytest.approx(scores[1])
    assert abs(scores[0] - scores[2]) > 0.1
