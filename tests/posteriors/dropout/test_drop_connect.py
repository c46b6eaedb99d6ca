"""DropConnect: the definition, W times a mask, and its average."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from lindley.errors import InputError
from lindley.posteriors.dropout.masked_network import MaskedNetwork
from lindley.posteriors.dropout.masks import positional_mask
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior


def seeded(factory, *shape):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory().eval(), torch.randn(*shape)


def mask(shape, draw, name, probability=0.3):
    return positional_mask(probability, shape, draw=draw, site=name, call=0, seed=4) / (1 - probability)


def drawn(network, inputs, num_draws=3):
    with torch.no_grad():
        return MaskedNetwork(network, num_draws=num_draws, seed=4, dtype=torch.float32, drop_connect=0.3).logits(inputs)


def test_weights_of_dense_and_convolutional_layers_are_dropped_and_biases_are_not():
    network, inputs = seeded(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)
        ),
        5,
        2,
        4,
        4,
    )
    logits = drawn(network, inputs)
    conv, dense = network[0], network[3]
    for draw in range(3):
        around = functional.pad(inputs, (1, 1, 1, 1), mode="circular")
        values = functional.conv2d(around, conv.weight * mask((3, 2, 3, 3), draw, "0.weight"), conv.bias).relu()
        expected = functional.linear(values.flatten(1), dense.weight * mask((2, 48), draw, "3.weight"), dense.bias)
        torch.testing.assert_close(logits[:, draw], expected.detach())


class Twice(nn.Module):
    """One layer at two calls, and another layer with the same weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(self.first(x)).relu())


def test_a_weight_belongs_to_the_function_however_often_it_is_used():
    network, inputs = seeded(Twice, 5, 4)
    logits = drawn(network, inputs)
    for draw in range(3):
        weight = network.first.weight * mask((4, 4), draw, "first.weight")
        hidden = inputs
        for _ in range(2):
            hidden = functional.linear(hidden, weight, network.first.bias)
        expected = functional.linear(hidden.relu(), weight, network.second.bias)
        torch.testing.assert_close(logits[:, draw], expected.detach())


def test_the_average_weight_is_the_trained_weight():
    network, inputs = seeded(lambda: nn.Linear(6, 2), 5, 6)
    torch.testing.assert_close(drawn(network, inputs, 4000).mean(1), network(inputs).detach(), rtol=0, atol=0.05)


def test_dropout_layers_drop_beside_it():
    network, inputs = seeded(lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 2)), 5, 6)
    logits = drawn(network, inputs)
    for draw in range(3):
        units = positional_mask(0.5, (6,), draw=draw, site="0", call=0, seed=4) / 0.5
        expected = functional.linear(
            inputs * units, network[1].weight * mask((2, 6), draw, "1.weight"), network[1].bias
        )
        torch.testing.assert_close(logits[:, draw], expected.detach())


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_probabilities_out_of_range_are_refused(probability):
    with pytest.raises(InputError) as caught:
        MCDropoutPosterior(nn.Linear(2, 2), drop_connect=probability)
    assert (caught.value.argument, caught.value.got) == ("drop_connect", probability)


def test_a_network_without_such_weights_is_refused():
    with pytest.raises(InputError) as caught:
        MCDropoutPosterior(nn.Sequential(nn.Embedding(5, 2), nn.Flatten()), drop_connect=0.1)
    assert (caught.value.argument, caught.value.got) == ("drop_connect", 0.1)


def test_the_learner_hands_it_to_its_posterior():
    assert MCDropout(lambda: nn.Linear(2, 2)).drop_connect == 0
    posterior = MCDropoutPosterior(nn.Linear(2, 2), drop_connect=0.5)
    log_probs = posterior.draw(3, seed=0).predict(torch.ones(2, 2)).log_probs
    assert not torch.equal(log_probs[:, 0], log_probs[:, 1])
