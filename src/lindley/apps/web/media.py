"""The content of an item as a browser may have it: an image is decoded and encoded anew, so that nothing else in its
file reaches the page; all else is plain text.
"""

from __future__ import annotations

import threading

from lindley.features.image_files import encode_image, read_image
from lindley.labelling.item_images import read_item_image
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
        return encode_image(read_image(read_item_image(project, item)), max_side=MAX_SIDE)
