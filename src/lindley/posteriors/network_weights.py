"""A network's weights as named tensors, and back into a network: no pickle, the same bits and memory layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.posteriors.state_checks import check_settings, is_text_list
from lindley.training.network_factory import make_network_for_loading


def network_state(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return copies of weights and buffers by name, contiguous on the CPU, and which of them lie channels-last."""
    tensors = {}
    channels_last = []
    for name, value in module.state_dict(keep_vars=True).items():
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise InputError(
                f"{name!r} of this network's state is a {kind}; only tensors are stored. "
                "Keep it as a buffer, or leave it to the function that makes the network",
                argument=name,
                got=kind,
            )
        if value.dim() == 4 and value.stride() == _channels_last_strides(value):
            channels_last.append(name)
        _refuse_not_finite(name, value)
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    return tensors, {"channels_last": channels_last}


def load_network(
    tensors: Mapping[str, Tensor], layout: Mapping[str, Any], network: Callable[[], nn.Module] | None
) -> nn.Module:
    """Return a network with stored weights, in eval mode. Global generators are left as they were.

    Args:
        tensors: The weights and buffers by name.
        layout: Which of them lie channels-last, as `network_state` gives it.
        network: Makes a network of the same layers, with any weights.

    Raises:
        InputError: If there is no `network`, if names, shapes or types are not those of the tensors, and if weights
            are not finite.
    """
    if network is None:
        raise InputError(
            "weights alone do not say what network they are of: give network=, a function that makes it, "
            "as the learner had",
            argument="network",
            got=None,
        )
    module = make_network_for_loading(network)
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise InputError(f"these weights are not of the network that was given: {error}", argument="network") from error
    state = module.state_dict(keep_vars=True)
    for name, value in state.items():
        if value.dtype != tensors[name].dtype:
            raise InputError(
                f"the weights {name!r} are {tensors[name].dtype}; the network that was given has {value.dtype}",
                argument=name,
                got=tensors[name].dtype,
            )
        if value.shape != tensors[name].shape:  # torch makes a number of a single one
            raise InputError(
                f"the weights {name!r} must be {[*value.shape]}; got {[*tensors[name].shape]}",
                argument=name,
                got=[*tensors[name].shape],
            )
        _refuse_not_finite(name, value)
    check_settings(layout, {"channels_last": lambda names: is_text_list(names) and set(names) <= state.keys()})
    for name in layout["channels_last"]:  # sums in another order would differ in the last bits
        state[name].data = state[name].data.to(memory_format=torch.channels_last)
    return module.eval()


def _refuse_not_finite(name: str, value: Tensor) -> None:
    """Raise InputError for weights that are not finite, and for buffers with NaN; infinities are masks there."""
    if bool(value.isnan().any()) or (isinstance(value, nn.Parameter) and not bool(value.isfinite().all())):
        raise InputError(f"the weights {name!r} are not finite; no such network is saved or loaded", argument=name)


def _channels_last_strides(value: Tensor) -> tuple[int, ...]:
    return torch.empty_like(value, device="meta", memory_format=torch.channels_last).stride()
