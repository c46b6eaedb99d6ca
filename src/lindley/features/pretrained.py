"""Pretrained networks, from a folder or from the hub. The one module of features that imports transformers.

Everything is read from a folder, so nothing is fetched where one is given; a hub name is fetched once, and found in
the hub's own cache afterwards (HF_HUB_OFFLINE=1 forbids the network). Weights are read as safetensors: no pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from lindley.errors import InputError

_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model")
_WEIGHTS = "*.safetensors"


def model_folder(model: str | os.PathLike[str], extra: str) -> Path:
    """Return the folder of a network.

    Args:
        model: The folder, or the name of a model of the hub, "owner/name", which is fetched where it is missing.
        extra: The optional dependencies of lindley that it requires, for messages.

    Raises:
        InputError: If it is neither, if it has no weights as safetensors, or if transformers is not installed.
    """
    transformers(extra)
    folder = Path(model)
    if not folder.is_dir():
        folder = _fetch(os.fspath(model))
    if not (folder / "config.json").is_file() or not any(folder.glob(_WEIGHTS)):
        expected = "a folder with config.json and *.safetensors, as save_pretrained writes it"
        raise InputError(argument="model", expected=expected, got=str(folder))
    return folder


@cache
def model_sha256(folder: Path) -> str:
    """Return the sha256 of all files of a network: weights, configuration and tokenizer."""
    digest = hashlib.sha256()
    paths = {path for pattern in _PATTERNS for path in folder.rglob(pattern) if path.is_file()}
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
        with path.open("rb") as file:
            digest.update(f"{path.relative_to(folder).as_posix()} ".encode())
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def transformers(extra: str) -> Any:
    """Return the package transformers. Raises InputError, which names the extra, where it is not installed."""
    try:
        import transformers
    except ImportError:
        expected = f"installed for pretrained encoders: pip install 'lindley[{extra}]'"
        raise InputError(argument="transformers", expected=expected) from None
    return transformers


def load_part(kind: str, folder: Path, **options: Any) -> Any:
    """Return a part of a pretrained network.

    Args:
        kind: The class of transformers, such as "AutoModel".
        folder: The folder of the network.
        options: Further arguments of its from_pretrained.

    Raises:
        InputError: If the folder cannot be read as such.
    """
    import transformers

    try:
        with _quiet(transformers.utils.logging):
            return getattr(transformers, kind).from_pretrained(folder, local_files_only=True, **options)
    except Exception as error:  # whatever a reader raises at a folder that somebody else wrote
        first_line = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{folder} cannot be loaded by transformers.{kind}: {type(error).__name__}: {first_line}",
            argument="model",
            got=str(folder),
        ) from error


def load_network(folder: Path) -> Any:
    """Return the network of a folder in eval mode, on the CPU in float32."""
    import torch

    return load_part("AutoModel", folder, use_safetensors=True, dtype=torch.float32).eval()


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; an empty one where the file is missing. Raises InputError for another file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}", argument="model", got=str(path)) from None
    if not isinstance(content, dict):
        raise InputError(argument=str(path), expected="an object of JSON", got=type(content).__name__)
    return content


@contextmanager
def _quiet(logging: Any) -> Iterator[None]:
    """Keep transformers from showing a progress bar and notes where only an error matters."""
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download

    if name.startswith((".", "/", "~")) or name.count("/") != 1 or "\\" in name:
        raise InputError(
            argument="model", expected="a folder that exists, or the name of a model of the hub, owner/name", got=name
        )
    try:
        return Path(snapshot_download(name, allow_patterns=[*_PATTERNS, "1_Pooling/*"]))
    except Exception as error:  # no network, offline, no such model: many kinds
        first_line = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{name!r} is no folder here, and could not be fetched from the hub ({type(error).__name__}: {first_line})",
            argument="model",
            got=name,
        ) from None
