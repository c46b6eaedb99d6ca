"""The features of inputs, as a head reads them: the inputs as vectors, or what a function makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lindley.contracts import Inputs, Pool
from lindley.errors import InputError
from lindley.posteriors.head.head_coordinates import standard_deviations
from lindley.posteriors.option_checks import check_finite
from lindley.torch_state import isolated_torch_state
from lindley.training.network_calls import as_tensor

SCALE_ROWS = 1024
"""Number of rows of the pool, at even distances, whose standard deviations are the units of the features."""
ReadFeatures = Callable[[Inputs], Tensor]
"""n inputs -> [n, D]; must pickle where draws go to other processes."""


def read_features(inputs: Inputs, features: ReadFeatures | None, device: str) -> Tensor:
    """Return the features of n inputs, [n, D] on the device.

    Args:
        inputs: n inputs.
        features: The function that makes features of them; None reads the inputs as vectors.
        device: Where the features are put.

    Raises:
        InputError: If the function returns anything but one vector per input.
    """
    if features is None:
        given = as_tensor(inputs).to(device)
        return given.flatten(1) if given.dim() > 1 else given[:, None]
    with isolated_torch_state(device):
        made = features(inputs)
    if not isinstance(made, Tensor) or made.dim() != 2:
        got = [*made.shape] if isinstance(made, Tensor) else type(made).__name__
        raise InputError(argument="features", expected="a function that returns one vector per input, [n, D]", got=got)
    return made.detach().to(device)


def refuse_other_features(features: ReadFeatures | None, settings: Mapping[str, Any]) -> None:
    """Raise InputError where a saved posterior had a function for its features and none is given, or the reverse."""
    had = bool(settings.get("features", features is not None))
    if had != (features is not None):
        advice = (
            "read its inputs through a function: give features=, the function that its learner had."
            if had
            else "read its inputs as they are: leave features= out."
        )
        raise InputError(f"The posterior that was saved {advice}", argument="features", got=features)


def pool_scale(pool: Pool, features: ReadFeatures | None, device: str) -> Tensor:
    """Standard deviations of the pool's features, from SCALE_ROWS rows at even distances.  -> [D] float64

    Args:
        pool: The pool.
        features: The function that makes features of its inputs.
        device: Where the features are read.

    Raises:
        InputError: If one of these rows is not finite; `error.rows` lists them.
    """
    return standard_deviations(sample_features(pool, features, device))


def sample_features(pool: Pool, features: ReadFeatures | None, device: str) -> Tensor:
    """Return the features of SCALE_ROWS rows of the pool at even distances, on the CPU.  -> [n, D]

    Args:
        pool: The pool.
        features: The function that makes features of its inputs.
        device: Where the features are read.

    Raises:
        InputError: If one of these rows is not finite; `error.rows` lists them.
    """
    rows = torch.linspace(0, len(pool) - 1, min(len(pool), SCALE_ROWS), dtype=torch.float64).round().long()
    given = read_features(pool.read(rows), features, device).cpu()
    check_finite("features", given, rows)
    return given
