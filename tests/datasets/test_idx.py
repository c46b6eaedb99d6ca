import struct

import numpy as np
import pytest

from lindley.datasets.idx import parse_idx
from lindley.errors import DataError


def idx(*shape, data=None, kind=8):
    data = bytes(range(int(np.prod(shape)))) if data is None else data
    return struct.pack(f">4B{len(shape)}I", 0, 0, kind, len(shape), *shape) + data


@pytest.mark.parametrize("shape", [(6,), (2, 3), (2, 3, 4), (0, 28, 28)])
def test_shape_and_bytes_are_those_of_the_file(shape):
    array = parse_idx(idx(*shape), name="images")
    assert array.dtype == np.uint8
    assert np.array_equal(array, np.arange(np.prod(shape)).reshape(shape))


def test_an_idx_file_truncated_at_any_byte_is_refused_by_name():
    whole = idx(2, 3, 4)
    for length in range(len(whole)):
        with pytest.raises(DataError) as caught:
            parse_idx(whole[:length], name="images")
        assert caught.value.path == "images"


@pytest.mark.parametrize(
    "wrong",
    [
        idx(2, 3) + b"x",
        idx(2, 3, kind=0x0D),
        b"\1" + idx(2, 3)[1:],
        idx(2, 3)[:1] + b"\1" + idx(2, 3)[2:],
        idx(),
        idx(2**32 - 1, 2**32 - 1, 2**32 - 1, data=b"short"),
        struct.pack(">4B", 0, 0, 8, 255) + bytes(40),
    ],
    ids=["too long", "floats", "first byte", "second byte", "no axes", "huge shape", "255 axes"],
)
def test_a_wrong_magic_number_shape_or_length_is_refused_by_name(wrong):
    with pytest.raises(DataError) as caught:
        parse_idx(wrong, name="images")
    assert caught.value.path == "images"


def test_the_message_has_the_expected_and_the_actual_length():
    text = r"should hold 18 bytes, by the shape \[2, 3\] .*; it holds 17"
    with pytest.raises(DataError, match=text):  # golden message
        parse_idx(idx(2, 3)[:-1], name="images")
