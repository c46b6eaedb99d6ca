"""Images of every mode, turned, transparent, animated, truncated and far too large."""

import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from lindley.errors import DataError, InputError
from lindley.features.image_files import read_image

RED_AND_BLUE = np.array([[[255, 0, 0], [0, 0, 255]]], dtype=np.uint8)  # one line: red, then blue


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_paths_bytes_and_pixels_are_the_same_image(tmp_path):
    content = encode(Image.fromarray(RED_AND_BLUE))
    (tmp_path / "image.png").write_bytes(content)
    for given in (content, tmp_path / "image.png", str(tmp_path / "image.png"), RED_AND_BLUE):
        assert np.array_equal(read_image(given), RED_AND_BLUE)


@pytest.mark.parametrize(("orientation", "expected"), [(1, "rb"), (3, "br"), (2, "br"), (6, "r/b"), (8, "b/r")])
def test_the_orientation_of_exif_is_obeyed(orientation, expected):
    image = Image.fromarray(RED_AND_BLUE)
    exif = image.getexif()
    exif[0x0112] = orientation
    pixels = read_image(encode(image, exif=exif))
    letters = "/".join("".join("r" if pixel[0] else "b" for pixel in line) for line in pixels)
    assert letters == expected


def test_transparent_pixels_are_white():
    pixels = np.array([[[255, 0, 0, 255], [0, 0, 0, 0], [0, 0, 0, 128]]], dtype=np.uint8)
    assert read_image(encode(Image.fromarray(pixels))).tolist() == [[[255, 0, 0], [255, 255, 255], [127, 127, 127]]]


def test_palettes_keep_their_colours_and_their_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    assert read_image(encode(image)).tolist() == [[[255, 0, 0], [0, 255, 0]]]
    assert read_image(encode(image, transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert read_image(encode(image, "GIF", transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_sixteen_bits_become_eight():
    image = Image.fromarray(np.array([[0, 257 * 100, 65_535]], dtype=np.uint16))
    assert read_image(encode(image))[0, :, 0].tolist() == [0, 100, 255]
    assert read_image(encode(image, "TIFF"))[0, :, 0].tolist() == [0, 100, 255]


def test_numbers_of_another_range_are_refused():
    for values in (np.array([[0.5, 2.0]], dtype=np.float32), np.array([[-1, 70_000]], dtype=np.int32)):
        with pytest.raises(DataError):
            read_image(encode(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_is_read(mode):
    image = Image.new("RGB", (3, 2), "white").convert(mode)
    pixels = read_image(encode(image, "TIFF"))
    assert pixels.shape == (2, 3, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_read(kind):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert read_image(content)[0, 0].tolist() == [255, 0, 0]


def test_size_is_width_and_height():
    content = encode(Image.new("RGB", (1000, 500), "red"), "JPEG")
    assert read_image(content, size=(32, 24)).shape == (24, 32, 3)
    assert read_image(np.zeros((5, 7), np.uint8), size=(3, 2)).shape == (2, 3, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_and_altered_files_are_refused_by_name(tmp_path, kind):
    noise = np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8)
    content = encode(Image.fromarray(noise), kind)
    path = tmp_path / "image"
    for length in (0, 1, 10, len(content) // 2):
        path.write_bytes(content[:length])
        with pytest.raises(DataError) as caught:
            read_image(path)
        assert caught.value.path == path


def test_any_damage_gives_pixels_or_one_clear_error():
    generator = np.random.default_rng(0)
    noise = Image.fromarray(generator.integers(256, size=(20, 20, 3), dtype=np.uint8))
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP"):
        content = encode(noise, kind)
        for _ in range(40):
            damaged = bytearray(content)
            for place in generator.integers(len(damaged), size=3):
                damaged[place] = generator.integers(256)
            with contextlib.suppress(DataError):
                assert read_image(bytes(damaged)).dtype == np.uint8


@pytest.mark.parametrize("side", [9_000, 12_000, 100_000])
def test_a_bomb_is_refused_before_it_is_decoded(side, monkeypatch):
    """A PNG that says it is huge; there are no pixels in it."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image.size))
    with pytest.raises(DataError):
        read_image(content)
    assert not decoded


@pytest.mark.skipif(os.name == "nt", reason="there are no such pipes")
def test_a_pipe_in_the_place_of_an_image_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "cat.png")
    with pytest.raises(DataError) as raised:
        read_image(tmp_path / "cat.png")
    assert raised.value.path == tmp_path / "cat.png"


def test_missing_files_and_folders_are_refused_by_name(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(DataError) as caught:
            read_image(path)
        assert caught.value.path == path


@pytest.mark.parametrize(
    "content", [np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8), np.zeros((0, 2), np.uint8), np.zeros(3, np.uint8)]
)
def test_arrays_that_are_no_pixels_are_refused(content):
    with pytest.raises(InputError):
        read_image(content)
