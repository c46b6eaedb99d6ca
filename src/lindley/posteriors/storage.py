"""Saved posteriors: a folder with weights.safetensors and posterior.json. No pickle is written or loaded.

This is the one module of the posteriors that imports safetensors (extra `safetensors`).
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
from lindley.posteriors.state_checks import check_settings, is_positive, is_whole, one_of
from lindley.posteriors.temperature_scaling import TemperatureScaledPosterior, scale_temperature

VERSION = 1
"""The version of the format; another one is refused."""
_KIND_NAMES = {spec.posterior_path: name for name, spec in reversed([*POSTERIORS.items()])}
KINDS: Mapping[str, str] = {
    **{name: spec.posterior_path for name, spec in POSTERIORS.items() if name == _KIND_NAMES[spec.posterior_path]},
    "bagging": "lindley.posteriors.scikit_learn.bagging:BaggingPosterior",
    "given": "lindley.posteriors.external_predictions:ArrayPosterior",
}
"""The kinds of saved posteriors and the import paths of their classes; posteriors of one class are of one kind.

Each has `state_dict() -> (tensors, settings)` and a classmethod `from_state_dict(tensors, settings, **parts)`."""
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
    """Write a posterior into a folder, which is made where it is missing; for a tuned posterior, the one it chose.

    Raises:
        InputError: If posteriors of this kind cannot be saved, if the folder holds one already, or if safetensors is
            not installed.
        OSError: If the weights cannot be written, as on a full disk.
    """
    _safetensors()  # before anything is made
    temperature = None
    while isinstance(posterior, TunedPosterior | TemperatureScaledPosterior):
        if isinstance(posterior, TemperatureScaledPosterior):
            temperature = posterior.temperature * (temperature or 1.0)
        posterior = posterior.posterior
    path = f"{type(posterior).__module__}:{type(posterior).__qualname__}"
    kind = next((name for name, known in KINDS.items() if known == path), None)
    if kind is None or not isinstance(posterior, Storable):
        name = type(posterior).__name__
        raise InputError(f"{name} cannot be saved; these can: {', '.join(KINDS)}", argument="posterior", got=name)
    folder = Path(folder)
    if (folder / _SETTINGS).exists():
        raise InputError(
            f"{folder} holds a posterior already; name another folder, or remove it first",
            argument="folder",
            got=str(folder),
        )
    tensors, settings = posterior.state_dict()
    if temperature is not None:
        settings = {**settings, _TEMPERATURE: temperature}
    folder.mkdir(parents=True, exist_ok=True)
    _write_weights({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, folder / _WEIGHTS)
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
    """Return a saved posterior, whose draws predict the same numbers as before it was saved.

    Args:
        folder: The folder that `save_posterior` wrote.
        network: Makes the network whose weights were saved, for posteriors of networks.
        estimator: The estimator of scikit-learn that was bagged.
        features: The function through which a head or a Gaussian process read its inputs.
        device: The device on which draws compute.

    Raises:
        InputError: If a part is missing or does not belong to this kind, if the version is another one, or if the
            files are not as they were saved.
    """
    folder = Path(folder)
    content = _read_settings(folder)
    arguments = {"network": network, "estimator": estimator, "features": features, "device": device}
    parts = {name: value for name, value in arguments.items() if value is not None}
    kind = resolve_name(KINDS[content["kind"]])
    if unknown := sorted(parts.keys() - inspect.signature(kind.from_state_dict).parameters.keys()):
        raise InputError(
            f"the posterior in {folder} is of the kind {content['kind']!r}: leave {unknown[0]}= out",
            argument=unknown[0],
        )
    settings, weights = content["settings"], folder / _WEIGHTS
    if _sha256(weights) != content["weights_sha256"]:
        raise _bad_file(weights, f"is not the file that was saved: its SHA-256 is not that in {_SETTINGS}")
    tensors = read_tensors(weights)
    try:
        check_settings({_TEMPERATURE: 1.0, **settings}, {_TEMPERATURE: is_positive})
        posterior = kind.from_state_dict(tensors, settings, **parts)
    except Exception as error:  # whatever its parts, a network's function or an estimator raise
        reason = error if isinstance(error, LindleyError) else f"{type(error).__name__}: {error}"
        inner = error if isinstance(error, InputError) else InputError(got=str(error))
        raise InputError(
            f"the posterior in {folder} cannot be loaded: {reason}",
            argument=inner.argument,
            got=inner.got,
            rows=inner.rows,
        ) from error
    return scale_temperature(posterior, float(settings[_TEMPERATURE])) if _TEMPERATURE in settings else posterior


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file by name. Raises InputError where it cannot be read."""
    load_file = _safetensors().load_file
    if not file.is_file():
        raise _bad_file(file, "cannot be read as safetensors: there is no such file")
    try:
        return dict(load_file(file))
    except Exception as error:  # OSError, or the errors of safetensors
        raise _bad_file(file, f"cannot be read as safetensors: {error}") from error


def _read_settings(folder: Path) -> Mapping[str, Any]:
    file = folder / _SETTINGS
    if not file.is_file():
        raise _bad_file(file, f"is missing: {folder} holds no posterior")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad_file(file, f"cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise _bad_file(file, f"is not JSON: {error}") from error
    version: Any = content.get("version") if isinstance(content, dict) else None
    if not is_whole(version) or version != VERSION:
        raise _bad_file(file, f"is of version {version!r}; this lindley reads version {VERSION}")
    if content.keys() != _KEYS:
        raise _bad_file(file, f"must have the keys {', '.join(sorted(_KEYS))}, and no other")
    if not one_of(KINDS)(content["kind"]):
        raise _bad_file(file, f"is of the kind {content['kind']!r}; known are {', '.join(KINDS)}")
    if not isinstance(content["settings"], dict):
        raise _bad_file(file, f"must have an object of settings; got {type(content['settings']).__name__}")
    if content.pop("sha256") != _sha256_of_content(content):
        raise _bad_file(file, "is not as it was saved: its values do not have the SHA-256 that it names")
    return dict(content)


def _bad_file(file: Path, fault: str) -> InputError:
    return InputError(f"{file} {fault}", argument=file.name, got=str(file))


def _sha256(file: Path) -> str:
    if not file.is_file():
        raise _bad_file(file, "cannot be read as safetensors: there is no such file")
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _bad_file(file, f"cannot be read: {error}") from error


def _sha256_of_content(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _write_weights(tensors: dict[str, Tensor], file: Path) -> None:
    save_file = _safetensors().save_file
    from safetensors import SafetensorError

    try:
        save_file(tensors, file)
    except SafetensorError as error:  # it is no OSError, also where the disk is full
        raise OSError(f"{file} cannot be written: {error}") from None


def _safetensors() -> Any:
    try:
        from safetensors import torch as safetensors_torch
    except ImportError:
        raise InputError(
            "posteriors are saved with safetensors: pip install 'lindley[safetensors]'", argument="safetensors"
        ) from None
    return safetensors_torch
