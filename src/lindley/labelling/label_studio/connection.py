"""What a project remembers of its Label Studio: a file that only its owner may read, since it holds two secrets."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lindley.errors import DataError, InputError
from lindley.files import read_plain_file, sync_folder

FILE_NAME = "label-studio.json"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")
_PROJECT = re.compile(r"([0-9]{1,18})(\.[0-9]{1,18})?")


@dataclass(frozen=True)
class Connection:
    """A Label Studio that has this project as its backend."""

    secret: str
    """Stands in the address of the backend: who knows it may send labels."""
    token: str = field(default="", repr=False)
    """The token of its API, which it sends when it connects; "" before."""
    project: int | None = None
    """The number of the project there."""
    version: str = ""
    """The version of the predictions that were pushed last."""


class ConnectionFile:
    """The connection of a project, for threads.

    Args:
        folder: The project's folder.

    Raises:
        DataError: If the file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._mutex = folder / FILE_NAME, threading.Lock()
        self._value = _read(self._path)
        if self._value is None:
            self._value = Connection(secrets.token_urlsafe(32))
            _write(self._path, self._value)

    @property
    def value(self) -> Connection:
        """The connection as it is now."""
        assert self._value is not None
        return self._value

    def connect(self, project: object, token: object) -> None:
        """Remember the project and the token that Label Studio sends to /setup.

        Raises:
            InputError: If they are none; the message does not hold the token.
        """
        found = _PROJECT.fullmatch(project) if isinstance(project, str) else None
        if found is None:
            raise InputError(argument="project", expected="a number, as in '4.1795760504'", got=project)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise InputError("access_token is no token: connect the backend again in Label Studio.")
        number = int(found[1])
        version = self.value.version if (number, token) == (self.value.project, self.value.token) else ""
        self._change(project=number, token=token, version=version)

    def set_version(self, version: str) -> None:
        """Remember which predictions were pushed last; "": they must be pushed again."""
        self._change(version=version)

    def _change(self, **values: Any) -> None:
        with self._mutex:
            changed = replace(self.value, **values)
            if changed != self._value:
                _write(self._path, changed)
                self._value = changed


def _read(path: Path) -> Connection | None:
    try:
        return Connection(**json.loads(read_plain_file(path, max_bytes=1 << 16)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        raise DataError(
            f"{path} cannot be read. Delete it, and connect the backend again in Label Studio.", path=path
        ) from None


def _write(path: Path, value: Connection) -> None:
    """Write the file whole; nobody else may read it at any moment."""
    temporary = path.with_name(f"{path.name}.partial")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(value), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)
