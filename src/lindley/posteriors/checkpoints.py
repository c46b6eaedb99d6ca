"""An ensemble of networks that are trained already, from their files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from lindley.errors import InputError
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.storage import read_tensors
from lindley.training.network_factory import network_to_load


def ensemble_from_checkpoints(
    network: Callable[[], nn.Module],
    paths: Sequence[str | os.PathLike[str]],
    *,
    precision: str = "float32",
    device: str = "cpu",
) -> EnsemblePosterior:
    """Return an ensemble with one member for each .safetensors file; `network` makes the network of the weights.

    Raises InputError for a file that cannot be read or does not fit the network; it is named, and what differs.
    """
    if not paths:
        raise InputError("an ensemble needs the file of one member at least")
    modules = []
    for path in map(Path, paths):
        module = network_to_load(network)
        try:
            module.load_state_dict(read_tensors(path))
        except RuntimeError as error:
            raise InputError(f"{path} does not fit the network: {error}") from None
        modules.append(module)
    return EnsemblePosterior(modules, precision=precision, device=device)
