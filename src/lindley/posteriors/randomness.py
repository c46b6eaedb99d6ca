"""Whether a call is a function: it draws no random number, and gives the same under other seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.posteriors.callers_state import own_modes, seeded_globals
from lindley.posteriors.layout import as_its_weights
from lindley.posteriors.network_calls import NetworkInputs, called, device_type, first_row_repeated

_SEEDS = (1, 2)


def randomness_of(call: Callable[[], Any], device: str) -> str | None:
    """What shows that the call is random, under two seeds of all global generators; None where nothing does.

    No generator of torch or NumPy may move (a layer that is seldom dropped mostly gives the same), and the outputs
    must be equal (Python's generator, which type checkers use as well, and a generator of the network's own).
    """
    outputs = []
    for seed in _SEEDS:
        with seeded_globals(seed, device) as moved:
            outputs.append(_tensors(call()))
            if moved():
                return "draws random numbers"
    return None if _equal(*outputs) else "gives other outputs each time"


def refuse_random_networks(modules: Sequence[nn.Module], inputs: NetworkInputs) -> None:
    """Raises InputError where one of these networks, in eval mode already, is no function of its inputs."""
    for module in modules:
        rows = as_its_weights(module, first_row_repeated(inputs, 2))
        with own_modes(device_type(inputs)):
            found = randomness_of(partial(called, module, rows), device_type(inputs))
        if found:
            raise InputError(
                f"in eval mode this {type(module).__name__} {found}, so that it is no one function: something like "
                "torch.nn.functional.dropout(x) stands in its forward, which drops in eval mode too. Pass "
                "training=self.training to it, or use nn.Dropout layers"
            )


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Mapping):
        output = tuple(output.values())
    return [tensor for part in output for tensor in _tensors(part)] if isinstance(output, tuple | list) else []


def _equal(one: list[Tensor], other: list[Tensor]) -> bool:
    # Close, not the same bits: sums on a GPU may come in any order.
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-7, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )
