"""Principal components, of known variances."""

import numpy as np

from lindley.features.components import principal_components, restore_components
from lindley.features.method import LearntState


def test_directions_are_those_of_the_largest_variance_and_uncorrelated():
    generator = np.random.default_rng(0)
    rotation = np.linalg.qr(generator.normal(size=(5, 5)))[0]
    hidden = generator.normal(size=(4000, 5)) * [5, 3, 1, 0.1, 0.01]
    features = (hidden @ rotation.T + 7).astype(np.float32)
    transform = restore_components(LearntState(principal_components(features, 2)), np.asarray)
    made = transform(features)
    assert np.allclose(np.cov(made.T), np.diag([25, 9]), atol=1.5)
    assert np.allclose(np.abs(np.corrcoef(made[:, 0], hidden[:, 0])[0, 1]), 1, atol=1e-2)
    assert np.allclose(made.mean(0), 0, atol=1e-3)


def test_all_components_keep_distances():
    features = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    made = restore_components(LearntState(principal_components(features, 100)), np.asarray)(features)
    assert made.shape == (9, 4)
    assert np.allclose(made @ made.T, (features - features.mean(0)) @ (features - features.mean(0)).T, atol=1e-4)


def test_even_components_are_those_of_scaled_features():
    generator = np.random.default_rng(0)
    features = (generator.normal(size=(500, 3)) * [1, 10, 100]).astype(np.float32)
    scaled = features / features.std(0)
    made = restore_components(LearntState(principal_components(features, 3, even=0.0)), np.asarray)(features)
    expected = scaled - scaled.mean(0)
    assert np.allclose(made @ made.T, expected @ expected.T, atol=1e-3)


def test_constant_features_have_components():
    assert np.isfinite(principal_components(np.ones((3, 2), np.float32), 2, even=1.0)["component_directions"]).all()
