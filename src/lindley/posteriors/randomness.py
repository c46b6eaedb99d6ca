"""Whether a call is a function: it draws no random number, and gives the same under other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.modes import isolated_torch_state
from lindley.training.memory_layout import as_its_weights
from lindley.training.network_calls import (
    NetworkInputs,
    device_type,
    forward,
    num_rows,
    repeat_first_row,
    tensors_in,
)
from lindley.training.random_state import fork_rng

_SEEDS = (1, 2, 3, 4)
_FOUND_FUNCTIONS: WeakSet[nn.Module] = WeakSet()


def randomness_of(call: Callable[[], Any], device: str, *, may_draw: bool = False) -> str | None:
    """Return what shows that a call is random under two seeds of all global generators, or None.

    No generator of torch or NumPy may move (a layer that is seldom dropped mostly gives the same), and the outputs must
    be equal (Python's generator, which type checkers use as well, and one of the network's own). With `may_draw` only
    the outputs count, under four seeds.
    """
    first: list[Tensor] | None = None
    for seed in _SEEDS if may_draw else _SEEDS[:2]:
        with fork_rng(seed, device) as moved:
            outputs = tensors_in(call())
            if moved() and not may_draw:
                return "draws random numbers"
        if first is not None and not _equal(first, outputs):
            return "gives other outputs each time"
        first = outputs
    return None


def refuse_random_networks(modules: Sequence[nn.Module], inputs: NetworkInputs) -> None:
    """Raise InputError where one of these networks, in eval mode already, is no function of its inputs.

    Looked at once for each. What a forward draws and does not use in eval mode does no harm.
    """
    for module in modules:
        if module in _FOUND_FUNCTIONS or num_rows(inputs) == 0:
            continue
        rows = as_its_weights(module, repeat_first_row(inputs, 2))
        with isolated_torch_state(device_type(inputs)):
            found = randomness_of(partial(forward, module, rows), device_type(inputs), may_draw=True)
        if not found:
            _FOUND_FUNCTIONS.add(module)
        else:
            raise InputError(
                f"in eval mode this {type(module).__name__} {found}, so that it is no one function: something like "
                "torch.nn.functional.dropout(x) stands in its forward, which drops in eval mode too. Pass "
                "training=self.training to it, or use nn.Dropout layers"
            )


def _equal(one: list[Tensor], other: list[Tensor]) -> bool:
    # Close, not the same bits: sums on a GPU may come in any order.
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-7, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )
