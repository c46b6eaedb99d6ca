"""Checks of the options of learners, and of the features that they are fitted to."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Real

from torch import Tensor

from lindley.errors import InputError
from lindley.shapes import Rows


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise InputError unless an option is one of the choices.

    Args:
        name: The option.
        value: Its value.
        choices: The values that it may have.
    """
    if value not in choices:
        raise InputError(argument=name, expected=f"one of {', '.join(choices)}", got=value)


def check_positive(name: str, value: object) -> None:
    """Raise InputError unless an option is a positive, finite number."""
    if not _is_positive(value):
        raise InputError(argument=name, expected="a positive number", got=value)


def check_evidence_or_positive(name: str, value: object) -> None:
    """Raise InputError unless a hyperparameter is "evidence" or a positive, finite number."""
    if value != "evidence" and not _is_positive(value):
        raise InputError(argument=name, expected='"evidence" or a positive number', got=value)


def check_finite(name: str, values: Tensor, rows: Rows) -> None:
    """Raise InputError where values are not finite; `error.rows` lists the rows.

    Args:
        name: What the values are, "features" or "inputs".
        values: [n, D].
        rows: [n], the rows of the pool that they belong to.
    """
    bad = ~values.isfinite().all(1)
    if bool(bad.any()):
        at_fault = rows[bad.to(rows.device)].tolist()
        raise InputError("Look at these inputs.", argument=name, expected="finite", rows=at_fault)


def _is_positive(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < math.inf
