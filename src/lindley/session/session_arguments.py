"""The arguments of a session: checked once, before anything is read or written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.specs import ACQUISITIONS
from lindley.arrays import ArrayLike, as_whole_numbers
from lindley.contracts import Acquisition, Classification, FeatureExtractor, Learner, Pool
from lindley.errors import InputError
from lindley.session.event_store import EventStore, MemoryStore
from lindley.session.journal_file import JournalStore
from lindley.shapes import Rows

_OPEN_STORES: WeakValueDictionary[str, JournalStore] = WeakValueDictionary()
"""By folder, the stores that sessions of this process opened and still use."""

_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "pool": (
        lambda value: _is_instance(value, Pool),
        "a Pool, with len() and read(rows), as lindley.pools.memory.MemoryPool(inputs) is",
    ),
    "learner": (lambda value: _is_instance(value, Learner), "a Learner, with fit(data, *, previous, seed)"),
    "acquisition": (
        lambda value: isinstance(value, str) or (callable(value) and not isinstance(value, type)),
        "a name, or a function (context, batch_size, *, seed) -> Selection",
    ),
    "task": (lambda value: isinstance(value, Classification), "a Classification, the only task that sessions serve"),
    "store": (
        lambda value: value is None or _is_path(value) or _is_instance(value, EventStore),
        "a folder, an EventStore with append, read and save_arrays, or None for memory",
    ),
    "features": (
        lambda value: value is None or _is_instance(value, FeatureExtractor),
        "an object with a method features(inputs), or None for the posterior",
    ),
    "consensus": (
        lambda value: callable(value) and not isinstance(value, type),
        "a function from the answers to a row to one Answer or None",
    ),
    "options": (lambda value: value is None or _has_text_keys(value), "a mapping from the names of options to values"),
    "requires": (
        lambda value: isinstance(value, Set) and all(isinstance(each, str) for each in value),
        'a set of names, such as {"targets"}',
    ),
    "observers": (
        lambda value: value is None or _are_observers(value),
        "a mapping from names, without slashes, to functions (view) -> Observation",
    ),
    "key": (lambda value: value is None or (isinstance(value, str) and bool(value)), "text, or None"),
    "on_progress": (callable, "a function that takes a progress event"),
}
"""By argument, whether a value is of the right kind, and what is expected."""


def check_kinds(**arguments: object) -> None:
    """Raise InputError for the first argument that is of a wrong kind."""
    for name, value in arguments.items():
        fits, expected = _EXPECTED[name]
        if not fits(value):
            raise InputError(argument=name, expected=expected, got=value)


def resolve_acquisition(
    acquisition: str | Acquisition, options: Mapping[str, object], requires: frozenset[str]
) -> tuple[Acquisition, frozenset[str], bool]:
    """Return the acquisition, what it requires, and whether it reads predictions of the candidates.

    Args:
        acquisition: A name of the catalogue, or a function.
        options: The options of a named acquisition.
        requires: The optional parts of the context that a function requires.

    Raises:
        InputError: If there is no such acquisition, or it has no such options.
    """
    if isinstance(acquisition, str):
        chosen = acquisition_named(acquisition, options)
        return chosen, ACQUISITIONS[acquisition].requirements(options), not ACQUISITIONS[acquisition].prediction_free
    if options:
        raise InputError(
            "An acquisition of your own takes no options: bind them beforehand, as by functools.partial.",
            argument="options",
            got=dict(options),
        )
    return acquisition, requires, True


def read_sources(sources: ArrayLike | None, num_rows: int) -> Rows | None:
    """Return the input of which each row is a copy, [N]. Raises InputError unless there is one for each row."""
    if sources is None:
        return None
    rows = as_whole_numbers(sources, "sources").cpu()
    if [*rows.shape] != [num_rows]:
        raise InputError(argument="sources", expected=f"[{num_rows}], one for each row of the pool", got=[*rows.shape])
    return rows


def open_store(store: str | os.PathLike[str] | EventStore | None) -> EventStore:
    """Return the store. A folder that an earlier session of this process has open is taken over: a cell runs again."""
    if store is None:
        return MemoryStore()
    if not isinstance(store, str | os.PathLike):
        return store
    folder = os.path.realpath(store)
    if earlier := _OPEN_STORES.pop(folder, None):
        earlier.close()
    opened = _OPEN_STORES[folder] = JournalStore(Path(store))
    return opened


def default_key(task: Classification, num_rows: int, seed: int) -> str:
    """Return a hash of what a session cannot change.

    Args:
        task: Its classes.
        num_rows: The size of its pool, N.
        seed: Its seed.
    """
    content = json.dumps({"classes": task.class_names, "rows": num_rows, "seed": seed})
    return hashlib.sha256(content.encode()).hexdigest()


def _is_instance(value: object, protocol: type) -> bool:
    """Whether a value, and not the class of one, has the methods of a protocol."""
    return isinstance(value, protocol) and not isinstance(value, type)


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike) and "\0" not in str(value)


def _has_text_keys(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _are_observers(value: object) -> bool:
    """Whether a value maps names, which become names of files, to functions."""
    return (
        isinstance(value, Mapping)
        and all(isinstance(name, str) and name and not {"/", "\\"} & set(name) for name in value)
        and all(map(callable, value.values()))
    )
