"""Features of a network: what its last dense layer reads, dropout off."""

from __future__ import annotations

from torch import Tensor, nn

from lindley.contracts import Inputs
from lindley.errors import InputError
from lindley.posteriors.randomness import refuse_random_networks
from lindley.shapes import Features
from lindley.torch_state import isolated_torch_state
from lindley.training.memory_layout import match_memory_layout
from lindley.training.network_calls import forward, network_inputs, num_rows
from lindley.training.precision import autocast_to, compute_dtype


def network_features(module: nn.Module, inputs: Inputs, *, precision: str, device: str) -> Features:
    """Return what the dense layer that is called last reads, in eval mode.  n inputs -> [n, D] float32

    Args:
        module: The network; its layers' modes stay as they are.
        inputs: n inputs.
        precision: The precision in which the network computes.
        device: The device on which it computes.

    Raises:
        InputError: If the network calls no nn.Linear, or the last one reads more than one vector per input.
    """
    last_read: list[Tensor] = []

    def remember(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        last_read[:] = arguments[:1]

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(remember) for layer in layers]
    training = [layer for layer in module.modules() if layer.training]
    try:
        values = match_memory_layout(module.eval(), network_inputs(inputs, device))
        refuse_random_networks([module], values)
        with isolated_torch_state(device), autocast_to(compute_dtype(precision, device), device):
            forward(module, values)
    finally:
        for hook in hooks:
            hook.remove()
        for layer in training:
            layer.training = True
    if not last_read:
        raise InputError(
            f"features are what the last nn.Linear of a network reads; {type(module).__name__} calls none",
            argument="network",
        )
    if last_read[0].dim() != 2 or len(last_read[0]) != num_rows(values):
        shape = [*last_read[0].shape]
        raise InputError(
            f"features are what the last nn.Linear reads, [{num_rows(values)}, D], one vector per input; "
            f"this one reads {shape}",
            argument="network",
            got=shape,
        )
    return last_read[0].float()


def has_dense_layer(module: nn.Module) -> bool:
    """Return whether there is an nn.Linear that features can be read from."""
    return any(isinstance(layer, nn.Linear) for layer in module.modules())
