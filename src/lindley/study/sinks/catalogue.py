"""The sinks by name. One line adds one."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from lindley.errors import InputError
from lindley.session.locks import FileLock
from lindley.study.config.schema import Study
from lindley.study.config.validation import describe_unknown
from lindley.study.folder import LOCK_NAME, PATIENCE_SECONDS
from lindley.study.sinks.contract import Sink

Opener = Callable[[str, Study, Path], Sink]

SINKS = {
    "mlflow": "lindley.study.sinks.mlflow_sink",
    "tensorboard": "lindley.study.sinks.tensorboard_sink",
}
"""The module of each, which imports the other program and has `open_sink(where, study, out)`, by the extra's name."""


def open_sink(text: str, study: Study, out: str | os.PathLike[str]) -> Sink:
    """Return the sink of "NAME" or "NAME:WHERE".

    Args:
        text: The name of the sink, and where it writes; a place in `out` without WHERE.
        study: The study that is run.
        out: Its output folder.

    Raises:
        InputError: For an unknown name, for a program that is not installed, and for a place that it refuses.
    """
    out = Path(out)
    name, _, where = text.partition(":")
    if name not in SINKS:
        raise InputError(f"the sink {describe_unknown(name, SINKS)}", argument="sink", got=name)
    try:
        module = import_module(SINKS[name])
    except ModuleNotFoundError as error:
        raise InputError(
            f'the sink {name} requires {error.name}, which is not installed: pip install "lindley[{name}]"',
            argument="sink",
            got=name,
        ) from None
    try:
        with FileLock(out / LOCK_NAME, timeout=PATIENCE_SECONDS):  # two that make a database disturb each other
            return cast(Opener, module.open_sink)(where, study, out)
    except Exception as error:  # another program's: it may be anything
        message = f"the sink {text} cannot be opened: {type(error).__name__}: {error}. Name another place."
        raise InputError(message, argument="sink", got=text) from error
