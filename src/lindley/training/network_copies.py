"""Copies of networks: a posterior keeps its own, and the caller's network stays unchanged."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from lindley.errors import InputError


def copy_network(module: nn.Module, device: str | None = None) -> nn.Module:
    """Return a copy in eval mode, on the device where one is named, with `torch.compile` taken off.

    Its tensors are plain also where the caller is in inference mode, since cuDNN moves those of an LSTM.

    Raises:
        InputError: If a part of it cannot be copied, or a layer is lazy and has seen no input yet.
    """
    for name, value in module.named_parameters():
        if is_lazy(value):
            raise InputError(
                f"{name!r} has no shape yet: call this network once on an input, then give it", argument=name
            )
    with torch.inference_mode(False):
        (copy,) = deep_copy(uncompile_root(module))
        return uncompile(copy).eval().to(device)


def deep_copy(module: nn.Module, *others: Any) -> tuple[Any, ...]:
    """Return deep copies of a module and of the objects that belong to it.

    A tensor that a layer has computed and keeps, as weight_norm does, is copied without its graph.

    Raises:
        InputError: If something cannot be copied; the message names the layer and the attribute.
    """
    computed = [
        value for layer in module.modules() for value in _attributes(layer).values() if isinstance(value, Tensor)
    ]
    memo = {id(value): value.detach().clone() for value in computed if not value.is_leaf}
    try:
        return copy.deepcopy((module, *others), memo)
    except Exception as error:  # whatever the attributes of a user's layer raise
        found = _find_uncopyable(module)
        raise InputError(
            f"this {type(module).__name__} cannot be copied ({found}): {error}. A posterior keeps a copy of its "
            "network; give the layer a __deepcopy__, or leave out what cannot be copied",
            argument="network",
            got=found,
        ) from error


def uncompile_root(module: nn.Module) -> nn.Module:
    """Return the module that `torch.compile` was given, or the module itself where it was not."""
    if type(module).__name__ == "OptimizedModule":  # its class is in torch._dynamo, which takes seconds to import
        return uncompile_root(module.get_submodule("_orig_mod"))
    return module


def uncompile(module: nn.Module) -> nn.Module:
    """Take `torch.compile` off a module and all of its layers, in place.

    A compiled network does not call its layers, so that no mask could stand still in them.
    """
    root = uncompile_root(module)
    for layer in list(root.modules()):
        if layer._compiled_call_impl is not None:
            layer._compiled_call_impl = None
        for name, child in layer._modules.items():
            layer._modules[name] = None if child is None else uncompile_root(child)
    return root


def _attributes(layer: nn.Module) -> dict[str, Any]:
    return {**vars(layer), **layer._buffers}


def _find_uncopyable(module: nn.Module) -> str:
    """Name the layer and the attribute that cannot be copied."""
    for name, layer in module.named_modules():
        for attribute, value in vars(layer).items():
            try:
                copy.deepcopy(value) if attribute not in ("_parameters", "_buffers", "_modules") else None
            except Exception:
                return f"attribute {attribute!r} of {type(layer).__name__} at {name!r}"
    return type(module).__name__
