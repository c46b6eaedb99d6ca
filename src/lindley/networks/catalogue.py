"""The networks by name. Adding one is a file with a factory, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import nn

from lindley.errors import InputError
from lindley.networks.batchbald_cnn import batchbald_cnn
from lindley.networks.digits_mlp import digits_mlp
from lindley.networks.gal_cnn import gal_cnn
from lindley.networks.moons_mlp import moons_mlp


class NetworkFactory(Protocol):
    """Makes a freshly initialised network for inputs of one shape."""

    def __call__(self, *, input_shape: tuple[int, ...], num_classes: int) -> nn.Module: ...


NETWORKS: dict[str, NetworkFactory] = {
    "moons-mlp": moons_mlp,
    "digits-mlp": digits_mlp,
    "gal-cnn": gal_cnn,
    "batchbald-cnn": batchbald_cnn,
}
_INPUT_AXES = {"moons-mlp": 1, "digits-mlp": 1, "gal-cnn": 3, "batchbald-cnn": 3}


def build_network(name: str, *, input_shape: tuple[int, ...], num_classes: int) -> Callable[[], nn.Module]:
    """Return a network of the catalogue as a factory without arguments: each call initialises anew.

    Args:
        name: A name in NETWORKS.
        input_shape: The shape of one input.
        num_classes: C.

    Raises:
        InputError: If the name is unknown, or the network does not read inputs with so many axes.
    """
    if name not in NETWORKS:
        expected = f"one of {', '.join(NETWORKS)}, or your own 'module:factory'"
        raise InputError(argument="network", expected=expected, got=name)
    if len(input_shape) != _INPUT_AXES[name]:
        expected = f"of {_INPUT_AXES[name]} axes for {name}"
        raise InputError(argument="input_shape", expected=expected, got=[*input_shape])
    return partial(NETWORKS[name], input_shape=input_shape, num_classes=num_classes)
