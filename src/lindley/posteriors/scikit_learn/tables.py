"""Inputs as scikit-learn reads them: a table with one line per input, dense or sparse, or a list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from lindley.contracts import Inputs, Labels, Pool
from lindley.errors import InputError


@runtime_checkable
class SparseMatrix(Protocol):
    """A matrix or array of scipy.sparse."""

    def tocsr(self) -> Any: ...


_TEXT_KINDS = "OSU"
"""The dtype kinds of NumPy's arrays of objects, bytes and texts."""
Examples = Inputs | np.ndarray | SparseMatrix
"""Inputs that `pool.read` may return to these learners: n of them, along the first axis."""


def as_examples(inputs: Examples) -> Any:
    """Return n inputs as an array [n, D], a CSR matrix [n, D] or, for any other sequence, a list of n.

    Images are read as long vectors, single numbers as vectors of one, and arrays [n] of texts or objects as lists.
    Arrays are in the machine's byte order. Raises InputError for types that scikit-learn does not read, masked arrays
    too.
    """
    if isinstance(inputs, SparseMatrix):
        return inputs.tocsr()
    if isinstance(inputs, Tensor):
        return _flatten(inputs.detach().cpu().numpy())
    if isinstance(inputs, np.ma.MaskedArray):
        raise InputError(
            "Give .filled(value), or leave the masked rows out.",
            argument="inputs",
            expected="arrays without a mask",
            got=type(inputs).__name__,
        )
    if isinstance(inputs, np.ndarray):
        if inputs.dtype.kind in _TEXT_KINDS and inputs.ndim == 1:
            return list(inputs.tolist())
        return _flatten(inputs.astype(inputs.dtype.newbyteorder("="), copy=False))
    if isinstance(inputs, Mapping) or not isinstance(inputs, Sequence):
        expected = "tensors, NumPy arrays, sparse matrices or sequences"
        raise InputError(argument="inputs", expected=expected, got=type(inputs).__name__)
    return list(inputs)


def as_table(inputs: Examples) -> Any:
    """Return n inputs as a table of numbers: an array or a CSR matrix, [n, D] float32."""
    examples = as_examples(inputs)
    if isinstance(examples, list):
        raise InputError(argument="inputs", expected="a table of numbers, one line per input", got="a sequence")
    if examples.dtype.kind not in "biuf":
        raise InputError(
            "Turn its columns into numbers first, or use Bagging with a pipeline that does.",
            argument="inputs",
            expected="a table of numbers",
            got=f"an array of {examples.dtype}",
        )
    return examples.astype(np.float32)


def read_table(pool: Pool, labels: Labels) -> Any:
    """Return the labelled rows, [L, D] float32. Raises InputError where they are not finite; `rows` lists them."""
    table = as_table(pool.read(labels.rows))
    bad = find_rows(lambda values: ~np.isfinite(values), table)
    if len(bad):
        rows = labels.rows[bad].tolist()
        raise InputError("Look at these inputs.", argument="inputs", expected="finite", rows=rows)
    return table


def find_rows(is_bad: Any, table: Any) -> np.ndarray:
    """Return the places of the rows with at least one number for which a function is true.  [n, D] -> [b]"""
    if isinstance(table, np.ndarray):
        return np.flatnonzero(is_bad(table).any(1))
    entries = np.flatnonzero(is_bad(table.data))
    return np.unique(np.searchsorted(table.indptr, entries, side="right") - 1)


def _flatten(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), math.prod(array.shape[1:]))
