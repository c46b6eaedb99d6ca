import pytest
import torch
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import FitError, InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.ensemble import DeepEnsemble, EnsemblePosterior
from lindley.training.config import TrainingConfig


def fit(members, seed=0):
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(30), (inputs[:, 0] > 0).long())
    learner = DeepEnsemble(moons_mlp, members, TrainingConfig(steps=20))
    return learner.fit(TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=seed), inputs


def test_members_are_independent_of_how_many_there_are():
    few, inputs = fit(2)
    many, _ = fit(4)
    few_log_probs = few.draw(2, seed=0).predict(inputs).log_probs
    many_log_probs = many.draw(4, seed=0).predict(inputs).log_probs
    torch.testing.assert_close(few_log_probs, many_log_probs[:, :2])


def test_fewer_draws_than_members_are_a_seeded_choice_of_them():
    posterior, inputs = fit(4)
    everyone = posterior.draw(4, seed=0).predict(inputs).log_probs
    some = posterior.draw(2, seed=5).predict(inputs).log_probs
    assert all(any(torch.equal(some[:, i], everyone[:, k]) for k in range(4)) for i in range(2))


def test_more_draws_than_members_are_refused():
    with pytest.raises(InputError) as caught:
        fit(2)[0].draw(3, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_draws", 3)


def test_an_ensemble_has_no_point_prediction():
    assert fit(2)[0].point() is None


def test_members_are_copies_and_the_callers_stay_as_they_are():
    modules = [moons_mlp().train() for _ in range(2)]
    draws = EnsemblePosterior(modules).draw(2, seed=0)
    inputs = torch.randn(5, 2)
    before = draws.predict(inputs).log_probs
    assert all(layer.training for module in modules for layer in module.modules())
    with torch.no_grad():
        modules[0][0].weight.zero_()
    assert torch.equal(draws.predict(inputs).log_probs, before)


class AlwaysDrops(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(nn.functional.dropout(x))  # training=True, whatever the module's mode


def test_a_member_that_drops_in_eval_mode_too_is_refused():
    posterior = EnsemblePosterior([AlwaysDrops(), AlwaysDrops()])
    with pytest.raises(InputError) as caught:
        posterior.draw(2, seed=0).predict(torch.randn(3, 2))
    assert (caught.value.argument, caught.value.got) == ("network", "gives other outputs each time")
    with pytest.raises(InputError) as caught:
        posterior.features(torch.randn(3, 2))
    assert (caught.value.argument, caught.value.got) == ("network", "gives other outputs each time")


@pytest.mark.parametrize("network", [moons_mlp, lambda: nn.Linear(2, 2)])
@pytest.mark.parametrize(("given", "patience"), [(True, 0), (False, 3)])
def test_validation_labels_and_patience_go_together(network, given, patience):
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(20), (inputs[:20, 0] > 0).long())
    learner = DeepEnsemble(network, 2, TrainingConfig(steps=2, patience=patience))
    with pytest.raises(InputError) as caught:
        learner.fit(
            TrainingData(
                MemoryPool(inputs),
                labels,
                Classification(("a", "b")),
                validation=Labels(torch.arange(20, 30), (inputs[20:, 0] > 0).long()) if given else None,
            ),
            seed=0,
        )
    assert (caught.value.argument, caught.value.got) == ("validation", 10 if given else "none")


def test_a_member_that_diverges_is_named():
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(30), (inputs[:, 0] > 0).long())
    learner = DeepEnsemble(moons_mlp, 2, TrainingConfig(steps=20, learning_rate=1e30))
    with pytest.raises(FitError) as caught:
        learner.fit(TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=0)
    assert (caught.value.member, caught.value.step) == (0, 2)


class DrawsInVain(AlwaysDrops):
    def forward(self, x):
        number = torch.rand([])  # used in training only, as by a layer that drops whole blocks
        return self.layer(x * (number < 0.5) if self.training else x)


def test_a_member_that_draws_and_uses_it_in_training_only_is_a_function():
    inputs = torch.randn(3, 2)
    draws = EnsemblePosterior([DrawsInVain(), DrawsInVain()]).draw(2, seed=0)
    assert torch.equal(draws.predict(inputs).log_probs, draws.predict(inputs).log_probs)


def test_auto_is_resolved_before_it_is_stored():
    stored = EnsemblePosterior([moons_mlp()], precision="auto").state_dict()[1]
    assert stored["precision"] in ("float32", "bfloat16")
