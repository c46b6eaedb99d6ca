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
    """A matrix or array of scipy.sparse, known by what it can do."""

    def tocsr(self) -> Any: ...


_TEXT_KINDS = "OSU"
"""The kinds of NumPy's arrays of objects, bytes and texts."""
Examples = Inputs | np.ndarray | SparseMatrix
"""What `pool.read` may return to a learner of scikit-learn's: n inputs along the first axis."""


def as_examples(inputs: Examples) -> Any:
    """Return n inputs as an array [n, D], a CSR matrix [n, D] or, for any other sequence, a list of n.

    Images are read as long vectors, single numbers as vectors of one, and arrays [n] of texts or objects as lists.
    Arrays are in the machine's byte order. Raises InputError for what scikit-learn does not read, masked arrays too.
    """
    if isinstance(inputs, SparseMatrix):
        return inputs.tocsr()
    if isinstance(inputs, Tensor):
        return _flatten(inputs.detach().cpu().numpy())
    if isinstance(inputs, np.ma.MaskedArray):
        raise InputError("this learner reads no masked arrays: give .filled(value), or leave the masked rows out")
    if isinstance(inputs, np.ndarray):
        if inputs.dtype.kind in _TEXT_KINDS and inputs.ndim == 1:
            return list(inputs.tolist())
        return _flatten(inputs.astype(inputs.dtype.newbyteorder("="), copy=False))
    if isinstance(inputs, Mapping) or not isinstance(inputs, Sequence):
        raise InputError(
            "this learner reads tensors, NumPy arrays, sparse matrices and sequences; "
            f"this pool gave {type(inputs).__name__}"
        )
    return list(inputs)


def as_table(inputs: Examples) -> Any:
    """Return the same where nothing but numbers will do: an array or a CSR matrix, [n, D] float32."""
    examples = as_examples(inputs)
    if isinstance(examples, list):
        raise InputError("this learner reads tables of numbers, one line per input; this pool gave a sequence")
    if examples.dtype.kind not in "biuf":
        raise InputError(
            f"this learner reads tables of numbers; this pool gave an array of {examples.dtype}. Turn its columns into "
            "numbers first, or use Bagging with a pipeline that does"
        )
    return examples.astype(np.float32)


def read_table(pool: Pool, labels: Labels) -> Any:
    """Return the labelled rows, [L, D] float32. Raises InputError, naming rows, where they are not finite."""
    table = as_table(pool.read(labels.rows))
    bad = find_rows(lambda values: ~np.isfinite(values), table)
    if len(bad):
        raise InputError(
            f"inputs must be finite; those of the labelled rows {labels.rows[bad][:10].tolist()} are not. "
            "Look at these inputs."
        )
    return table


def find_rows(is_bad: Any, table: Any) -> np.ndarray:
    """Return the places of the rows in which a function of numbers holds for one at least.  [n, D] -> [b]"""
    if isinstance(table, np.ndarray):
        return np.flatnonzero(is_bad(table).any(1))
    entries = np.flatnonzero(is_bad(table.data))
    return np.unique(np.searchsorted(table.indptr, entries, side="right") - 1)


def _flatten(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), math.prod(array.shape[1:]))
