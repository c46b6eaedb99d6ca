"""Checks that a network is a function: it draws no random number, and gives the same outputs under other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.torch_state import isolated_torch_state
from lindley.training.memory_layout import match_memory_layout
from lindley.training.network_calls import (
    NetworkInputs,
    collect_tensors,
    device_type,
    forward,
    num_rows,
    repeat_first_row,
)
from lindley.training.random_state import fork_rng

_SEEDS = (1, 2, 3, 4)
_CHECKED: WeakSet[nn.Module] = WeakSet()
"""Networks that are functions of their inputs."""


def find_randomness(call: Callable[[], Any], device: str, *, outputs_only: bool = False) -> str | None:
    """Return what shows that a call is random under two seeds of all global generators, or None.

    No generator of torch or NumPy may move, since a layer that is seldom dropped mostly gives the same outputs. The
    outputs must be equal too. That shows the use of generators of the network's own and of Python's, which cannot be
    watched, since type checkers move it as well.

    Args:
        call: Makes a forward pass.
        device: The device on which it computes.
        outputs_only: Whether only the outputs count, under four seeds.
    """
    first: list[Tensor] | None = None
    for seed in _SEEDS if outputs_only else _SEEDS[:2]:
        with fork_rng(seed, device) as has_moved:
            outputs = collect_tensors(call())
            if has_moved() and not outputs_only:
                return "draws random numbers"
        if first is not None and not _equal(first, outputs):
            return "gives other outputs each time"
        first = outputs
    return None


def refuse_random_networks(modules: Sequence[nn.Module], inputs: NetworkInputs) -> None:
    """Raise InputError where one of these networks, in eval mode already, is no function of its inputs.

    Each network is checked once. Random numbers that a forward draws and does not use in eval mode do no harm.
    """
    for module in modules:
        if module in _CHECKED or num_rows(inputs) == 0:
            continue
        rows = match_memory_layout(module, repeat_first_row(inputs, 2))
        with isolated_torch_state(device_type(inputs)):
            found = find_randomness(partial(forward, module, rows), device_type(inputs), outputs_only=True)
        if not found:
            _CHECKED.add(module)
        else:
            raise InputError(
                f"in eval mode this {type(module).__name__} {found}, so that it is no one function: something like "
                "torch.nn.functional.dropout(x) stands in its forward, which drops in eval mode too. Pass "
                "training=self.training to it, or use nn.Dropout layers",
                argument="network",
                got=found,
            )


def _equal(one: list[Tensor], other: list[Tensor]) -> bool:
    # Close, not the same bits: sums on a GPU may come in any order.
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-7, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )
