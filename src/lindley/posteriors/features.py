"""Features of a network: what its last dense layer reads, dropout off."""

from __future__ import annotations

from torch import Tensor, nn

from lindley.contracts import Inputs
from lindley.errors import InputError
from lindley.modes import isolated_torch_state
from lindley.posteriors.randomness import refuse_random_networks
from lindley.shapes import Features
from lindley.training.memory_layout import as_its_weights
from lindley.training.network_calls import forward, network_inputs, num_rows
from lindley.training.precision import compute_dtype, computing_in


def network_features(module: nn.Module, inputs: Inputs, *, precision: str, device: str) -> Features:
    """Return what the dense layer that is called last reads, in eval mode.  n inputs -> [n, D] float32

    Raises InputError for a network that calls no nn.Linear, or one that reads more than one vector per input.
    """
    read: list[Tensor] = []

    def remember(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        read[:] = given[:1]

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(remember) for layer in layers]
    training = [layer for layer in module.modules() if layer.training]
    try:
        values = as_its_weights(module.eval(), network_inputs(inputs, device))
        refuse_random_networks([module], values)
        with isolated_torch_state(device), computing_in(compute_dtype(precision, device), device):
            forward(module, values)
    finally:
        for hook in hooks:
            hook.remove()
        for layer in training:
            layer.training = True
    if not read:
        raise InputError(f"features are what the last nn.Linear of a network reads; {type(module).__name__} calls none")
    if read[0].dim() != 2 or len(read[0]) != num_rows(values):
        raise InputError(
            f"features are what the last nn.Linear reads, [{num_rows(values)}, D], one vector per input; "
            f"this one reads {[*read[0].shape]}"
        )
    return read[0].float()


def has_dense_layer(module: nn.Module) -> bool:
    """Return whether there is an nn.Linear that features can be read from."""
    return any(isinstance(layer, nn.Linear) for layer in module.modules())
