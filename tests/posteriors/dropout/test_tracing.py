"""Which forwards are chains, and that the chain is the forward."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from lindley.errors import InputError
from lindley.posteriors.dropout.folded_network import FoldedNetwork
from lindley.posteriors.dropout.masks import dropout_masks, mask_shape
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
from lindley.posteriors.dropout.tracing import trace_layers

NUM_DRAWS, SEED = 3, 5


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
        self.dropout2d, self.dropout = nn.Dropout2d(0.3), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(24, 10), nn.Linear(10, 3)


class Usual(Parts):
    """As in many tutorials."""

    def forward(self, x):
        x = functional.relu(functional.max_pool2d(self.conv1(x), 2))
        x = functional.relu(functional.max_pool2d(self.dropout2d(self.conv2(x)), kernel_size=2))
        x = x.view(-1, 24)
        x = self.dropout(functional.relu(self.fc1(x)))
        return functional.log_softmax(self.fc2(x), dim=1)


class Methods(Parts):
    def forward(self, x):
        x = functional.max_pool2d(self.conv1(x).relu(), (2, 2), 2, 0)
        x = functional.avg_pool2d(torch.relu(self.conv2(x)), 2)
        x = self.dropout(x.reshape(x.size(0), -1))
        return self.fc2(self.dropout(functional.leaky_relu(self.fc1(x), 0.2)))


class Shapes(Parts):
    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv1(x), inplace=True), 2, ceil_mode=True)
        x = functional.max_pool2d(functional.gelu(self.conv2(x), approximate="tanh"), 2, stride=2)
        x = x.view(x.shape[0], 24)
        return self.fc2(self.dropout(torch.nn.functional.elu(self.fc1(x), alpha=0.5).relu()))


class Nested(Parts):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(self.conv1, nn.ReLU(), nn.MaxPool2d(2), self.conv2, nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x):
        return self.fc2(self.dropout(self.fc1(torch.flatten(self.body(x), start_dim=1)).relu()))


def network_and_inputs(factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory().eval(), torch.rand(7, 1, 14, 14)


class FixedMasks(nn.Module):
    """A dropout layer's place in one draw: call i multiplies by mask i of those given."""

    def __init__(self, masks):
        super().__init__()
        self.masks = list(masks)

    def forward(self, x):
        return x * self.masks.pop(0)


def by_the_forward(network, layers, inputs):
    """Each draw by the network's own forward, with the masks that the folded path has in place of its dropout."""
    outputs, shapes, values = [], [], inputs[:1]
    for layer in layers:
        shapes.append(tuple(values.shape[1:]))
        values = layer(values)
    for draw in range(NUM_DRAWS):
        masks = {"dropout": [], "dropout2d": []}
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.Dropout | nn.Dropout2d):
                shape = mask_shape(layer, shapes[index], str(index))
                mask = dropout_masks(layer.p, shape, num_draws=NUM_DRAWS, site=str(index), seed=SEED)[draw]
                masks["dropout" if isinstance(layer, nn.Dropout) else "dropout2d"].append(mask)
        dropouts = network.dropout, network.dropout2d
        network.dropout, network.dropout2d = FixedMasks(masks["dropout"]), FixedMasks(masks["dropout2d"])
        outputs.append(network(inputs))
        network.dropout, network.dropout2d = dropouts
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("factory", [Usual, Methods, Shapes, Nested])
def test_a_chain_folds_to_what_its_forward_computes(factory):
    network, inputs = network_and_inputs(factory)
    layers = trace_layers(network)
    folded = FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32)
    with torch.no_grad():
        expected = by_the_forward(network, layers, inputs).log_softmax(-1)
        torch.testing.assert_close(folded.logits(inputs).log_softmax(-1), expected, rtol=1e-4, atol=1e-5)
    assert MCDropoutPosterior(network).draw(2, seed=0).path == "folded"


@pytest.mark.parametrize("factory", [Usual, Methods, Shapes, Nested])
def test_a_chain_is_the_network_with_dropout_off(factory):
    network, inputs = network_and_inputs(factory)
    with torch.no_grad():
        expected = network(inputs).log_softmax(-1)
        torch.testing.assert_close(nn.Sequential(*trace_layers(network))(inputs).log_softmax(-1), expected)


