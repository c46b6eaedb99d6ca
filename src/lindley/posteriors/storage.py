"""Posteriors in a folder: weights.safetensors and posterior.json. No pickle is written or loaded.

The one place of the posteriors that imports safetensors (extra `safetensors`).
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from lindley.contracts import Inputs, Posterior
from lindley.errors import InputError
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.gaussian_process.classifier import GaussianProcessPosterior
from lindley.posteriors.given import GivenPredictions
from lindley.posteriors.head.head import HeadPosterior
from lindley.posteriors.head.last_layer import LastLayerPosterior
from lindley.posteriors.head.tuned import TunedPosterior
from lindley.posteriors.laplace.full_laplace import FullLaplacePosterior
from lindley.posteriors.scikit_learn.bagging import BaggingPosterior
from lindley.posteriors.scikit_learn.forest import ForestPosterior
from lindley.posteriors.tempered import TemperedPosterior, tempered

VERSION = 1
KINDS: dict[str, type[Any]] = {
    "mc-dropout": MCDropoutPosterior,
    "ensemble": EnsemblePosterior,
    "head": HeadPosterior,
    "last-layer": LastLayerPosterior,
    "laplace": FullLaplacePosterior,
    "forest": ForestPosterior,
    "bagging": BaggingPosterior,
    "gaussian-process": GaussianProcessPosterior,
    "given": GivenPredictions,
}
"""Each has `stored() -> (tensors, settings)` and a classmethod `restored(tensors, settings, **given)`."""
_WEIGHTS, _SETTINGS = "weights.safetensors", "posterior.json"
_TEMPERATURE = "temperature"


@runtime_checkable
class Storable(Protocol):
    """A posterior that can be saved."""

    def stored(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors by name, and settings as JSON values."""
        ...


def save_posterior(posterior: Posterior, folder: str | os.PathLike[str]) -> None:
    """Writes a posterior into a folder, which is made where it is missing. Of a tuned one, that of its setting.

    Raises InputError for a posterior of a kind that cannot be saved, for a folder that holds one already, and where
    safetensors is not installed.
    """
    save_file = _safetensors().save_file
    temperature = None
    while isinstance(posterior, TunedPosterior | TemperedPosterior):
        if isinstance(posterior, TemperedPosterior):
            temperature = posterior.temperature * (temperature or 1.0)
        posterior = posterior.posterior
    kind = next((name for name, known in KINDS.items() if type(posterior) is known), None)
    if kind is None or not isinstance(posterior, Storable):
        raise InputError(f"{type(posterior).__name__} cannot be saved; these can: {', '.join(KINDS)}")
    folder = Path(folder)
    if (folder / _SETTINGS).exists():
        raise InputError(f"{folder} holds a posterior already; name another folder, or remove it first")
    tensors, settings = posterior.stored()
    if temperature is not None:
        settings = {**settings, _TEMPERATURE: temperature}
    content = json.dumps({"kind": kind, "version": VERSION, "settings": settings}, indent=2, sort_keys=True)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, folder / _WEIGHTS)
    (folder / _SETTINGS).write_text(content + "\n", encoding="utf-8")  # last: with it, the whole is there


def load_posterior(
    folder: str | os.PathLike[str],
    *,
    network: Callable[[], nn.Module] | None = None,
    estimator: Any = None,
    features: Callable[[Inputs], Tensor] | None = None,
    device: str | None = None,
) -> Any:
    """The posterior in a folder: its draws give the numbers that they gave before it was saved.

    `network` makes the network whose weights were saved, for posteriors of networks; `estimator` is the one of
    scikit-learn that was bagged, `features` the function that a head or a Gaussian process read its inputs through.
    Raises InputError where something is missing or not of this kind, of a later version, or not what it should be.
    """
    folder = Path(folder)
    content = _settings(folder)
    offered = {"network": network, "estimator": estimator, "features": features, "device": device}
    given = {name: value for name, value in offered.items() if value is not None}
    kind = KINDS[content["kind"]]
    if foreign := sorted(given.keys() - inspect.signature(kind.restored).parameters.keys()):
        raise InputError(f"the posterior in {folder} is of the kind {content['kind']!r}: leave {foreign[0]}= out")
    posterior = kind.restored(read_tensors(folder / _WEIGHTS), content["settings"], **given)
    temperature = content["settings"].get(_TEMPERATURE)
    return posterior if temperature is None else tempered(posterior, temperature)


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file by name; InputError where it cannot be read."""
    load_file = _safetensors().load_file
    try:
        return dict(load_file(file))
    except Exception as error:  # OSError, or what safetensors says of a file that is none
        raise InputError(f"{file} cannot be read as safetensors: {error}") from error


def _settings(folder: Path) -> Mapping[str, Any]:
    file = folder / _SETTINGS
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} holds no posterior: there is no {_SETTINGS} in it") from None
    except ValueError as error:
        raise InputError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.keys() != {"kind", "version", "settings"}:
        raise InputError(f"{file} must have the keys kind, version and settings, and no other")
    if content["version"] != VERSION:
        raise InputError(f"{file} is of version {content['version']!r}; this lindley reads version {VERSION}")
    if content["kind"] not in KINDS:
        raise InputError(f"{file} is of the kind {content['kind']!r}; known are {', '.join(KINDS)}")
    return dict(content)


def _safetensors() -> Any:
    try:
        from safetensors import torch as safetensors_torch
    except ImportError:
        raise InputError("posteriors are saved with safetensors: pip install 'lindley[safetensors]'") from None
    return safetensors_torch
