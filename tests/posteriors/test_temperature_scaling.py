"""Temperatures chosen by labels that are left out of the fit in turn."""

import pytest
import torch
from torch import Tensor

from lindley.contracts import Classification, FeatureExtractor, Labels, TrainingData
from lindley.errors import InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.external_predictions import FunctionPosterior
from lindley.posteriors.scikit_learn.forest import Forest
from lindley.posteriors.storage import load_posterior, save_posterior
from lindley.posteriors.temperature_scaling import TemperatureScaled, scale_temperature
from lindley.training.config import TrainingConfig

TASK = Classification(("a", "b"))
INPUTS = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
LABELS = Labels(torch.arange(40), (INPUTS[:40, 0] > 0).long())


class Sure:
    """Says class 1 with odds exp(scale), whatever the labels: the truth is odds of 3 to 1."""

    def __init__(self, scale):
        self.scale = scale
        self.seen = []

    def fit(self, data, *, previous=None, seed):
        self.seen.append(set(data.labels.rows.tolist()))
        return FunctionPosterior(self._log_odds, 3, inputs="logits")

    def _log_odds(self, inputs: Tensor) -> Tensor:
        return torch.tensor([0.0, self.scale]).expand(len(inputs), 3, 2)


def test_the_temperature_is_the_one_that_makes_the_odds_true():
    """Σ log p is largest where scale / T = log 3: of the temperatures 1, 2, 4 and 8 at a scale of 4 log 3, at 4."""
    learner = Sure(4 * 1.0986123)
    labels = Labels(torch.arange(40), (torch.arange(40) % 4 > 0).long())
    chosen = TemperatureScaled(learner, (1.0, 2.0, 4.0, 8.0), folds=4, num_draws=3).fit(
        TrainingData(MemoryPool(INPUTS), labels, TASK), seed=0
    )
    assert chosen.temperature == 4.0
    assert chosen.setting == {"temperature": 4.0}
    by_hand = 30 * torch.tensor(0.75).log() + 10 * torch.tensor(0.25).log()
    assert chosen.scores[2] == pytest.approx(by_hand.item(), rel=1e-5)
    assert max(chosen.scores) == chosen.scores[2]


def test_every_label_is_left_out_once_and_the_fit_that_is_kept_sees_all():
    learner = Sure(1.0)
    TemperatureScaled(learner, (1.0, 2.0), folds=3, num_draws=3).fit(
        TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0
    )
    everything = set(range(40))
    assert learner.seen[0] == everything
    left_out = [everything - seen for seen in learner.seen[1:]]
    assert sorted(map(len, left_out)) == [13, 13, 14]
    assert set().union(*left_out) == everything


def test_folds_as_many_as_labels_leave_one_out():
    learner, few = Sure(1.0), Labels(LABELS.rows[:4], LABELS.values[:4])
    TemperatureScaled(learner, (1.0, 2.0), folds=100, num_draws=3).fit(
        TrainingData(MemoryPool(INPUTS), few, TASK), seed=0
    )
    assert [len(seen) for seen in learner.seen] == [4, 3, 3, 3, 3]


def test_one_temperature_costs_no_further_fit():
    learner = Sure(1.0)
    assert (
        TemperatureScaled(learner, (2.0,)).fit(TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0).temperature
        == 2.0
    )
    assert len(learner.seen) == 1


def test_draws_are_those_of_the_posterior_divided_by_the_temperature():
    learner = MCDropout(moons_mlp, TrainingConfig(steps=5))
    chosen = TemperatureScaled(learner, (0.5, 2.0), folds=2).fit(TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=3)
    plain = learner.fit(TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=3)
    for one, two in ((chosen.draw(4, seed=1), plain.draw(4, seed=1)), (chosen.point(), plain.point())):
        expected = (two.predict(INPUTS).log_probs / chosen.temperature).log_softmax(2)
        torch.testing.assert_close(one.predict(INPUTS).log_probs, expected)
        assert one.id == f"{two.id}-temperature-{chosen.temperature!r}"
    assert isinstance(chosen, FeatureExtractor)
    assert torch.equal(chosen.features(INPUTS), plain.features(INPUTS))
    assert chosen.draw(4, seed=1).path == plain.draw(4, seed=1).path


def test_a_posterior_without_features_stays_without():
    forest = Forest(4).fit(TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0)
    assert not isinstance(scale_temperature(forest, 2.0), FeatureExtractor)


def test_saved_and_loaded_it_has_its_temperature(tmp_path):
    before = scale_temperature(
        MCDropout(moons_mlp, TrainingConfig(steps=2)).fit(TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0), 1.5
    )
    save_posterior(before, tmp_path)
    one, two = (each.draw(4, seed=3) for each in (before, load_posterior(tmp_path, network=moons_mlp)))
    assert one.id == two.id
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)


@pytest.mark.parametrize(
    ("temperatures", "folds", "argument"), [((), 5, "temperatures"), ((0.0,), 5, "temperatures"), ((1.0,), 1, "folds")]
)
def test_wrong_arguments_are_refused_by_name(temperatures, folds, argument):
    with pytest.raises(InputError) as caught:
        TemperatureScaled(Sure(1.0), temperatures, folds=folds)
    assert caught.value.argument == argument


def test_a_single_label_is_refused():
    few = Labels(LABELS.rows[:1], LABELS.values[:1])
    with pytest.raises(InputError) as caught:
        TemperatureScaled(Sure(1.0), (1.0, 2.0)).fit(TrainingData(MemoryPool(INPUTS), few, TASK), seed=0)
    assert (caught.value.argument, caught.value.got) == ("labels", 1)
