import pytest
import torch

from lindley.errors import InputError
from lindley.networks.catalogue import NETWORKS, build_network

SHAPES = {"moons-mlp": (2,), "digits-mlp": (64,), "gal-cnn": (1, 28, 28), "batchbald-cnn": (1, 28, 28)}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_one_logit_a_class(name):
    network = build_network(name, input_shape=SHAPES[name], num_classes=7)()
    assert network(torch.rand(3, *SHAPES[name])).shape == (3, 7)


@pytest.mark.parametrize(
    # Layer by layer from the papers: weights and biases of each.
    ("name", "parameters"),
    [
        ("moons-mlp", (2 * 50 + 50) + (50 * 50 + 50) + (50 * 2 + 2)),
        ("gal-cnn", (32 * 16 + 32) + (32 * 32 * 16 + 32) + (32 * 11 * 11 * 128 + 128) + (128 * 10 + 10)),
        ("batchbald-cnn", (32 * 25 + 32) + (64 * 32 * 25 + 64) + (64 * 4 * 4 * 128 + 128) + (128 * 10 + 10)),
    ],
)
def test_networks_have_the_published_number_of_parameters(name, parameters):
    classes = 2 if name == "moons-mlp" else 10
    network = build_network(name, input_shape=SHAPES[name], num_classes=classes)()
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError) as caught:
        build_network("gal_cnn", input_shape=(1, 28, 28), num_classes=10)
    assert (caught.value.argument, caught.value.got) == ("network", "gal_cnn")
    assert all(name in caught.value.expected for name in NETWORKS)


def test_inputs_with_other_axes_are_refused():
    with pytest.raises(InputError) as caught:
        build_network("gal-cnn", input_shape=(64,), num_classes=10)
    assert (caught.value.argument, caught.value.got) == ("input_shape", [64])
