import torch
from torch import nn

from lindley.contracts import ClassificationTask, Labels
from lindley.networks.gal_cnn import gal_cnn
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.posteriors.recipe import Recipe


def posterior(network=gal_cnn):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MCDropoutPosterior(network().eval())


def test_two_seeds_give_other_draws_and_other_ids():
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    one, two = (posterior().draw(4, seed=seed) for seed in (1, 2))
    assert one.id != two.id
    assert not torch.equal(one.log_probs(inputs), two.log_probs(inputs))


def test_the_point_prediction_is_the_network_with_dropout_off():
    inputs = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = gal_cnn().eval()
    point = MCDropoutPosterior(network).point().log_probs(inputs)
    assert point.shape == (3, 1, 10)
    torch.testing.assert_close(point[:, 0], network(inputs).log_softmax(-1).detach())


def test_the_average_over_many_draws_is_the_average_over_the_law_of_dropout():
    # One dense layer after dropout: the mean logit over masks is the logit without dropout (a closed form).
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 2))
    inputs = torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    draws = posterior(lambda: network).draw(4000, seed=0)
    logits = draws._network.logits(inputs)  # log-probabilities would be shifted by their own normaliser
    torch.testing.assert_close(logits.mean(1), network(inputs).detach(), rtol=0, atol=0.05)


def test_a_plain_sequence_takes_the_folded_path_and_anything_else_the_masked_one():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = gal_cnn()

        def forward(self, x):
            return self.inside(x)

    assert posterior().draw(2, seed=0).path == "folded"
    assert posterior(Wrapped).draw(2, seed=0).path == "masked"


def test_a_warm_start_goes_on_from_the_posterior_before():
    inputs = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    told = {"pool": MemoryPool(inputs), "labels": Labels(torch.arange(20), (inputs[:, 0] > 0).long())}
    task = ClassificationTask(("no", "yes"))
    first = MCDropout(moons_mlp, Recipe(steps=100, learning_rate=1e-2)).fit(**told, task=task, seed=0)
    tiny = Recipe(steps=1, learning_rate=1e-7, warm_start=True)
    again = MCDropout(moons_mlp, tiny).fit(**told, task=task, previous=first, seed=1)
    alone = MCDropout(moons_mlp, tiny).fit(**told, task=task, seed=1)
    point = first.point().log_probs(inputs)
    torch.testing.assert_close(again.point().log_probs(inputs), point, atol=1e-4, rtol=0)
    assert (alone.point().log_probs(inputs) - point).abs().max() > 0.1
