"""An ensemble of networks that are trained already, from their files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from lindley.errors import InputError
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.storage import read_tensors
from lindley.training.network_factory import make_network_for_loading


def ensemble_from_checkpoints(
    network: Callable[[], nn.Module],
    paths: Sequence[str | os.PathLike[str]],
    *,
    precision: str = "float32",
    device: str = "cpu",
) -> EnsemblePosterior:
    """Return an ensemble with one member for each .safetensors file.

    Args:
        network: Makes the network whose weights the files hold.
        paths: The files.
        precision: The precision in which the members compute.
        device: The device on which they compute.

    Raises:
        InputError: If a file cannot be read or does not fit the network; the message names it, and what differs.
    """
    if not paths:
        raise InputError("Give the file of at least one member.", argument="paths", expected="one file or more", got=[])
    modules = []
    for path in map(Path, paths):
        module = make_network_for_loading(network)
        try:
            module.load_state_dict(read_tensors(path))
        except RuntimeError as error:
            raise InputError(f"{path} does not fit the network: {error}", argument="paths", got=str(path)) from None
        modules.append(module)
    return EnsemblePosterior(modules, precision=precision, device=device)
