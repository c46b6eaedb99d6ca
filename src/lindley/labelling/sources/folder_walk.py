"""The files of a folder and of those within it, in order; what is no plain file of it is named with its reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lindley.labelling.records import Unreadable


@dataclass(frozen=True)
class File:
    """A plain file: its place relative to the folder, with "/" between the parts, and its path."""

    place: str
    path: Path


def walk_folder(root: Path) -> Iterator[File | Unreadable]:
    """Yield the files of a folder, sorted by name, those of its folders in their place.

    Hidden files and folders are left out, and links are followed only to files within the folder: a folder that is
    linked from within is read at its own place, so that no circle is ever entered.
    """
    resolved = root.resolve()
    waiting: list[tuple[str, os.DirEntry[str] | OSError]] = _list_folder(root, "")
    while waiting:
        place, entry = waiting.pop()
        if isinstance(entry, OSError):
            yield Unreadable(place, f"the folder cannot be read: {entry.strerror}")
        elif reason := _reason(entry, resolved):
            yield Unreadable(place.encode("utf-8", "backslashreplace").decode(), reason)
        elif entry.is_dir(follow_symlinks=False):
            waiting += _list_folder(Path(entry.path), f"{place}/")
        else:
            yield File(place, Path(entry.path))


def _list_folder(folder: Path, prefix: str) -> list[tuple[str, os.DirEntry[str] | OSError]]:
    """Return the places and entries of a folder, the first one last."""
    try:
        with os.scandir(folder) as found:
            return [(prefix + each.name, each) for each in sorted(found, key=lambda each: each.name, reverse=True)]
    except OSError as error:
        return [(prefix.rstrip("/") or ".", error)]


def _reason(entry: os.DirEntry[str], root: Path) -> str:
    """Return why an entry is not read, "" where it is."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    try:
        if entry.name.startswith("."):
            return "a hidden folder" if entry.is_dir() else "a hidden file"
        if entry.is_symlink():
            return _link_reason(Path(entry.path), root)
        if not (entry.is_file() or entry.is_dir()):
            return "no plain file"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return ""


def _link_reason(link: Path, root: Path) -> str:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: Python 3.11 and 3.12, for a circle
        return "a link that leads nowhere, or to itself"
    if not target.is_relative_to(root):
        return "a link that leads outside the folder"
    if target.is_dir():
        return "a link to a folder, which is read at its own place"
    return "" if target.is_file() else "no plain file"
