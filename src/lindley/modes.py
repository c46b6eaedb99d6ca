"""What a caller's program has set for all of its code, and what is computed here whatever that is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch

_WITH_AUTOCAST = ("cpu", "cuda", "mps")


@contextmanager
def isolated_torch_state(device: str = "cpu", *, gradients: bool = False) -> Iterator[None]:
    """No autocast, no inference mode, gradients or none: what a network gives is the same under any of the caller's.

    On a GPU of CUDA its convolutions add in one order, the same numbers each time, and are of float32 and not of TF32.
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
    """For products of tensors on any device; as a decorator too. What is read from a caller's code is read outside."""
    with ExitStack() as modes:
        for kind in filter(torch.is_autocast_enabled, _WITH_AUTOCAST):
            modes.enter_context(torch.autocast(kind, enabled=False))
        yield


class _ExactConvolutions:
    """cuDNN without measuring, chance and TF32, torch's default with 10 bits of the 23.

    Its switches are those of the process: the first of the threads within sets them, and the last puts them back.
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
    """Like `cudnn.flags`, which leaves TF32 to `torch.backends.fp32_precision` where the caller has set that."""
    cudnn: Any = torch.backends.cudnn
    places: list[tuple[Any, str, Any]] = [(cudnn, "benchmark", False), (cudnn, "deterministic", True)]
    with suppress(RuntimeError):  # torch will not say it where the caller has set newer switches against it
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
