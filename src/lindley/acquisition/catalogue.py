"""An acquisition by its name, with its options set: the entries of `specs`, resolved."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from lindley.acquisition.specs import METHODS
from lindley.contracts import Selection
from lindley.errors import InputError
from lindley.names import nearest


def acquisition_named(name: str, options: Mapping[str, object] | None = None) -> partial[Selection]:
    """The acquisition of that name with these options set.

    Raises InputError for a name that is not in METHODS, an option that the method does not have, or a wrong value.

    >>> acquisition_named("batchbald", {"num_paths": 200}).keywords
    {'num_paths': 200}
    """
    if name not in METHODS:
        raise InputError(f"no acquisition is named {name!r}; known: {', '.join(METHODS)}.{nearest(name, METHODS)}")
    method = METHODS[name]
    options = {key: _plain(value) for key, value in (options or {}).items()}
    allowed = list(inspect.signature(method.check).parameters)
    for option in options:
        if option not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "it has no options"
            raise InputError(f"{name} has no option {option!r}; {known}.{nearest(option, allowed)}")
    method.check(**options)
    choose: Callable[..., Selection] = method.choose
    return partial(choose, **options)


def _plain(value: object) -> object:
    """Return a number of NumPy as Python's own, and everything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
