"""Posteriors in a folder: weights.safetensors and posterior.json. No pickle is written or loaded.

The one place of the posteriors that imports safetensors (extra `safetensors`).
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from lindley.contracts import Inputs, Posterior
from lindley.errors import InputError, LindleyError
from lindley.posteriors.catalogue import POSTERIORS
from lindley.posteriors.head.tuned_learner import TunedPosterior
from lindley.posteriors.stored_parts import check_settings, is_positive, is_whole, one_of
from lindley.posteriors.temperature_scaling import TemperatureScaledPosterior, scale_temperature

VERSION = 1
"""Of the format; another one is refused."""
_FIRST_NAMES = {spec.posterior_path: name for name, spec in reversed([*POSTERIORS.items()])}
KINDS: Mapping[str, str] = {
    **{name: spec.posterior_path for name, spec in POSTERIORS.items() if name == _FIRST_NAMES[spec.posterior_path]},
    "bagging": "lindley.posteriors.scikit_learn.bagging:BaggingPosterior",
    "given": "lindley.posteriors.given:GivenPredictions",
}
"""The kinds of saved posteriors, by their import paths; posteriors of one class are of one kind.

Each has `state_dict() -> (tensors, settings)` and a classmethod `from_state_dict(tensors, settings, **given)`."""
_KEYS = {"kind", "version", "settings", "weights_sha256", "sha256"}
_WEIGHTS, _SETTINGS = "weights.safetensors", "posterior.json"
_TEMPERATURE = "temperature"


@runtime_checkable
class Storable(Protocol):
    """A posterior that can be saved."""

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors by name, and settings as JSON values."""
        ...


def save_posterior(posterior: Posterior, folder: str | os.PathLike[str]) -> None:
    """Write a posterior into a folder, which is made where it is missing; of a tuned one, that of its setting.

    Raises InputError for a posterior of a kind that cannot be saved, for a folder that holds one already, and where
    safetensors is not installed.
    """
    save_file = _safetensors().save_file
    temperature = None
    while isinstance(posterior, TunedPosterior | TemperatureScaledPosterior):
        if isinstance(posterior, TemperatureScaledPosterior):
            temperature = posterior.temperature * (temperature or 1.0)
        posterior = posterior.posterior
    path = f"{type(posterior).__module__}:{type(posterior).__qualname__}"
    kind = next((name for name, known in KINDS.items() if known == path), None)
    if kind is None or not isinstance(posterior, Storable):
        raise InputError(f"{type(posterior).__name__} cannot be saved; these can: {', '.join(KINDS)}")
    folder = Path(folder)
    if (folder / _SETTINGS).exists():
        raise InputError(f"{folder} holds a posterior already; name another folder, or remove it first")
    tensors, settings = posterior.state_dict()
    if temperature is not None:
        settings = {**settings, _TEMPERATURE: temperature}
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, folder / _WEIGHTS)
    content = {"kind": kind, "version": VERSION, "settings": settings, "weights_sha256": _sha256(folder / _WEIGHTS)}
    text = json.dumps({**content, "sha256": _sha256_of_content(content)}, indent=2, sort_keys=True)
    (folder / _SETTINGS).write_text(text + "\n", encoding="utf-8")  # last: with it, the whole is there


def load_posterior(
    folder: str | os.PathLike[str],
    *,
    network: Callable[[], nn.Module] | None = None,
    estimator: Any = None,
    features: Callable[[Inputs], Tensor] | None = None,
    device: str | None = None,
) -> Any:
    """Return the posterior in a folder: its draws give the numbers that they gave before it was saved.

    Args:
        folder: Where `save_posterior` wrote it.
        network: Makes the network whose weights were saved, for posteriors of networks.
        estimator: The one of scikit-learn that was bagged.
        features: The function that a head or a Gaussian process read its inputs through.
        device: Where draws compute.

    Raises:
        InputError: If something is missing or not of this kind, of a later version, or not what was saved.
    """
    folder = Path(folder)
    content = _settings(folder)
    offered = {"network": network, "estimator": estimator, "features": features, "device": device}
    given = {name: value for name, value in offered.items() if value is not None}
    kind = resolve_name(KINDS[content["kind"]])
    if foreign := sorted(given.keys() - inspect.signature(kind.from_state_dict).parameters.keys()):
        raise InputError(f"the posterior in {folder} is of the kind {content['kind']!r}: leave {foreign[0]}= out")
    settings, weights = content["settings"], folder / _WEIGHTS
    if _sha256(weights) != content["weights_sha256"]:
        raise InputError(f"{weights} is not the file that was saved: its SHA-256 is not that in {_SETTINGS}")
    tensors = read_tensors(weights)
    try:
        check_settings({_TEMPERATURE: 1.0, **settings}, {_TEMPERATURE: is_positive})
        posterior = kind.from_state_dict(tensors, settings, **given)
    except Exception as error:  # of whatever its parts, a network's function or an estimator raise
        said = error if isinstance(error, LindleyError) else f"{type(error).__name__}: {error}"
        raise InputError(f"the posterior in {folder} cannot be loaded: {said}") from error
    return scale_temperature(posterior, float(settings[_TEMPERATURE])) if _TEMPERATURE in settings else posterior


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file by name. Raises InputError where it cannot be read."""
    load_file = _safetensors().load_file
    if not file.is_file():
        raise InputError(f"{file} cannot be read as safetensors: there is no such file")
    try:
        return dict(load_file(file))
    except Exception as error:  # OSError, or what safetensors says of a file that is none
        raise InputError(f"{file} cannot be read as safetensors: {error}") from error


def _settings(folder: Path) -> Mapping[str, Any]:
    file = folder / _SETTINGS
    if not file.is_file():
        raise InputError(f"{folder} holds no posterior: there is no {_SETTINGS} in it")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON: {error}") from error
    version: Any = content.get("version") if isinstance(content, dict) else None
    if not is_whole(version) or version != VERSION:
        raise InputError(f"{file} is of version {version!r}; this lindley reads version {VERSION}")
    if content.keys() != _KEYS:
        raise InputError(f"{file} must have the keys {', '.join(sorted(_KEYS))}, and no other")
    if not one_of(KINDS)(content["kind"]):
        raise InputError(f"{file} is of the kind {content['kind']!r}; known are {', '.join(KINDS)}")
    if not isinstance(content["settings"], dict):
        raise InputError(f"the settings in {file} must be an object; got {type(content['settings']).__name__}")
    if content.pop("sha256") != _sha256_of_content(content):
        raise InputError(f"{file} is not as it was saved: its values do not have the SHA-256 that it names")
    return dict(content)


def _sha256(file: Path) -> str:
    if not file.is_file():
        raise InputError(f"{file} cannot be read as safetensors: there is no such file")
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}") from error


def _sha256_of_content(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _safetensors() -> Any:
    try:
        from safetensors import torch as safetensors_torch
    except ImportError:
        raise InputError("posteriors are saved with safetensors: pip install 'lindley[safetensors]'") from None
    return safetensors_torch
