"""What arrays of other programs become; tests/conformance holds the places that take them to it."""

import importlib.util

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.arrays import as_array, as_tensor, as_whole_numbers, name_rows, rows_at
from lindley.errors import InputError


def test_what_is_right_is_not_copied():
    tensor, array = torch.zeros(3, 2), np.zeros((3, 2))
    assert as_tensor(tensor, "x") is tensor
    assert as_tensor(array, "x").data_ptr() == array.ctypes.data
    assert as_whole_numbers(whole := torch.arange(3), "x") is whole
    assert as_tensor(tensor.T, "x").data_ptr() == tensor.data_ptr()


def test_a_graph_is_left_behind_and_the_memory_kept():
    tensor = torch.zeros(3, requires_grad=True)
    plain = as_tensor(tensor, "x")
    assert not plain.requires_grad
    assert tensor.requires_grad
    assert plain.data_ptr() == tensor.data_ptr()


def test_what_is_mapped_from_a_file_stays_there(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    for mode in ("r", "c"):
        mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
        array = as_array(mapped, "x")
        assert np.shares_memory(array, mapped)
    assert as_tensor(mapped, "x").data_ptr() == mapped.ctypes.data


def test_memory_that_is_read_only_is_copied_since_torch_could_write_to_it():
    array = np.arange(3.0)
    array.flags.writeable = False
    copy = as_tensor(array, "x").add_(1)
    assert (copy.tolist(), array.tolist()) == ([1, 2, 3], [0, 1, 2])


NUMBERS = st.one_of(st.booleans(), st.integers(-(2**70), 2**70), st.floats(width=32))
JUNK = st.recursive(
    st.one_of(NUMBERS, st.none(), st.text(max_size=3), st.binary(max_size=3), st.complex_numbers(), st.dates()),
    lambda parts: st.one_of(st.lists(parts, max_size=4), st.tuples(parts, parts), st.dictionaries(st.text(), parts)),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(JUNK)
def test_whatever_comes_is_numpys_array_or_refused_by_name(values):
    for convert in (as_tensor, as_whole_numbers):
        try:
            found = convert(values, "the name")
        except InputError as error:
            named = str(error).startswith("the name ")
        else:
            named = True
            np.testing.assert_array_equal(found.numpy(), np.asarray(values))
        assert named


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**65), 2**65), max_size=4))
def test_whole_numbers_are_kept_to_the_last_bit_or_refused(values):
    if all(-(2**63) <= each < 2**63 for each in values):
        assert as_whole_numbers(values, "x").tolist() == values
    else:
        beyond = [place for place, each in enumerate(values) if not -(2**63) <= each < 2**63]
        with pytest.raises(InputError) as caught:
            as_whole_numbers(values, "x")
        assert caught.value.rows == tuple(beyond)


def test_masked_numbers_are_named_along_the_axis_of_the_rows():
    values = np.ma.masked_array(np.zeros((2, 5)), mask=False)
    values[1, 3] = np.ma.masked
    with pytest.raises(InputError) as caught:
        as_array(values, "x")
    assert (caught.value.argument, caught.value.rows) == ("x", (1,))
    with pytest.raises(InputError) as caught:
        as_array(values, "x", axis=1)
    assert caught.value.rows == (3,)


def test_errors_carry_the_rows_at_the_positions_where_the_caller_has_rows():
    values = np.ma.masked_array([0.5, 0.5, 0.5], mask=[False, True, True])
    for rows, expected in ((torch.tensor([7, 9, 4]), (9, 4)), (torch.tensor([7, 9]), (9,)), (None, (1, 2))):
        with pytest.raises(InputError) as caught, name_rows(rows):
            as_tensor(values, "x")
        assert caught.value.rows == expected
    assert rows_at([0, 2, 3], torch.tensor([7, 9, 4])) == [7, 4]


@pytest.mark.filterwarnings("ignore:.*MaskedTensors:UserWarning")
def test_a_masked_tensor_of_torch_is_as_one_of_numpy():
    masked = torch.masked.masked_tensor(torch.zeros(3), torch.tensor([True, False, True]))  # True: not masked
    with pytest.raises(InputError) as caught:
        as_tensor(masked, "x")
    assert caught.value.rows == (1,)


def test_nan_is_kept():
    assert as_tensor([1.0, float("nan")], "x").isnan().tolist() == [False, True]
    assert as_tensor(pa.array([1.0, float("nan")]), "x").isnan().tolist() == [False, True]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None]),
        pa.array([1.0, None]),
        pa.chunked_array([[True], [None]]),
        pa.array([[1.0, 2.0], [3.0, None]]),
        pa.table({"a": [1.0, None]}),
        pa.record_batch({"a": [1, None]}),
    ],
    ids=lambda values: type(values).__name__,
)
def test_what_is_missing_is_not_nan(values):
    with pytest.raises(InputError) as caught:
        as_tensor(values, "x")
    assert caught.value.argument in ("x", "x, column 'a'")


def test_a_table_is_a_matrix_of_its_columns():
    table = pa.table({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    assert as_tensor(table, "x").tolist() == [[1, 0.5], [2, 1.5], [3, 2.5]]
    with pytest.raises(InputError) as caught:
        as_tensor(pa.table({"a": [1], "b": ["text"]}), "x")
    assert caught.value.argument == "x, column 'b'"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_and_frames_are_read(library):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed; it is no dependency")
    tables = importlib.import_module(library)
    assert as_whole_numbers(tables.Series([3, 1, 2]), "x").tolist() == [3, 1, 2]
    assert as_whole_numbers(tables.Series([True, False]), "x", booleans=True).tolist() == [1, 0]
    assert as_tensor(tables.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}), "x").tolist() == [[1, 0.5], [2, 1.5]]
    missing = tables.Series([1, None, 3], dtype="Int64" if library == "pandas" else tables.Int64)
    for wrong, rows in ((missing, (1,)), (tables.Series(["a", "b"]), ())):
        with pytest.raises(InputError) as caught:
            as_tensor(wrong, "x")
        assert (caught.value.argument, caught.value.rows) == ("x", rows)
