"""A model that is cheap and has draws that disagree, and a pool to run it on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
import torch

from lindley.acquisition.catalogue import acquisition_named
from lindley.contracts import Categorical, Classification
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.session.rounds import RoundSettings
from lindley.session.schedule import LabelSchedule
from lindley.session.trial import TrialSetup

NUM_CLASSES = 3


@dataclass
class NoisyMeans:
    """Draws: the logits of row x under draw k are minus the squared distances to the class means of draw k."""

    means: torch.Tensor  # [K, C, D]
    id: str = "noisy-means"
    batch_sizes: list[int] = field(default_factory=list)
    """The number of rows of every call."""

    @property
    def num_draws(self) -> int:
        return len(self.means)

    def predict(self, inputs):
        self.batch_sizes.append(len(inputs))
        return Categorical((-(inputs[:, None, None, :] - self.means).square().sum(-1)).log_softmax(-1))


@dataclass
class NoisyMeansPosterior:
    means: torch.Tensor  # [C, D]

    def draw(self, num_draws, *, seed):
        noise = torch.randn(num_draws, *self.means.shape, generator=torch_generator(seed, "noise"))
        return NoisyMeans(self.means + 0.3 * noise)

    def point(self):
        return NoisyMeans(self.means[None])


class NoisyMeansLearner:
    """Class means of the labelled rows; the seed moves them a little, as a seed of training does."""

    def fit(self, data, *, previous=None, seed):
        labels = data.labels
        inputs = data.pool.read(labels.rows)
        means = torch.zeros(data.num_classes, inputs.shape[1])
        for each in labels.values.unique().tolist():
            means[each] = inputs[labels.values == each].mean(0)
        return NoisyMeansPosterior(means + 0.01 * torch.randn(means.shape, generator=torch_generator(seed)))


@pytest.fixture
def draws():
    return NoisyMeans(torch.randn(5, NUM_CLASSES, 4, generator=torch_generator(0)))


@pytest.fixture
def learner():
    return NoisyMeansLearner()


@pytest.fixture
def inputs():
    return torch.randn(60, 4, generator=torch_generator(1))


@pytest.fixture
def pool(inputs):
    return MemoryPool(inputs)


@pytest.fixture
def classes():
    return torch.arange(60) % NUM_CLASSES


@pytest.fixture
def settings(learner):
    task = Classification(("a", "b", "c"))
    return RoundSettings(learner, acquisition_named("bald"), task, seed=3, num_draws=6)


@pytest.fixture
def setup(settings, pool, classes):
    """A trial of 4 rounds: 6, 10, 14 and 16 labels."""
    manifest = {
        "format": 1,
        "key": "a" * 64,
        "versions": {"torch": "2.0", "numpy": "2.0"},
        "device": "cpu",
        "threads": 1,
        "platform": "Linux x86_64 AVX2",
        "data_hashes": {"inputs": "f" * 64},
    }
    schedule = LabelSchedule(initial_labels=6, initial="balanced", batch_size=4, max_labels=16)
    return TrialSetup(settings, schedule, pool, classes, manifest)


@pytest.fixture
def until(setup):
    """The same trial up to another number of labels."""
    return lambda max_labels: replace(setup, schedule=replace(setup.schedule, max_labels=max_labels))
