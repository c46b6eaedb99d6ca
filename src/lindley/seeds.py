"""Named seeds and keyed noise: every random number comes from (seed, purpose, and what it is for).

Nothing here reads or changes a global generator, and no value depends on the order of rows.
"""

from __future__ import annotations

import hashlib
import operator
from typing import SupportsIndex

import numpy as np
import torch

from lindley.errors import InputError
from lindley.shapes import Rows


def derive_seed(seed: int, *purpose: str | SupportsIndex) -> int:
    """A seed of its own for each purpose: derive_seed(0, "fit", 3) is unrelated to derive_seed(0, "draw", 3).

    Returns an integer in [0, 2**63). Raises InputError for a purpose that is neither string nor whole number.

    >>> derive_seed(0, "fit", 1) == derive_seed(0, "fit", 1), derive_seed(0, "fit", 1) == derive_seed(0, "fit", 2)
    (True, False)
    """
    key = repr((int(seed), *map(_plain, purpose))).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") >> 1


def numpy_generator(seed: int, *purpose: str | SupportsIndex) -> np.random.Generator:
    """A NumPy generator of its own for each purpose."""
    return np.random.default_rng(derive_seed(seed, *purpose))


def torch_generator(seed: int, *purpose: str | SupportsIndex) -> torch.Generator:
    """A CPU generator of its own for each purpose."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))


def row_uniforms(rows: Rows, seed: int, *purpose: str | SupportsIndex) -> torch.Tensor:
    """Uniform numbers in (0, 1], float64, one per row, keyed by the row itself.  [N] -> [N]

    A row has the same number whatever rows stand beside it and in whatever order.
    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied twice to row and key.
    """
    key = np.uint64(derive_seed(seed, *purpose))
    with np.errstate(over="ignore"):
        bits = _mix(_mix(rows.cpu().numpy().astype(np.uint64)) ^ key)
    return torch.from_numpy(((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def _plain(part: object) -> str | int:
    # The key is a repr, and NumPy 2 writes its 3 as "np.int64(3)".
    try:
        return str(part) if isinstance(part, str) else operator.index(part)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"the purpose of a seed is named by strings and whole numbers; got {part!r}") from None


def _mix(bits: np.ndarray) -> np.ndarray:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = bits ^ (bits >> np.uint64(31))
    return mixed