class Skips(Parts):
    def forward(self, x):
        x = functional.max_pool2d(self.conv2(functional.max_pool2d(self.conv1(x), 2)), 2).flatten(1)
        hidden = self.fc1(x)
        return self.fc2(self.dropout(hidden).relu() + hidden)


class Branches(Usual):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else super().forward(-x)


class OnlyInTraining(Usual):
    def forward(self, x):
        return super().forward(x + torch.randn_like(x) if self.training else x)


class FunctionalDropout(Usual):
    def forward(self, x):
        return super().forward(functional.dropout(x, 0.5, training=self.training))


class MixesRows(Parts):
    """Views two inputs as one row of as many features: no chain over rows."""

    def forward(self, x):
        x = functional.max_pool2d(self.conv2(functional.max_pool2d(self.conv1(x), 2)), 2)
        return self.fc2(self.dropout(self.fc1(x.view(-1, 12).repeat_interleave(2, 1))))


class ViewOfAnotherWidth(Parts):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(24, 10)

    def forward(self, x):
        x = functional.max_pool2d(self.conv2(functional.max_pool2d(self.conv1(x), 2)), 2)
        return self.fc2(self.dropout(self.fc1(x.view(-1, 48))))


class Batchwise(Parts):
    def forward(self, x):
        x = functional.max_pool2d(self.conv2(functional.max_pool2d(self.conv1(x), 2)), 2)
        return self.fc2(self.dropout(self.fc1(x.view(x.size(1) * 4, -1))))


class SoftmaxWithin(Usual):
    def forward(self, x):
        return functional.log_softmax(super().forward(x), dim=0).relu()


class TwoInputs(Usual):
    def forward(self, x, y=None):
        return super().forward(x)


@pytest.mark.parametrize(
    "factory",
    [
        Skips,
        Branches,
        OnlyInTraining,
        FunctionalDropout,
        MixesRows,
        ViewOfAnotherWidth,
        Batchwise,
        SoftmaxWithin,
        TwoInputs,
    ],
)
def test_forwards_that_are_no_plain_chain_are_not_traced(factory):
    assert trace_layers(network_and_inputs(factory)[0]) is None


def test_hooks_anywhere_are_left_to_the_full_forward():
    network, _ = network_and_inputs(Usual)
    network.register_forward_hook(lambda module, inputs, output: 2 * output)
    assert trace_layers(network) is None


def test_the_module_is_not_changed_by_tracing():
    network, _ = network_and_inputs(Usual)
    before = {name: id(layer) for name, layer in network.named_modules()}
    trace_layers(network.train())
    assert network.training
    assert {name: id(layer) for name, layer in network.named_modules()} == before


class StochasticDepth(Parts):
    """A chain in most passes: the branch is drawn in the forward, so that a trace may not see it."""

    def __init__(self, draw, modes):
        super().__init__()
        self.draw, self.modes = draw, modes

    def forward(self, x):
        x = functional.max_pool2d(self.conv1(x).relu(), 2)
        x = torch.flatten(functional.max_pool2d(self.conv2(x).relu(), 2), 1)
        x = self.dropout(self.fc1(x).relu())
        if self.training in self.modes and self.draw() < 0.1:
            x = 0 * x
        return self.fc2(x)


def of_torch():
    return float(torch.rand(()))


def of_numpy():
    return float(np.random.rand())  # noqa: NPY002


@pytest.mark.parametrize("modes", [(True,), (False,), (True, False)])
@pytest.mark.parametrize("draw", [of_torch, of_numpy])
def test_a_chain_that_draws_what_it_calls_is_refused_whatever_the_seed(draw, modes):
    network, inputs = network_and_inputs(lambda: StochasticDepth(draw, modes))
    before = torch.get_rng_state()
    for _ in range(3):
        assert trace_layers(network) is None
        with pytest.raises(InputError) as caught:
            MCDropoutPosterior(network).draw(2, seed=0).predict(inputs)
        assert caught.value.argument == "network"
        assert "draws random numbers" in caught.value.got
    assert torch.equal(torch.get_rng_state(), before)
