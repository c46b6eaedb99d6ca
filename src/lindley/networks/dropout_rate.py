"""A network with another dropout rate."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from lindley.errors import InputError


def set_dropout_rate(network: Callable[[], nn.Module], rate: float) -> Callable[[], nn.Module]:
    """Return a factory of the same network in which every dropout module has this rate, from 0 to below 1.

    The factory raises InputError for a network without a dropout module: the rate would have no effect.
    """

    def build() -> nn.Module:
        module = network()
        layers = [layer for layer in module.modules() if isinstance(layer, _DropoutNd)]
        if not layers:
            raise InputError(
                "Leave the dropout rate out, or add dropout modules.",
                argument="network",
                expected="one with dropout modules",
                got=type(module).__name__,
            )
        for layer in layers:
            layer.p = rate
        return module

    return build
