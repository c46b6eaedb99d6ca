"""A check that a network with frozen masks is a function: it draws no random number beside its known dropout.

Randomness of torch.nn.functional.dropout, stochastic depth or noise within a forward cannot be frozen. Most of it is
silent in eval mode, where it would count as absent, so that training mode is checked too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lindley.errors import InputError
from lindley.posteriors.dropout.sites import CurrentDraw
from lindley.posteriors.randomness import find_randomness
from lindley.training.network_calls import NetworkInputs, device_type, repeat_first_row
from lindley.training.network_copies import deep_copy


def refuse_hidden_randomness(
    module: nn.Module, current: CurrentDraw, forward: Callable[[nn.Module, NetworkInputs], Any], inputs: NetworkInputs
) -> None:
    """Raise InputError where the module is still random in eval or in training mode, its known dropout frozen.

    Args:
        module: The module with frozen layers, in eval mode.
        current: The current draw of its sites.
        forward: Calls a module on inputs.
        inputs: The inputs, of which the first is used.
    """

    def run_eval() -> Any:
        current.start_pass(0)
        return forward(module, repeat_first_row(inputs, 2))

    def run_training() -> Any:
        # A fresh copy for each call, since layers such as spectral norm change with every pass.
        network, draw = _copy_in_training_mode(module, current)
        draw.start_pass(0)
        return forward(network, repeat_first_row(inputs, 2))

    for mode, run in (("eval", run_eval), ("training", run_training)):
        if found := find_randomness(run, device_type(inputs)):
            raise InputError(
                f"in {mode} mode this network {found} although its dropout layers are frozen: something like "
                "torch.nn.functional.dropout, stochastic depth or noise stands in its forward, so its draws would not "
                "be those it was trained with. Use nn.Dropout layers for all of its randomness "
                "(attn_implementation='eager' or 'sdpa' for a network of transformers), or, where it is silent in eval "
                "mode, posterior = 'ensemble'",
                argument="network",
                got=f"{found} in {mode} mode",
            )


def _copy_in_training_mode(module: nn.Module, current: CurrentDraw) -> tuple[nn.Module, CurrentDraw]:
    """Return a copy in training mode, with its frozen masks; layers of batch statistics stay in eval mode."""
    copy_network, draw = deep_copy(module, current)
    for layer in copy_network.train().modules():
        if isinstance(layer, _NormBase):
            layer.eval()
    return copy_network, draw
