"""Noise as tensors, from named seeds: no value depends on the order of rows.

It is apart from `lindley.seeds`, so that code without tensors does not wait for torch.
"""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np
import torch

from lindley.seeds import derive_seed
from lindley.shapes import Rows


def torch_generator(seed: int, *purpose: str | SupportsIndex) -> torch.Generator:
    """Return a CPU generator for one purpose."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))


def row_uniforms(rows: Rows, seed: int, *purpose: str | SupportsIndex) -> torch.Tensor:
    """Return a uniform number in (0, 1], float64, for each row, keyed by the row.  [N] -> [N]

    A row has the same number whatever other rows there are, and in whatever order.
    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied twice to row and key.

    Args:
        rows: The rows, [N].
        seed: The seed.
        purpose: The purpose of the numbers, in words and whole numbers.
    """
    key = np.uint64(derive_seed(seed, *purpose))
    with np.errstate(over="ignore"):
        bits = _mix(_mix(rows.cpu().numpy().astype(np.uint64)) ^ key)
    return torch.from_numpy(((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def _mix(bits: np.ndarray) -> np.ndarray:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = bits ^ (bits >> np.uint64(31))
    return mixed
