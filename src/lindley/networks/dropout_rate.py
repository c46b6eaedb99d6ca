"""The same network with another dropout rate."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from lindley.errors import InputError


def set_dropout_rate(network: Callable[[], nn.Module], rate: float) -> Callable[[], nn.Module]:
    """A factory of the same network in which every dropout module has this rate, from 0 to below 1.

    Raises InputError, when called, for a network without a dropout module: its rate would count for nothing.
    """

    def build() -> nn.Module:
        module = network()
        layers = [layer for layer in module.modules() if isinstance(layer, _DropoutNd)]
        if not layers:
            raise InputError(f"a dropout rate needs dropout modules; {type(module).__name__} has none")
        for layer in layers:
            layer.p = rate
        return module

    return build
