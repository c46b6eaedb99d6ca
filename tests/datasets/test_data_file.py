import contextlib
import gzip

import pytest

from lindley.datasets.data_file import read_verified
from lindley.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "images-idx3-ubyte.gz"


def refuse(path, file):
    """Return the path that the error names."""
    with pytest.raises(DataError) as caught:
        read_verified(path, file)
    return caught.value.path


def test_a_good_file_gives_its_decompressed_bytes(path, good, content, small_file):
    path.write_bytes(good)
    assert read_verified(path, small_file()) == content


def test_a_file_compressed_otherwise_is_as_good(path, content, small_file):
    path.write_bytes(gzip.compress(content, 0, mtime=99))
    assert read_verified(path, small_file()) == content


def test_a_file_truncated_at_any_byte_is_refused_by_name(path, good, small_file):
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert refuse(path, small_file()) == path


def test_no_flipped_bit_changes_what_is_loaded(path, good, content, small_file):
    """Flips that the decompressed bytes do not show (the header's time, say) are harmless; all others are refused."""
    harmless = []
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with contextlib.suppress(DataError):
            assert read_verified(path, small_file()) == content
            harmless.append(bit // 8)
    # bytes 3 to 9 of a gzip file are flags, time and system; padding ends the last deflate block, before the
    # eight bytes of the trailer
    assert set(harmless) <= {3, 4, 5, 6, 7, 8, 9, len(good) - 9}


def test_a_file_with_other_bytes_of_the_right_number_is_refused(path, altered, small_file):
    path.write_bytes(altered)
    assert refuse(path, small_file()) == path


@pytest.mark.parametrize("extra", [b"more", gzip.compress(b"more", mtime=0)])
def test_a_file_with_something_after_its_end_is_refused(path, good, small_file, extra):
    path.write_bytes(good + extra)
    assert refuse(path, small_file()) == path


def test_a_folder_in_the_place_of_the_file_is_named(path, small_file):
    path.mkdir()
    assert refuse(path, small_file()) == path
