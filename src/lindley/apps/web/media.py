"""The content of an item as a browser may have it: an image is decoded and encoded anew, so that nothing else in its
file reaches the page; all else is plain text.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from lindley.errors import DataError
from lindley.features.image_files import MAX_BYTES, encode_image, read_image
from lindley.files import read_plain_file
from lindley.labelling.project import Project
from lindley.labelling.records import Item

MAX_SIDE = 2048
"""The longest side of an image that is sent, in pixels."""
_decoding = threading.Semaphore(2)  # a large image takes hundreds of megabytes while it is decoded


def find_item(project: Project, number: int) -> Item | None:
    """Return an item; None where there is none of this id."""
    return next(project.store.items([number])) if 0 <= number < project.num_items else None


def read_media(project: Project, item: Item) -> tuple[bytes, str]:
    """Return the content of an item, and its type.

    Raises DataError where an image cannot be read, or is another one than that which was added.
    """
    if project.settings.kind != "images":
        return item.content.encode(), "text/plain; charset=utf-8"
    with _decoding:
        return encode_image(read_image(_read_unchanged(project.image_path(item), item.hash)), max_side=MAX_SIDE)


def _read_unchanged(path: Path, sha256: str) -> bytes:
    """Return the bytes of a file whose hash is known: a label must be of the item that it is stored for."""
    try:
        content = read_plain_file(path, max_bytes=MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", path=path) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(
            f"{path} is not the image that was added to the project: put that one back, "
            "or add the new one under another name with `lindley add`.",
            path=path,
        )
    return content
