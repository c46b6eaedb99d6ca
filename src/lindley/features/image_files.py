"""Images of any format as arrays of pixels, and back, within limits of memory. The one module that imports Pillow.

Pillow comes with matplotlib, which lindley requires.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lindley.errors import DataError, InputError
from lindley.files import read_plain_file

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 80_000_000
"""The largest image that is decoded: 240 MB of pixels."""
MAX_BYTES = 1 << 28
"""The largest file that is read."""
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""The formats that are read, known by content and not by name. Of several frames the first one counts."""
THUMBNAIL = 8
"""The side of the thumbnail by which near-duplicates are found, in pixels."""
_DRAFT = (128, 128)
"""A JPEG is decoded at the smallest scale that has at least this size, which is four times as fast."""
_SMALL = 128 * 128
"""The number of pixels up to which nothing of an image is lost when it is sent."""


def read_image(
    content: str | Path | bytes | np.ndarray, *, size: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Return an image as it is meant to be seen, in RGB.

    It is turned as its EXIF orientation says; of an animation it is the first frame; what is transparent is white;
    16 bits become 8. The file is not changed.

    Args:
        content: A path, the bytes of a file, or pixels, uint8 [h, w] or [h, w, 3].
        size: The width and height to which it is scaled, without regard to its proportions; None keeps its size.
        max_pixels: The largest number of pixels of an image that is decoded.

    Returns:
        The pixels, [h, w, 3] uint8.

    Raises:
        DataError: If the file is missing or damaged, is no image, or has too many pixels.
        InputError: If the content is none of these.
    """
    if isinstance(content, np.ndarray):
        return _resize_pixels(_check_pixels(content), size)
    name = Path(content) if isinstance(content, str | Path) else None
    shown = str(name or "the image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit is below, and its notes on odd metadata are no faults
            with _open(content) as image:
                _refuse_large(image, max_pixels)
                return _decode(image, size)
    except InputError:
        raise
    except OSError as error:  # Pillow's own are some, too
        reason = error.strerror or str(error) or type(error).__name__
        raise DataError(f"{shown} cannot be read as an image: {reason}", path=name) from None
    except Exception as error:  # whatever a decoder raises at bytes that somebody else wrote
        raise DataError(f"{shown} cannot be read as an image: {type(error).__name__}: {error}", path=name) from None


def describe_image(content: bytes) -> dict[str, Any]:
    """Decode the bytes of a file of `FORMATS`, and return the image's `width`, `height` and `thumbnail`.

    The size is that of the image as it is seen; the thumbnail is grey, in hex.

    Raises:
        ValueError: If it cannot be used; the message says why.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata, which play no part, and of Pillow's own limit of pixels
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return _describe(image)
        except UnidentifiedImageError:
            raise ValueError("it is no image that can be read") from None
        except (_UnusableError, Image.DecompressionBombError) as error:
            raise ValueError(str(error)) from None
        except Exception as error:  # a decoder meets bytes that somebody else wrote, and raises what it likes
            raise ValueError(f"the image is damaged: {error or type(error).__name__}") from None


def encode_image(pixels: np.ndarray, *, max_side: int) -> tuple[bytes, str]:
    """Return the bytes of an image file and its type: PNG of a small image, else JPEG.

    Args:
        pixels: The pixels, [h, w, 3] uint8.
        max_side: The longest side; a larger image is scaled down.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((max_side, max_side))
    buffer = io.BytesIO()
    small = image.width * image.height <= _SMALL
    image.save(buffer, "PNG" if small else "JPEG", **({} if small else {"quality": 90}))
    return buffer.getvalue(), "image/png" if small else "image/jpeg"


def _open(content: Any) -> Image:
    from PIL import Image

    if not isinstance(content, str | Path | bytes):
        expected = "a path, the bytes of a file, or an array of pixels"
        raise InputError(argument="contents", expected=expected, got=type(content).__name__)
    if not isinstance(content, bytes):  # Pillow would wait for a pipe that took the place of an image
        content = read_plain_file(Path(content), max_bytes=MAX_BYTES)
    return Image.open(io.BytesIO(content))


def _refuse_large(image: Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise OSError(f"{width:,} x {height:,} pixels are more than {max_pixels:,}; make it smaller")


def _decode(image: Image, size: tuple[int, int] | None) -> np.ndarray:
    from PIL import Image, ImageOps

    if size is not None:
        image.draft("RGB", size)  # a JPEG is decoded at half its size, or less, where that is enough
    image.seek(0)
    image.load()
    upright = _to_rgb(ImageOps.exif_transpose(image))
    if size is not None and upright.size != size:
        upright = upright.resize(size, Image.Resampling.BILINEAR)
    return np.array(upright)


def _to_rgb(image: Image) -> Image:
    """Return an image of any mode in RGB, on white where it is transparent."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_bytes(np.asarray(image), image.mode)).convert("RGB")
    return _on_white(image).convert("RGB")


def _on_white(image: Image) -> Image:
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    opaque = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)


def _to_bytes(values: np.ndarray, mode: str) -> np.ndarray:
    """Return grey values of 16 bits as 8 bits; values of another range have no meaning that is known."""
    whole = values.astype(np.int64)
    if mode.startswith("F") or whole.min() < 0 or whole.max() > 65_535:
        raise OSError(f"its pixels are of the mode {mode!r}; convert them to 8 or 16 bits")
    return (whole // 257).astype(np.uint8)


def _check_pixels(pixels: np.ndarray) -> np.ndarray:
    grey = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not (grey or (pixels.ndim == 3 and pixels.shape[2] == 3)) or 0 in pixels.shape:
        expected = "pixels, uint8 [h, w] or [h, w, 3]"
        raise InputError(argument="contents", expected=expected, got=f"{pixels.dtype} {[*pixels.shape]}")
    return np.repeat(pixels[:, :, None], 3, axis=2) if grey else pixels


def _resize_pixels(pixels: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    from PIL import Image

    if size is None or (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


class _UnusableError(Exception):
    """An image that is sound but cannot be used."""


def _describe(image: Image) -> dict[str, Any]:
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
    thumbnail = _on_white(upright).convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return {"width": width, "height": height, "thumbnail": thumbnail.tobytes().hex()}
