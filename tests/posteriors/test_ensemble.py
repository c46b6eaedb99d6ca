import pytest
import torch

from lindley.contracts import ClassificationTask, Labels
from lindley.errors import InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.recipe import Recipe


def fit(members, seed=0):
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(30), (inputs[:, 0] > 0).long())
    learner = DeepEnsemble(moons_mlp, members, Recipe(steps=20))
    return learner.fit(MemoryPool(inputs), labels, task=ClassificationTask(("a", "b")), seed=seed), inputs


def test_members_are_independent_of_how_many_there_are():
    few, inputs = fit(2)
    many, _ = fit(4)
    few_log_probs = few.draw(2, seed=0).log_probs(inputs)
    many_log_probs = many.draw(4, seed=0).log_probs(inputs)
    torch.testing.assert_close(few_log_probs, many_log_probs[:, :2])


def test_fewer_draws_than_members_are_a_seeded_choice_of_them():
    posterior, inputs = fit(4)
    everyone = posterior.draw(4, seed=0).log_probs(inputs)
    some = posterior.draw(2, seed=5).log_probs(inputs)
    assert all(any(torch.equal(some[:, i], everyone[:, k]) for k in range(4)) for i in range(2))


def test_more_draws_than_members_are_refused():
    with pytest.raises(InputError, match="ensemble of 2"):
        fit(2)[0].draw(3, seed=0)


def test_an_ensemble_has_no_point_prediction():
    assert fit(2)[0].point() is None
