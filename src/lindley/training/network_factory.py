"""Networks by the function that makes them. This is the one place that calls it.

A factory has to make every trained weight anew. Where two of its networks share one, members of an ensemble are equal,
and one trial continues training another's weights, so that results depend on how many processes share the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from lindley.errors import InputError
from lindley.training.network_copies import deep_copy, uncompile, uncompile_root
from lindley.training.random_state import fork_rng

_TRAINED: set[StorageWeakRef] = set()
"""The memory of every tensor that fits change, of all networks made so far. It does not keep them alive."""


def make_network(network: Callable[[], nn.Module], device: str = "cpu") -> nn.Module:
    """Call the factory once; its network is on the device and in training mode, with `torch.compile` taken off.

    Raises:
        InputError: If it makes no network, or if weights belong to a network that was made before.
    """
    module = uncompile(_call_factory(network))
    _refuse_shared_weights(module)
    module = module.to(device).train()
    mark_trained(value for value in module.parameters() if value.requires_grad)
    return module


def make_network_for_loading(network: Callable[[], nn.Module]) -> nn.Module:
    """Return a copy of the factory's network, into which weights can be loaded. Global generators stay."""
    with fork_rng(0, "cpu"):  # making a network initialises it
        module = _call_factory(network)
        lazy = [name for name, layer in module.named_modules() if isinstance(layer, LazyModuleMixin)]
        if lazy:
            raise InputError(
                f"loading needs a network whose layers know their sizes; {lazy[0]!r} is lazy. Give one with "
                "nn.Linear(in, out) in place of nn.LazyLinear(out), and so on: its weights have the same names",
                argument="network",
                got=lazy[0],
            )
        return uncompile(deep_copy(module)[0])


def mark_trained(tensors: Iterable[Tensor]) -> None:
    """Remember tensors that a fit changes: no network that is made later may have them."""
    _TRAINED.difference_update([known for known in tuple(_TRAINED) if known.expired()])
    _TRAINED.update(StorageWeakRef(value.untyped_storage()) for value in tensors if not is_lazy(value))


def find_changed_buffers(module: nn.Module, before: dict[str, Tensor]) -> list[Tensor]:
    """Return the buffers that have changed, such as the running averages of batch norm."""
    return [
        value for name, value in module.named_buffers() if name not in before or not torch.equal(value, before[name])
    ]


def _call_factory(network: Callable[[], nn.Module]) -> nn.Module:
    if isinstance(network, nn.Module):
        raise InputError(
            f"network= must be a function that makes a network; got a {type(network).__name__}. Every fit begins at "
            "new weights, so give the function that builds it, such as the class itself",
            argument="network",
            got=type(network).__name__,
        )
    module = network()
    if not isinstance(module, nn.Module):
        raise InputError(
            f"network= must be a function that returns a torch.nn.Module; got {type(module).__name__}",
            argument="network",
            got=type(module).__name__,
        )
    return uncompile_root(module)


def _refuse_shared_weights(module: nn.Module) -> None:
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if not is_lazy(value) and StorageWeakRef(value.untyped_storage()) in _TRAINED:
            raise InputError(
                f"network= gives networks that share {name!r}: it belongs to a network that was made before, so that "
                "one fit would continue training another's weights. Make every layer within the function, for example "
                "def network(): return nn.Sequential(nn.Linear(4, 2), ...)",
                argument="network",
                got=name,
            )
