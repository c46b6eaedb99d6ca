"""What another model learns from the same labels: its own metrics, its own seeds, and only when it is asked for."""

import math
from dataclasses import dataclass, field, replace

import pytest
import torch
from round_fakes import Given, Slopes, Table, view_of

from lindley.contracts import Labels
from lindley.measures import scores
from lindley.noise import torch_generator
from lindley.posteriors.catalogue import WITHOUT_NETWORK, build_learner
from lindley.study.observers.transfer import observe_transfer
from lindley.training.config import TrainingConfig

POOL = torch.randn(60, 2, generator=torch_generator(0))
TEST = torch.randn(900, 2, generator=torch_generator(1))
CLASSES, TEST_CLASSES = (POOL[:, 0] > 0).long(), (TEST[:, 0] > 0).long()
ROWS = torch.arange(30)


def view(rows=ROWS, classes=CLASSES, **changes):
    return replace(view_of(Slopes(torch.zeros(2, 2)), Labels(rows, classes[rows]), inputs=POOL), **changes)


@dataclass
class Noting:
    """A learner that notes what it is given, and whose draws are a table by test row."""

    table: torch.Tensor
    fits: list = field(default_factory=list)

    def fit(self, data, *, previous=None, seed):
        self.fits.append((data.labels, seed))
        return Given(Table(self.table))


def transfer(*learners, inputs=TEST, classes=TEST_CLASSES, labels=(), num_draws=5):
    named = {f"other-{place}": learner for place, learner in enumerate(learners)}
    return observe_transfer(named, inputs, classes, num_classes=2, num_draws=num_draws, labels=labels)


def test_the_metrics_are_those_of_the_average_over_the_other_models_draws():
    table = torch.randn(900, 3, 2, generator=torch_generator(2)).log_softmax(2)
    seen = transfer(Noting(table), inputs=torch.arange(900.0)[:, None])(view()).metrics["transfer"]["other-0"]
    mean = table.double().exp().mean(1).log()
    assert seen["accuracy"] == scores.accuracy(mean, TEST_CLASSES)
    assert seen["nll"] == pytest.approx(scores.nll(mean, TEST_CLASSES), rel=1e-12)


def test_every_model_and_round_has_a_seed_of_its_own():
    learners = [Noting(torch.zeros(900, 1, 2).log_softmax(2)) for _ in range(2)]
    observe = transfer(*learners, inputs=torch.arange(900.0)[:, None])
    for index in (0, 1, 1):
        observe(view(index=index))
    seeds = [seed for learner in learners for _, seed in learner.fits]
    assert len(set(seeds)) == 4
    assert seeds[1] == seeds[2]


def test_it_is_measured_at_the_stated_numbers_of_labels_only():
    learner = Noting(torch.zeros(900, 1, 2).log_softmax(2))
    observe = transfer(learner, inputs=torch.arange(900.0)[:, None], labels=[20])
    assert observe(view()).metrics == {}
    assert learner.fits == []
    assert set(observe(view(ROWS[:20])).metrics) == {"transfer"}


@pytest.mark.parametrize("name", WITHOUT_NETWORK)
def test_models_of_the_catalogue_learn_what_can_be_learnt_and_the_same_twice(name):
    learner = build_learner(name, None, TrainingConfig(), members=20)
    first, again = (transfer(learner, num_draws=20)(view()).metrics["transfer"]["other-0"] for _ in range(2))
    assert first == again
    assert first["accuracy"] > 0.85  # the classes are halves of the plane; at random it is 0.5
    assert math.isfinite(first["nll"])


@pytest.mark.parametrize("name", WITHOUT_NETWORK)
def test_a_class_without_a_label_leaves_the_nll_finite(name):
    learner = build_learner(name, None, TrainingConfig(), members=20)
    rows = ROWS[CLASSES[ROWS] == 1]
    assert math.isfinite(transfer(learner, num_draws=20)(view(rows)).metrics["transfer"]["other-0"]["nll"])
