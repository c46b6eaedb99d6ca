"""A check that a network with frozen masks is a function: no random number is drawn beside its known dropout.

What is drawn by torch.nn.functional.dropout, by stochastic depth or as noise within a forward cannot be frozen. Most of
it is silent in eval mode, where it would count as absent, so that training mode is looked at too.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from lindley.errors import InputError
from lindley.posteriors.dropout.sites import CurrentDraw
from lindley.posteriors.network_calls import NetworkInputs, device_type, first_row_repeated

_SEEDS = (1, 2)


def refuse_hidden_randomness(
    module: nn.Module, current: CurrentDraw, forward: Callable[[nn.Module, NetworkInputs], Any], inputs: NetworkInputs
) -> None:
    """Raises InputError where the module, its known dropout frozen, is still random: in eval or in training mode.

    Two rows go through it under two seeds of all global generators. No generator of torch or NumPy may move (a layer
    that is seldom dropped mostly gives the same), and the outputs must be equal (Python's generator, which type
    checkers use as well, and a generator of the network's own).
    """
    for mode in ("eval", "training"):
        outputs = []
        for seed in _SEEDS:
            # A fresh copy for each seed in training mode, where layers such as spectral norm change with every pass.
            network, draw = (module, current) if mode == "eval" else _in_training(module, current)
            draw.begin(0)
            with seeded_globals(seed, device_type(inputs)) as moved:
                outputs.append(_tensors(forward(network, first_row_repeated(inputs, 2))))
                if moved():
                    raise InputError(_message(mode, "draws random numbers although its dropout layers are frozen"))
        if not _equal(*outputs):
            raise InputError(_message(mode, "gives other outputs each time although its dropout layers are frozen"))


@contextmanager
def seeded_globals(seed: int, device: str) -> Iterator[Callable[[], bool]]:
    """Seeds torch's, NumPy's and Python's global generators and puts them back at the end.

    Gives a function that says whether one of torch's or NumPy's has moved.
    """
    numpy, python = np.random.get_state(), random.getstate()  # noqa: NPY002  a network may well use the old one
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if device == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        before = _states(device)
        try:
            yield lambda: _states(device) != before
        finally:
            np.random.set_state(numpy)  # noqa: NPY002
            random.setstate(python)


def _message(mode: str, finding: str) -> str:
    return (
        f"in {mode} mode this network {finding}: something like torch.nn.functional.dropout, stochastic depth or noise "
        "stands in its forward, so its draws would not be those it was trained with. Use nn.Dropout layers for all of "
        "its randomness (attn_implementation='eager' or 'sdpa' for a network of transformers), or "
        "posterior = 'ensemble'"
    )


def _in_training(module: nn.Module, current: CurrentDraw) -> tuple[nn.Module, CurrentDraw]:
    """A copy in training mode, with its frozen masks; layers that then count on a batch stay in eval mode."""
    copied, draw = copy.deepcopy((module, current))
    for layer in copied.train().modules():
        if isinstance(layer, _NormBase):
            layer.eval()
    return copied, draw


def _states(device: str) -> list[object]:
    on_gpu = [state.tolist() for state in torch.cuda.get_rng_state_all()] if device == "cuda" else []
    _, numbers, *place = np.random.get_state()  # noqa: NPY002
    return [torch.get_rng_state().tolist(), on_gpu, np.asarray(numbers).tolist(), place]


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
