"""A check that a network with frozen masks is a function: no random number is drawn beside its known dropout.

What is drawn by torch.nn.functional.dropout, by stochastic depth or as noise within a forward cannot be frozen. Most of
it is silent in eval mode, where it would count as absent, so that training mode is looked at too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lindley.errors import InputError
from lindley.posteriors.dropout.sites import CurrentDraw
from lindley.posteriors.randomness import randomness_of
from lindley.training.network_calls import NetworkInputs, device_type, repeat_first_row
from lindley.training.network_copies import duplicate


def refuse_hidden_randomness(
    module: nn.Module, current: CurrentDraw, forward: Callable[[nn.Module, NetworkInputs], Any], inputs: NetworkInputs
) -> None:
    """Raise InputError where the module, its known dropout frozen, is still random: in eval or in training mode."""

    def in_eval() -> Any:
        current.begin(0)
        return forward(module, repeat_first_row(inputs, 2))

    def in_training() -> Any:
        # A fresh copy for each call, since layers such as spectral norm change with every pass.
        network, draw = _in_training(module, current)
        draw.begin(0)
        return forward(network, repeat_first_row(inputs, 2))

    for mode, call in (("eval", in_eval), ("training", in_training)):
        if found := randomness_of(call, device_type(inputs)):
            raise InputError(
                f"in {mode} mode this network {found} although its dropout layers are frozen: something like "
                "torch.nn.functional.dropout, stochastic depth or noise stands in its forward, so its draws would not "
                "be those it was trained with. Use nn.Dropout layers for all of its randomness "
                "(attn_implementation='eager' or 'sdpa' for a network of transformers), or, where it is silent in eval "
                "mode, posterior = 'ensemble'"
            )


def _in_training(module: nn.Module, current: CurrentDraw) -> tuple[nn.Module, CurrentDraw]:
    """A copy in training mode, with its frozen masks; layers that then count on a batch stay in eval mode."""
    copy_network, draw = duplicate(module, current)
    for layer in copy_network.train().modules():
        if isinstance(layer, _NormBase):
            layer.eval()
    return copy_network, draw
