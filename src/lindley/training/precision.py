"""The precision in which products are computed: "float32", "bfloat16", or "auto" for the best that the device has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lindley.errors import InputError

PRECISIONS = ("float32", "bfloat16")
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16")


def resolve_precision(precision: str, device: str) -> str:
    """Return the one of PRECISIONS that "auto" stands for on this machine, and any other precision unchanged."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_bfloat16(device) else "float32"


def compute_dtype(precision: str, device: str) -> torch.dtype:
    """Return the dtype of matrix products and convolutions; weights, losses and log-probabilities stay float32."""
    if precision not in ("auto", *PRECISIONS):
        raise InputError(
            "Leave it out for float32.",
            argument="precision",
            expected=f"one of auto, {', '.join(PRECISIONS)}",
            got=precision,
        )
    return torch.bfloat16 if resolve_precision(precision, device) == "bfloat16" else torch.float32


@contextmanager
def autocast_to(dtype: torch.dtype, device: str) -> Iterator[None]:
    """Compute matrix products and convolutions of a forward pass in `dtype`, as `compute_dtype` gives it.

    Autocast keeps the weights that it has rounded until the outermost autocast ends. There is one around this, the
    caller's or `isolated_torch_state`, and the weights may have changed since: none are kept from before or for later.
    """
    torch.clear_autocast_cache()
    try:
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            yield
    finally:
        torch.clear_autocast_cache()


def has_bfloat16(device: str) -> bool:
    """Return whether the device has instructions for bfloat16; emulated, it is 8 to 25 times slower than float32.

    False also where torch is too old to say, and for a kind of device that is not known here.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in _INSTRUCTIONS)
