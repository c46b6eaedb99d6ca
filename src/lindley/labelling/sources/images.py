"""Images to label: the files of a folder, each decoded once to see that it can be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lindley.errors import Argument, InputError
from lindley.features.image_files import describe_image
from lindley.files import read_plain_file
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.folder_walk import File, walk_folder
from lindley.labelling.sources.known_labels import read_label
from lindley.text import count_noun

FOLDER_LABEL = "folder"
"""The label that stands for the name of the folder of an image."""
_MAX_BYTES = 1 << 28


def read_images(root: Path, *, use_folders: bool, classes: Sequence[str]) -> Iterator[Found | Unreadable]:
    """Yield the images of a folder and of those within it, sorted by name.

    The hash is the sha256 of the file's bytes, so `sha256sum` gives it too; the same picture in other bytes is another
    item, which `groups` finds to be a near-duplicate.

    Args:
        root: The folder.
        use_folders: Whether the name of the folder that an image lies in is its label.
        classes: The names of the classes; () where every folder is one.
    """
    for file in walk_folder(root):
        yield file if isinstance(file, Unreadable) else _read_image(file, use_folders, classes)


def check_subfolders(root: Path) -> None:
    """Raise InputError where no file of a folder lies in a subfolder, which would be its label."""
    places = [each.place for each in walk_folder(root)]
    if places and not any("/" in place for place in places):
        raise InputError(
            Argument("label", FOLDER_LABEL),
            " takes the subfolder in which an image lies as its label: it needs one subfolder for each class. "
            f"{root} has none, only {count_noun(len(places), 'file')}, such as {places[0]!r}. Move the images into "
            "subfolders that are named like the classes, or leave --label out.",
            argument="source",
            got=str(root),
        )


def _read_image(file: File, use_folders: bool, classes: Sequence[str]) -> Found | Unreadable:
    try:
        content = read_plain_file(file.path, max_bytes=_MAX_BYTES)
    except OSError as error:
        return Unreadable(file.place, f"it cannot be read: {error.strerror}")
    if not content:
        return Unreadable(file.place, "the file is empty")
    try:
        meta = describe_image(content)
    except ValueError as error:
        return Unreadable(file.place, str(error))
    label, reason = _folder_label(file.place, classes) if use_folders else (None, "")
    meta |= {"label_reason": reason} if reason else {}
    return Found(file.place, hashlib.sha256(content).hexdigest(), file.place, label, meta=meta)


def _folder_label(place: str, classes: Sequence[str]) -> tuple[str | None, str]:
    """Return the innermost folder that is a class, and else the reason."""
    folders = place.split("/")[:-1]
    if not folders:
        return None, "the image lies in no subfolder"
    named = [each for each in reversed(folders) if each in classes or not classes]
    return (named[0], "") if named else read_label(folders[-1], classes)
