"""What every learner promises: draws are functions, frozen, normalised, reproducible; nothing global changes."""

import pickle

import pytest
import torch
from torch import nn

from lindley.contracts import ClassificationTask, Labels
from lindley.errors import InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import POSTERIORS, build_learner
from lindley.posteriors.recipe import Recipe

NUM_DRAWS = 5


class Branching(nn.Module):
    """A network that is no plain sequence, so that the general path is held to the same laws."""

    def __init__(self):
        super().__init__()
        self.first, self.dropout, self.last = nn.Linear(2, 30), nn.Dropout(0.3), nn.Linear(32, 2)

    def forward(self, x):
        return self.last(torch.cat([x, self.dropout(self.first(x).relu())], dim=1))


NETWORKS = {"sequence": moons_mlp, "branching": Branching}


def pool_and_labels():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, 2, generator=generator)
    return MemoryPool(inputs), Labels(torch.arange(20), (inputs[:20, 0] > 0).long()), inputs


@pytest.fixture(params=[(p, n) for p in POSTERIORS for n in NETWORKS], ids=lambda param: "-".join(param))
def fit(request):
    posterior, network = request.param

    def run(seed=0):
        learner = build_learner(posterior, NETWORKS[network], Recipe(steps=40, learning_rate=1e-2), members=NUM_DRAWS)
        pool, labels, _ = pool_and_labels()
        return learner.fit(pool, labels, task=ClassificationTask(("a", "b")), seed=seed)

    return run


def test_predictions_are_normalised_log_probabilities_in_float32(fit):
    log_probs = fit().draw(NUM_DRAWS, seed=1).log_probs(pool_and_labels()[2])
    assert log_probs.shape == (60, NUM_DRAWS, 2)
    assert log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(60, NUM_DRAWS))


def test_a_draw_is_the_same_function_in_any_order_chunk_and_call(fit):
    draws, inputs = fit().draw(NUM_DRAWS, seed=1), pool_and_labels()[2]
    whole = draws.log_probs(inputs)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(draws.log_probs(inputs[order]), whole[order])
    torch.testing.assert_close(torch.cat([draws.log_probs(part) for part in inputs.split(17)]), whole)
    assert torch.equal(draws.log_probs(inputs), whole)


def test_pickled_draws_are_the_same_functions(fit):
    draws, inputs = fit().draw(NUM_DRAWS, seed=1), pool_and_labels()[2]
    again = pickle.loads(pickle.dumps(draws))
    assert again.id == draws.id
    assert torch.equal(again.log_probs(inputs), draws.log_probs(inputs))


def test_draws_differ_from_each_other(fit):
    log_probs = fit().draw(NUM_DRAWS, seed=1).log_probs(pool_and_labels()[2])
    for draw in range(1, NUM_DRAWS):
        assert not torch.equal(log_probs[:, 0], log_probs[:, draw])


def test_fitting_and_drawing_again_with_the_same_seeds_gives_the_same_numbers(fit):
    inputs = pool_and_labels()[2]
    first, second = (fit(3).draw(NUM_DRAWS, seed=1) for _ in range(2))
    assert first.id == second.id
    assert torch.equal(first.log_probs(inputs), second.log_probs(inputs))


def test_another_fit_has_another_id(fit):
    assert fit(3).draw(NUM_DRAWS, seed=1).id != fit(4).draw(NUM_DRAWS, seed=1).id


def test_extreme_inputs_give_no_nan(fit):
    log_probs = fit().draw(NUM_DRAWS, seed=1).log_probs(torch.tensor([[1e6, -1e6], [0.0, 0.0]]))
    assert not log_probs.isnan().any()


def test_no_global_state_changes(fit):
    before, inputs = torch.random.get_rng_state(), pool_and_labels()[2]
    fit().draw(NUM_DRAWS, seed=1).log_probs(inputs)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.is_grad_enabled()


def test_too_few_draws_are_refused(fit):
    with pytest.raises(InputError, match="draws"):
        fit().draw(0, seed=0)


def test_validation_labels_are_refused_rather_than_ignored():
    pool, labels, _ = pool_and_labels()
    for posterior in POSTERIORS:
        learner = build_learner(posterior, moons_mlp, Recipe(steps=1))
        with pytest.raises(InputError, match="validation"):
            learner.fit(pool, labels, task=ClassificationTask(("a", "b")), validation=labels, seed=0)
