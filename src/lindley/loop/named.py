"""A user's own network, data or acquisition, named in a study as "package.module:name"."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lindley.errors import ConfigurationError


def is_named(name: str) -> bool:
    """True when a name of a study means a user's object rather than a catalogue entry."""
    return ":" in name


def load_named(name: str, *, folder: Path | None) -> object:
    """The object "package.module:name", looked for in `folder` (the study file's), then in the environment.

    While the module is imported its neighbours in the folder can be imported too. Raises ConfigurationError.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute.isidentifier():
        raise ConfigurationError(f"a user's object is named 'package.module:name'; got {name!r}")
    with _first_on_path(folder):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            where = f"in {folder} or in the environment" if folder else "in the environment"
            raise ConfigurationError(
                f"{name!r}: there is no module {error.name!r} {where}. "
                "Put the file beside the study file, or install its package."
            ) from error
        except Exception as error:
            raise ConfigurationError(
                f"{name!r}: importing {module_name} failed with {type(error).__name__}: {error}"
            ) from error
    if not hasattr(module, attribute):
        public = sorted(each for each in vars(module) if not each.startswith("_"))
        raise ConfigurationError(f"{name!r}: {module_name} ({module.__file__}) has no {attribute!r}; it has {public}")
    return getattr(module, attribute)


@contextmanager
def _first_on_path(folder: Path | None) -> Iterator[None]:
    entry = str(folder) if folder else None
    if entry:
        sys.path.insert(0, entry)
        importlib.invalidate_caches()
    try:
        yield
    finally:
        if entry:
            sys.path.remove(entry)
