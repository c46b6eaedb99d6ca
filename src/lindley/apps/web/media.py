"""The content of an item as a browser may have it: an image is decoded and encoded anew, so that nothing else in its
file reaches the page; all else is plain text.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from lindley.features.image_files import read_image
from lindley.labelling.project import Project

MAX_SIDE = 2048
"""The longest side of an image that is sent, in pixels."""
_SMALL = 128 * 128  # pixels up to which nothing is lost


@dataclass(frozen=True)
class Media:
    """Bytes for a browser, their type, and a tag that changes with them."""

    content: bytes
    kind: str
    etag: str


def read_media(project: Project, item: int) -> Media | None:
    """Return the content of an item; None where there is none of this id. Raises DataError where it cannot be read."""
    if not 0 <= item < project.num_items:
        return None
    found = next(project.store.items([item]))
    if project.settings.kind != "images":
        return Media(found.content.encode(), "text/plain; charset=utf-8", found.hash)
    content, kind = _encode(read_image(project.image_path(found)))
    return Media(content, kind, found.hash)


def _encode(pixels) -> tuple[bytes, str]:  # type: ignore[no-untyped-def]
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = io.BytesIO()
    small = image.width * image.height <= _SMALL
    image.save(buffer, "PNG" if small else "JPEG", **({} if small else {"quality": 90}))
    return buffer.getvalue(), "image/png" if small else "image/jpeg"
