"""Import paths: a user's own network, data or acquisition, named in a study as "package.module:name"."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from lindley.errors import ConfigurationError


def is_import_path(name: str) -> bool:
    """Return whether a name of a study is "package.module:name", a user's object rather than a catalogue entry."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))


def import_object(name: str, *, folder: Path | None) -> object:
    """Return the object "package.module:name", from `folder` (the study file's) or else from the environment.

    While the module is imported its neighbours in the folder can be imported too. Raises ConfigurationError.
    """
    if not is_import_path(name):
        raise ConfigurationError(argument="name", expected='an import path "package.module:name"', got=name)
    module_name, _, attribute = name.partition(":")
    with _prepend_to_path(folder):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name == module_name:
                _refuse_hidden(name, None, folder)
            where = f"in {folder} or in the environment" if folder else "in the environment"
            raise ConfigurationError(
                f"{name!r}: there is no module {error.name!r} {where}. "
                "Put the file beside the study file, or install its package.",
                got=name,
            ) from error
        except Exception as error:
            raise ConfigurationError(
                f"{name!r}: importing {module_name} failed with {type(error).__name__}: {error}", got=name
            ) from error
    _refuse_hidden(name, module, folder)
    if not hasattr(module, attribute):
        public = sorted(each for each in vars(module) if not each.startswith("_"))
        raise ConfigurationError(
            f"{name!r}: {module_name} ({_origin(module)}) has no {attribute!r}; it has {public}", got=name
        )
    _file_sha256(module)  # now, while the file is what was imported
    return getattr(module, attribute)


@dataclass(frozen=True)
class UserObject:
    """A user's object, and the sha256 of the file that it comes from; None where it comes from none."""

    value: Any
    code: str | None


def import_user_objects(names: Iterable[str | None], *, folder: Path | None) -> dict[str, UserObject]:
    """Import each name that is an import path, once; the others are names of a catalogue.

    Raises ConfigurationError as `import_object` does.
    """
    own = [name for name in dict.fromkeys(names) if name and is_import_path(name)]
    return {name: UserObject(import_object(name, folder=folder), source_sha256(name)) for name in own}


def source_sha256(name: str) -> str | None:
    """Return the sha256 of the file from which the module of "package.module:name" was loaded; None without a file.

    It covers that file alone, and not what the file imports.
    """
    return _file_sha256(importlib.import_module(name.partition(":")[0]))


def _refuse_hidden(name: str, loaded: ModuleType | None, folder: Path | None) -> None:
    """Raise ConfigurationError where a module that was loaded before hides the file in the folder."""
    module_name = name.partition(":")[0]
    place = folder.joinpath(*module_name.split(".")) if folder else None
    there = [each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()] if place else []
    if there and not (loaded and any(_is_file_of(loaded, path) for path in there)):
        what = f"{_origin(loaded)}, which" if loaded else f"a package {module_name.partition('.')[0]} that"
        raise ConfigurationError(
            f"{name!r}: {there[0]} is hidden by {what} is loaded already. Give it another name.", got=name
        )


def _is_file_of(module: ModuleType, path: Path) -> bool:
    try:
        return path.samefile(module.__file__ or "")
    except (OSError, AttributeError):  # gone, or of no file
        return False


def _origin(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or f"the module {module.__name__}"


@cache
def _file_sha256(module: ModuleType) -> str | None:
    path = getattr(module, "__file__", None)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None


@contextmanager
def _prepend_to_path(folder: Path | None) -> Iterator[None]:
    entry = str(folder) if folder else None
    if entry:
        sys.path.insert(0, entry)
        importlib.invalidate_caches()
    try:
        yield
    finally:
        if entry:
            sys.path.remove(entry)
