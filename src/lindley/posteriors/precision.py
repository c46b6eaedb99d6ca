""" "auto" precision: bfloat16 where the hardware computes in it, float32 elsewhere."""

from __future__ import annotations

import torch

from lindley.errors import InputError

PRECISIONS = ("float32", "bfloat16")
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16")


def resolved_precision(precision: str, device: str) -> str:
    """ "auto" as one of PRECISIONS on this machine; anything else as it is."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_bfloat16(device) else "float32"


def compute_dtype(precision: str, device: str) -> torch.dtype:
    """The dtype of matrix products and convolutions; weights, losses and log-probabilities stay float32."""
    if precision not in ("auto", *PRECISIONS):
        raise InputError(f"precision must be one of auto, {', '.join(PRECISIONS)}; got {precision!r}")
    return torch.bfloat16 if resolved_precision(precision, device) == "bfloat16" else torch.float32


def has_bfloat16(device: str) -> bool:
    """Whether the device has instructions for bfloat16: emulated, it is 8 to 25 times slower than float32.

    False also where it cannot be told: an older torch, or a kind of device that is not known here.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    told = torch.cpu.get_capabilities()
    return any(bool(told.get(name)) for name in _INSTRUCTIONS)
