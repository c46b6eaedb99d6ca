"""Torch's global modes, which the caller's program may have set, and contexts that compute alike under all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch

_WITH_AUTOCAST = ("cpu", "cuda", "mps")


@contextmanager
def isolated_torch_state(device: str = "cpu", *, gradients: bool = False) -> Iterator[None]:
    """Switch autocast and inference mode off, and gradients on or off, whatever the caller has set.

    On a CUDA GPU convolutions add in one order, the same numbers each time, and compute in float32 instead of TF32.
    """
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.set_grad_enabled(gradients))
        modes.enter_context(torch.autocast(torch.device(device).type, enabled=False))
        if torch.device(device).type == "cuda":
            modes.enter_context(_CONVOLUTIONS)
        yield


@contextmanager
def no_autocast() -> Iterator[None]:
    """Switch autocast off for products of tensors on any device. Also a decorator. Call a caller's code outside."""
    with ExitStack() as modes:
        for kind in filter(torch.is_autocast_enabled, _WITH_AUTOCAST):
            modes.enter_context(torch.autocast(kind, enabled=False))
        yield


class _ExactConvolutions:
    """cuDNN without benchmarking, nondeterminism and TF32, torch's default with 10 of 23 bits.

    The switches belong to the process: the first thread that enters sets them, and the last that leaves restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._flags = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._within == 0:
                self._flags.enter_context(_exact_cudnn())
            self._within += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                self._flags.close()


@contextmanager
def _exact_cudnn() -> Iterator[None]:
    """Set the flags as `cudnn.flags` does, also where the caller has set `torch.backends.fp32_precision`."""
    cudnn: Any = torch.backends.cudnn
    places: list[tuple[Any, str, Any]] = [(cudnn, "benchmark", False), (cudnn, "deterministic", True)]
    with suppress(RuntimeError):  # torch refuses where the caller has set newer switches against it
        getattr(cudnn, "allow_tf32")  # noqa: B009
        places.append((cudnn, "allow_tf32", False))
    if hasattr(cudnn, "conv"):  # torch 2.9; after the older switch, which moves them
        places += [(owner, "fp32_precision", "ieee") for owner in (cudnn.conv, cudnn.rnn)]
    before = [getattr(owner, name) for owner, name, _ in places]
    try:
        for owner, name, value in places:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(places, before, strict=True):
            setattr(owner, name, value)


_CONVOLUTIONS = _ExactConvolutions()
