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
    """A network of the catalogue as a factory without arguments: each call initialises anew."""
    if name not in NETWORKS:
        raise InputError(
            f"no network is called {name!r}; there are {', '.join(NETWORKS)}, or your own 'module:factory'"
        )
    if len(input_shape) != _INPUT_AXES[name]:
        raise InputError(f"{name} reads inputs with {_INPUT_AXES[name]} axes; these have the shape {[*input_shape]}")
    return partial(NETWORKS[name], input_shape=input_shape, num_classes=num_classes)
