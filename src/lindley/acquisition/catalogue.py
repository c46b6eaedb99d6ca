"""An acquisition by its name, with its options set: the entries of `specs`, resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from lindley.acquisition.specs import ACQUISITIONS
from lindley.contracts import Selection
from lindley.errors import InputError
from lindley.names import suggest_name


def acquisition_named(name: str, options: Mapping[str, object] | None = None) -> partial[Selection]:
    """Return the acquisition of that name with these options set.

    Raises:
        InputError: If no acquisition has the name, it has no such option, or a value is wrong.

    >>> acquisition_named("batchbald", {"num_configurations": 200}).keywords
    {'num_configurations': 200}
    """
    if name not in ACQUISITIONS:
        known = f"known: {', '.join(ACQUISITIONS)}.{suggest_name(name, ACQUISITIONS)}"
        raise InputError(f"no acquisition is named {name!r}; {known}", argument="acquisition", got=name)
    spec = ACQUISITIONS[name]
    options = {key: _python_number(value) for key, value in (options or {}).items()}
    allowed = spec.option_names
    for option in options:
        if option not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "it has no options"
            raise InputError(
                f"{name} has no option {option!r}; {known}.{suggest_name(option, allowed)}", argument=option
            )
    spec.options(**options)
    acquisition: Callable[..., Selection] = spec.acquisition
    return partial(acquisition, **options)


def _python_number(value: object) -> object:
    """Return a number of NumPy as Python's own, and everything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
