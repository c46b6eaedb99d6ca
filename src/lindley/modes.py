"""What a caller's program has set for all of its code, and what is computed here whatever that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

_WITH_AUTOCAST = ("cpu", "cuda", "mps")


@contextmanager
def own_modes(device: str = "cpu", *, gradients: bool = False) -> Iterator[None]:
    """No autocast, no inference mode, gradients or none, exact products: the same under any modes of the caller."""
    with torch.inference_mode(False), torch.set_grad_enabled(gradients), exact_products(device):
        yield


@contextmanager
def exact_products(device: str = "cpu") -> Iterator[None]:
    """No autocast; float32 that is float32; on a GPU convolutions that add in one order, the same each time."""
    with ExitStack() as modes:
        for kind in {torch.device(device).type, *filter(torch.is_autocast_enabled, _WITH_AUTOCAST)}:
            modes.enter_context(torch.autocast(kind, enabled=False))
        modes.enter_context(_exact())
        yield


@contextmanager
def _exact() -> Iterator[None]:
    """Torch's switches as they give exact products, then as they were.

    Convolutions on a GPU have TF32, 10 bits of the 23, unless told otherwise; `set_float32_matmul_precision("medium")`
    has CPUs multiply in bfloat16 too.
    """
    before = []
    for read, write, exact in _SWITCHES:
        try:
            before.append((read(), write, exact))
        except RuntimeError:  # torch will not read an older switch where the caller has set newer ones against it
            continue
    for _, write, exact in before:
        write(exact)
    try:
        yield
    finally:
        for value, write, _ in before:
            write(value)


def _switches() -> list[tuple[Callable[[], Any], Callable[[Any], None], Any]]:
    """How to read and write each, and its exact value: the older switches first, since they move the newer ones."""
    cuda: Any = torch.backends.cudnn
    cpu: Any = torch.backends.mkldnn
    older: list[tuple[Any, str, Any]] = [
        (cuda, "deterministic", True),
        (cuda, "benchmark", False),
        (cuda, "allow_tf32", False),
    ]
    newer = []
    if hasattr(cuda, "conv"):  # torch 2.9
        owners = [torch.backends.cuda.matmul, cuda.conv, cuda.rnn, cpu.matmul, cpu.conv, cpu.rnn]
        newer = [(owner, "fp32_precision", "ieee") for owner in owners]
    return [
        *map(_attribute, older),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
        *map(_attribute, newer),
    ]


def _attribute(place: tuple[Any, str, Any]) -> tuple[Callable[[], Any], Callable[[Any], None], Any]:
    owner, name, exact = place
    return partial(getattr, owner, name), partial(setattr, owner, name), exact


_SWITCHES = _switches()
