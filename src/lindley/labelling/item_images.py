"""The bytes of an item's image, as they were when it was added."""

from __future__ import annotations

import hashlib

from lindley.errors import DataError
from lindley.features.image_files import MAX_BYTES
from lindley.files import read_plain_file
from lindley.labelling.project import Project
from lindley.labelling.records import Item


def read_item_image(project: Project, item: Item) -> bytes:
    """Return the bytes of an image whose hash is known: a label must be of the item that it is stored for.

    Raises DataError where the file cannot be read, or is another one than that which was added.
    """
    path = project.image_path(item)
    try:
        content = read_plain_file(path, max_bytes=MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", path=path) from None
    if hashlib.sha256(content).hexdigest() != item.hash:
        raise DataError(
            f"{path} is not the image that was added to the project: put that one back, "
            "or add the new one under another name with `lindley add`.",
            path=path,
        )
    return content
