"""Features: what the last dense layer reads, dropout off."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.networks.gal_cnn import gal_cnn
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.features import has_dense_layer, network_features

INPUTS = torch.randn(9, 6, generator=torch.Generator().manual_seed(0))


def mlp():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3))


class Backwards(nn.Module):
    """Its layers stand in another order than they are called in."""

    def __init__(self):
        super().__init__()
        self.last, self.unused, self.first = nn.Linear(5, 3), nn.Linear(7, 7), nn.Linear(6, 5)

    def forward(self, x):
        return self.last(self.first(x).relu())


def features(module, inputs=INPUTS, precision="float32"):
    return network_features(module, inputs, precision=precision, device="cpu")


def test_they_are_the_activations_before_the_last_dense_layer_without_dropout():
    module = mlp()
    assert torch.equal(features(module), module[0](INPUTS).relu().detach())


def test_the_last_layer_is_the_one_called_last():
    module = Backwards()
    assert torch.equal(features(module), module.first(INPUTS).relu().detach())


def test_the_last_layer_turns_them_into_the_prediction():
    module = gal_cnn().eval()
    images = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(module[-1](features(module, images)), module(images), atol=1e-6)


def test_bfloat16_is_near_and_comes_as_float32():
    module = mlp()
    low = features(module, precision="bfloat16")
    assert low.dtype == torch.float32
    assert torch.allclose(low, features(module), atol=0.05)


def test_nothing_is_left_on_the_module_and_no_generator_moves():
    module, before = mlp(), torch.get_rng_state()
    first = features(module)
    assert not any(layer._forward_pre_hooks for layer in module.modules())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(features(module), first)
    with pytest.raises(RuntimeError):
        features(module, INPUTS[:, :2])
    assert not any(layer._forward_pre_hooks for layer in module.modules())


def test_networks_without_a_vector_per_input_are_refused():
    convolution = nn.Sequential(nn.Unflatten(1, (1, 1, 6)), nn.Conv2d(1, 3, (1, 6)), nn.Flatten())
    assert not has_dense_layer(convolution)
    with pytest.raises(InputError) as caught:
        features(convolution)
    assert caught.value.argument == "network"
    tokens = nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Linear(3, 3), nn.Flatten(), nn.AvgPool1d(2))
    with pytest.raises(InputError) as caught:
        features(tokens)
    assert (caught.value.argument, caught.value.got) == ("network", [9, 2, 3])


def test_mc_dropout_has_those_of_its_network():
    module = mlp()
    assert torch.equal(MCDropoutPosterior(module).features(INPUTS), features(module))


def test_an_ensemble_has_those_of_its_members_side_by_side():
    members = [mlp(), mlp()]
    expected = torch.cat([features(member) for member in members], dim=1)
    assert torch.equal(EnsemblePosterior(members).features(INPUTS), expected)
