"""Images to label: the files of a folder, each decoded once to see that it can be. Pillow reads them."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lindley.files import read_plain_file
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.folder_walk import File, walk_folder
from lindley.labelling.sources.known_labels import read_label

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""The formats that are read, known by content and not by name. Of several frames the first one counts."""
THUMBNAIL = 8
"""The side of the thumbnail by which near-duplicates are found, in pixels."""
MAX_PIXELS = 80_000_000
_MAX_BYTES = 1 << 28
_DRAFT = (128, 128)
"""A JPEG is decoded at the smallest scale that has at least this size, which is four times as fast."""


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


def _read_image(file: File, use_folders: bool, classes: Sequence[str]) -> Found | Unreadable:
    try:
        content = read_plain_file(file.path, max_bytes=_MAX_BYTES)
    except OSError as error:
        return Unreadable(file.place, f"it cannot be read: {error.strerror}")
    if not content:
        return Unreadable(file.place, "the file is empty")
    try:
        meta = _describe(content)
    except ValueError as error:
        return Unreadable(file.place, str(error))
    label, reason = _folder_label(file.place, classes) if use_folders else (None, "")
    meta |= {"label_reason": reason} if reason else {}
    return Found(file.place, hashlib.sha256(content).hexdigest(), file.place, label, meta=meta)


def _folder_label(place: str, classes: Sequence[str]) -> tuple[str | None, str]:
    """Return the innermost folder that is a class, and else the reason; an image beside the folders has no label."""
    folders = place.split("/")[:-1]
    named = [each for each in reversed(folders) if each in classes or not classes]
    return (named[0], "") if named else read_label(folders[-1] if folders else "", classes)


def _describe(content: bytes) -> dict[str, Any]:
    """Decode an image, and return its size and thumbnail. Raises ValueError, which says why it cannot be used."""
    from PIL import Image, UnidentifiedImageError  # Pillow comes with matplotlib, which lindley requires

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata, which play no part, and of Pillow's own limit of pixels
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return _decode(image)
        except UnidentifiedImageError:
            raise ValueError("it is no image that can be read") from None
        except (_UnusableError, Image.DecompressionBombError) as error:
            raise ValueError(str(error)) from None
        except Exception as error:  # a decoder meets bytes that somebody else wrote, and raises what it likes
            raise ValueError(f"the image is damaged: {error or type(error).__name__}") from None


class _UnusableError(Exception):
    """An image that is sound, and cannot be used."""


def _decode(image: Image) -> dict[str, Any]:
    """Return the size of an image as it is seen, and its thumbnail in grey; what is transparent is white."""
    from PIL import Image, ImageOps

    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _UnusableError(f"it has {width:,} x {height:,} pixels, more than {MAX_PIXELS:,}; make it smaller")
    if image.mode in ("I", "F"):
        raise _UnusableError(f"its pixels are of the mode {image.mode!r}; convert them to 8 or 16 bits")
    image.draft("L", _DRAFT)
    upright = ImageOps.exif_transpose(image)
    if (upright.width > upright.height) != (image.width > image.height):
        width, height = height, width
    if "A" in upright.getbands() or "transparency" in upright.info:
        opaque = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
    thumbnail = upright.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return {"width": width, "height": height, "thumbnail": thumbnail.tobytes().hex()}
