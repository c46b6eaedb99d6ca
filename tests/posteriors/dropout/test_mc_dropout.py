import pytest
import torch
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.networks.gal_cnn import gal_cnn
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.training.config import TrainingConfig


def posterior(network=gal_cnn):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MCDropoutPosterior(network().eval())


def test_two_seeds_give_other_draws_and_other_ids():
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    one, two = (posterior().draw(4, seed=seed) for seed in (1, 2))
    assert one.id != two.id
    assert not torch.equal(one.predict(inputs).log_probs, two.predict(inputs).log_probs)


def test_the_point_prediction_is_the_network_with_dropout_off():
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = gal_cnn().eval()
    point = MCDropoutPosterior(network).point().predict(inputs).log_probs
    assert point.shape == (3, 1, 10)
    torch.testing.assert_close(point[:, 0], network(inputs).log_softmax(-1).detach())


def test_the_average_over_many_draws_is_the_average_over_the_law_of_dropout():
    # One dense layer after dropout: the mean logit over masks is the logit without dropout (a closed form).
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 2))
    inputs = torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    draws = posterior(lambda: network).draw(4000, seed=0)
    logits = draws._network.logits(inputs)  # log-probabilities would be shifted by their own normaliser
    torch.testing.assert_close(logits.mean(1), network(inputs).detach(), rtol=0, atol=0.05)


class Wrapped(nn.Module):
    """A chain, by a forward of its own."""

    def __init__(self):
        super().__init__()
        self.inside = gal_cnn()

    def forward(self, x):
        return self.inside(x)


class Branching(Wrapped):
    def __init__(self):
        super().__init__()
        self.beside = nn.Linear(784, 10)

    def forward(self, x):
        return self.inside(x) + self.beside(x.flatten(1))


class DropsFirst(Branching):
    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        return super().forward(self.dropout(x))


@pytest.mark.parametrize(
    ("network", "path"), [(gal_cnn, "folded"), (Wrapped, "folded"), (Branching, "prefix"), (DropsFirst, "masked")]
)
def test_the_draws_say_which_path_they_took(network, path):
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    draws = posterior(network).draw(2, seed=0)
    draws.predict(inputs)
    assert draws.path == path


def test_a_chain_with_drop_connect_is_not_folded():
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    draws = MCDropoutPosterior(posterior()._module, drop_connect=0.2).draw(2, seed=0)
    draws.predict(inputs)
    assert draws.path == "masked"
    assert draws.id != posterior().draw(2, seed=0).id


def test_a_dense_layer_that_reads_sequences_is_computed_in_full():
    network = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(18, 2))
    inputs = torch.rand(5, 3, 4, generator=torch.Generator().manual_seed(0))
    draws = posterior(lambda: network).draw(3, seed=0)
    assert draws.predict(inputs).log_probs.shape == (5, 3, 2)
    assert draws.path == "prefix"


def test_the_callers_module_is_not_touched_by_points_and_features():
    network = gal_cnn().train()
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    of_it = MCDropoutPosterior(network)
    of_it.point().predict(inputs)
    of_it.features(inputs)
    assert all(layer.training for layer in network.modules())


def test_inputs_that_no_network_reads_are_refused():
    draws = posterior().draw(2, seed=0)
    for inputs, got in [
        (["text"], "list"),
        ({"x": torch.rand(3, 1, 28, 28)}, "x"),
        ({"x": torch.rand(3), "y": torch.rand(2)}, {"x": 3, "y": 2}),
    ]:
        with pytest.raises(InputError) as caught:
            draws.predict(inputs)
        assert (caught.value.argument, caught.value.got) == ("inputs", got)


def test_draws_work_in_inference_mode():
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    draws = posterior(Branching).draw(2, seed=0)
    expected = draws.predict(inputs).log_probs
    with torch.inference_mode():
        torch.testing.assert_close(draws.predict(inputs + 0).log_probs, expected)


def test_a_warm_start_goes_on_from_the_posterior_before():
    inputs = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(20), (inputs[:, 0] > 0).long())
    data = TrainingData(MemoryPool(inputs), labels, Classification(("no", "yes")))
    first = MCDropout(moons_mlp, TrainingConfig(steps=100, learning_rate=1e-2)).fit(data, seed=0)
    tiny = TrainingConfig(steps=1, learning_rate=1e-7, warm_start=True)
    again = MCDropout(moons_mlp, tiny).fit(data, previous=first, seed=1)
    alone = MCDropout(moons_mlp, tiny).fit(data, seed=1)
    point = first.point().predict(inputs).log_probs
    torch.testing.assert_close(again.point().predict(inputs).log_probs, point, atol=1e-4, rtol=0)
    assert (alone.point().predict(inputs).log_probs - point).abs().max() > 0.1


class Unused(nn.Module):
    """What its dropout layer gives goes nowhere."""

    def __init__(self):
        super().__init__()
        self.first, self.dropout, self.last = nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2)

    def forward(self, x):
        hidden = self.first(x).relu()
        self.dropout(hidden)
        return self.last(hidden)


def seldom(wrapped):
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(1e-9), nn.Linear(8, 2))
    return nn.Sequential(network, nn.Softsign()) if wrapped else network  # a chain of unknown layers does not fold


@pytest.mark.parametrize(
    ("network", "got"),
    [
        (Unused, "different masks"),
        (lambda: seldom(wrapped=False), "equal masks"),
        (lambda: seldom(wrapped=True), "equal masks"),
    ],
)
def test_draws_that_are_all_the_same_are_an_error(network, got):
    draws = posterior(network).draw(3, seed=0)
    inputs = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
    draws.predict(torch.zeros(2, 3))  # equal rows cannot show it
    with pytest.raises(InputError) as caught:
        draws.predict(inputs)
    assert (caught.value.argument, caught.value.got) == ("network", got)


def test_one_draw_is_never_said_to_be_the_same():
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    assert posterior(lambda: network).draw(1, seed=0).predict(torch.rand(4, 3)).log_probs.shape == (4, 1, 2)
