"""Columns of .parquet files: lists of lists or flat, held or read group by group."""

from __future__ import annotations

import re
import sys

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from lindley.apps.array_files import open_array
from lindley.apps.input_files import Location
from lindley.apps.parquet_files import ParquetColumn, open_parquet
from lindley.errors import DataError, InputError

ARRAY = np.random.default_rng(0).normal(size=(1300, 3, 4)).astype(np.float32)
NESTED = pa.list_(pa.list_(pa.float32()))


def write(folder, values, type_=NESTED, *, column="log_probs", groups=400, **more):
    path = folder / "a.parquet"
    rows = values.tolist() if isinstance(values, np.ndarray) else values
    parquet.write_table(pa.table({column: pa.array(rows, type_), **more}), path, row_group_size=groups)
    return path


@pytest.mark.parametrize(
    "type_",
    [
        NESTED,
        pa.list_(pa.list_(pa.float32(), 4), 3),
        pa.large_list(pa.large_list(pa.float32())),
        pa.list_(pa.list_(pa.float64()), 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("hold_bytes", [0, 1 << 30], ids=["streamed", "held"])
def test_lists_of_lists_are_read_in_any_order(tmp_path, type_, hold_bytes):
    stored = open_parquet(Location(write(tmp_path, ARRAY, type_)), "log_probs", hold_bytes=hold_bytes)
    assert isinstance(stored, ParquetColumn) == (hold_bytes == 0)
    assert stored.shape == ARRAY.shape
    whole = torch.from_numpy(ARRAY)
    for start, stop in [(0, 170), (170, 900), (900, 1300), (0, 1300), (399, 401), (1299, 1300), (5, 5)]:
        assert torch.equal(stored.read(0, slice(start, stop)).float(), whole[start:stop])
    for places in ([1299, 0, 400, 0, 399], [7], []):
        wanted = torch.tensor(places, dtype=torch.int64)
        assert torch.equal(stored.read(0, wanted).float(), whole[wanted])


def test_float16_and_flat_lists_with_the_number_of_draws_are_read(tmp_path):
    path = write(tmp_path, ARRAY.reshape(1300, 12).astype(np.float16), pa.list_(pa.float16()))
    stored = open_array(Location(path), "log_probs", num_draws=3)
    assert torch.equal(stored.read(0, slice(0, 1300)), torch.from_numpy(ARRAY.astype(np.float16)))
    assert open_array(Location(path), "features").shape == (1300, 12)


def test_the_column_is_the_named_one_else_the_only_one_of_lists(tmp_path):
    more = {"probs": pa.array(ARRAY[:, :1].tolist(), NESTED), "id": list(range(1300))}
    path = write(tmp_path, ARRAY, **more)
    assert open_array(Location(path), "probs").shape == (1300, 1, 4)
    assert open_array(Location(path, "log_probs"), "probs").shape == (1300, 3, 4)
    assert refuse(Location(path), "logits").got == ["log_probs", "probs"]
    assert refuse(Location(path, "id"), "probs").got == "id"
    assert open_array(Location(write(tmp_path, ARRAY, column="x")), "log_probs").shape == (1300, 3, 4)


def refuse(location, default="log_probs", **options):
    """Return the error of opening a column."""
    with pytest.raises(InputError) as caught:
        open_array(location, default, **options)
    return caught.value


def with_row(value, row=702):
    rows = ARRAY.tolist()
    rows[row] = value
    return rows


@pytest.mark.parametrize(
    "value",
    [
        [[0.0] * 4] * 2,
        [[0.0] * 4, [0.0] * 3, [0.0] * 4],
        None,
        [[0.0] * 4, None, [0.0] * 4],
        [[0.0] * 4, [0.0] * 4, [0.0, 0.0, None, 0.0]],
    ],
)
@pytest.mark.parametrize("hold_bytes", [0, 1 << 30], ids=["streamed", "held"])
def test_rows_of_another_shape_or_with_nulls_are_named(tmp_path, value, hold_bytes):
    location = Location(write(tmp_path, with_row(value)))
    for wanted in (slice(0, 1300), torch.tensor([702])):
        with pytest.raises(InputError) as caught:
            open_parquet(location, "log_probs", hold_bytes=hold_bytes).read(0, wanted)
        assert caught.value.rows == (702,)


def test_draws_that_do_not_divide_the_list_are_refused(tmp_path):
    flat = Location(write(tmp_path, ARRAY.reshape(1300, 12), pa.list_(pa.float32())))
    for num_draws in (5, 0):
        error = refuse(flat, num_draws=num_draws)
        assert (error.argument, error.got) == ("num_draws", num_draws)
    assert refuse(Location(write(tmp_path, ARRAY)), num_draws=3).argument == "num_draws"


def test_rows_of_the_file_are_rows_of_the_pool(tmp_path):
    stored = open_parquet(Location(write(tmp_path, ARRAY)), "log_probs", hold_bytes=0)
    with pytest.raises(InputError) as caught:
        stored.read(1, slice(0, 2))
    assert caught.value.argument == "axes"


def test_columns_without_numbers_are_refused(tmp_path):
    assert refuse(Location(write(tmp_path, [[["a"]]], pa.list_(pa.list_(pa.string()))))).got == []


def test_a_file_without_rows_has_no_rows(tmp_path):
    assert open_array(Location(write(tmp_path, [])), "log_probs").shape[0] == 0


@pytest.mark.parametrize("share", [0.0, 0.01, 0.6, 0.99])
def test_truncated_file_is_damage_and_named(tmp_path, share):
    path = write(tmp_path, ARRAY)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError) as caught:
        open_array(Location(path), "log_probs")
    assert caught.value.path == path


def test_altered_pages_are_damage_and_named(tmp_path):
    path = write(tmp_path, ARRAY)
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_array(Location(path), "log_probs").read(0, slice(0, 1300))
    assert caught.value.path == path


def test_a_damaged_entry_in_the_footer_is_damage_and_not_the_end_of_the_process(tmp_path):
    path = write(tmp_path, ARRAY[:12], groups=5)
    # A list of three counts, how deep the values are nested, becomes one of two: the first byte goes on in the second.
    content, found = re.subn(
        rb"\)\x36([\x00-\x7f])(..)", lambda each: b")\x26" + bytes([each[1][0] | 128]) + each[2], path.read_bytes()
    )
    assert found
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_array(Location(path), "log_probs")
    assert caught.value.path == path


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    path = write(tmp_path, ARRAY)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'lindley\[parquet\]'"):  # golden message: a command to copy
        open_array(Location(path), "log_probs")
