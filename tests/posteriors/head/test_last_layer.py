import pickle
from functools import partial

import pytest
import torch
from torch import nn

from lindley.contracts import Classification, FeatureExtractor, Labels, Posterior, TrainingData
from lindley.errors import InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.features import network_features
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.last_layer import LastLayerLaplace, LastLayerPosterior
from lindley.training.config import TrainingConfig
from lindley.training.loop import train

TASK = Classification(("a", "b"))
CONFIG = TrainingConfig(steps=60, learning_rate=1e-2)


def mlp():
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 2))


def data():
    inputs = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    return MemoryPool(inputs), Labels(torch.arange(20), (inputs[:20, 0] > 0).long()), inputs


def fit(network=mlp, seed=0, **options):
    pool, labels, inputs = data()
    return LastLayerLaplace(network, CONFIG, **options).fit(TrainingData(pool, labels, TASK), seed=seed), inputs


def test_it_is_a_head_on_the_features_of_the_trained_network():
    posterior, inputs = fit(prior_precision=2.0)
    pool, labels, _ = data()
    module = train(mlp, TrainingData(pool, labels, TASK), config=CONFIG, precision="float32", device="cpu", seed=0)
    features = network_features(module, inputs, precision="float32", device="cpu")
    head = BayesianHead(prior_precision=2.0, approximation="laplace", scale="feature").fit(
        TrainingData(MemoryPool(features), labels, TASK), seed=0
    )
    assert torch.equal(posterior.features(inputs), features)
    expected = head.draw(6, seed=1).predict(features).log_probs
    torch.testing.assert_close(posterior.draw(6, seed=1).predict(inputs).log_probs, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(posterior.point().predict(inputs).log_probs, head.point().predict(features).log_probs)
    assert isinstance(posterior, Posterior)
    assert isinstance(posterior, FeatureExtractor)


def test_it_learns():
    posterior, inputs = fit()
    predicted = posterior.draw(50, seed=0).predict(inputs).log_probs.exp().mean(1).argmax(1)
    assert (predicted == (inputs[:, 0] > 0)).float().mean() > 0.85


def test_draws_are_frozen_and_pickle():
    posterior, inputs = fit(partial(moons_mlp, input_shape=(2,), num_classes=2))
    draws = posterior.draw(5, seed=1)
    whole = draws.predict(inputs).log_probs
    torch.testing.assert_close(torch.cat([draws.predict(part).log_probs for part in inputs.split(7)]), whole)
    assert torch.equal(pickle.loads(pickle.dumps(draws)).predict(inputs).log_probs, whole)
    assert not torch.equal(whole[:, 0], whole[:, 1])


def test_stored_and_restored_it_is_the_same_posterior():
    posterior, inputs = fit()
    before = torch.random.get_rng_state()
    again = LastLayerPosterior.from_state_dict(*posterior.state_dict(), network=mlp)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(again.features(inputs), posterior.features(inputs))
    assert torch.equal(
        again.draw(3, seed=2).predict(inputs).log_probs, posterior.draw(3, seed=2).predict(inputs).log_probs
    )


def test_validation_labels_are_refused():
    pool, labels, _ = data()
    with pytest.raises(InputError) as caught:
        LastLayerLaplace(mlp, CONFIG).fit(TrainingData(pool, labels, TASK, validation=Labels([50], [0])), seed=0)
    assert caught.value.argument == "validation"


def test_class_weights_of_the_config_count_for_the_network_and_the_head():
    pool, labels, inputs = data()
    weighted = TrainingConfig(steps=60, learning_rate=1e-2, class_weights=(1.0, 8.0))
    learner = LastLayerLaplace(mlp, weighted, prior_precision=2.0)
    posterior = learner.fit(TrainingData(pool, labels, TASK), seed=0)
    module = train(mlp, TrainingData(pool, labels, TASK), config=weighted, precision="float32", device="cpu", seed=0)
    features = network_features(module, inputs, precision="float32", device="cpu")
    data_of_head = TrainingData(MemoryPool(features), labels, TASK)
    options = {"prior_precision": 2.0, "approximation": "laplace", "scale": "feature"}
    head = BayesianHead(**options, class_weights=(1.0, 8.0)).fit(data_of_head, seed=0)
    plain = BayesianHead(**options).fit(data_of_head, seed=0)
    point = posterior.point().predict(inputs).log_probs
    torch.testing.assert_close(point, head.point().predict(features).log_probs)
    assert (point - plain.point().predict(features).log_probs).abs().max() > 0.05
