"""Named seeds: every random number comes from a seed and its purpose, and never from a global generator."""

from __future__ import annotations

import hashlib
import operator
from typing import SupportsIndex

import numpy as np

from lindley.errors import InputError


def derive_seed(seed: int, *purpose: str | SupportsIndex) -> int:
    """Return a seed for one purpose: derive_seed(0, "fit", 3) is unrelated to derive_seed(0, "draw", 3).

    It is an integer in [0, 2**63). Raises InputError for a purpose that is neither text nor a whole number.

    >>> derive_seed(0, "fit", 1) == derive_seed(0, "fit", 1), derive_seed(0, "fit", 1) == derive_seed(0, "fit", 2)
    (True, False)
    """
    key = repr((int(seed), *map(_plain, purpose))).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") >> 1


def numpy_generator(seed: int, *purpose: str | SupportsIndex) -> np.random.Generator:
    """Return a NumPy generator for one purpose."""
    return np.random.default_rng(derive_seed(seed, *purpose))


def _plain(part: object) -> str | int:
    # The key is a repr, and NumPy 2 writes its 3 as "np.int64(3)".
    try:
        return str(part) if isinstance(part, str) else operator.index(part)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(argument="purpose", expected="text and whole numbers", got=part) from None
