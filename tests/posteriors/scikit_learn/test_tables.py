import numpy as np
import pytest
import torch
from scipy.sparse import coo_array, csc_array

from lindley.errors import InputError
from lindley.posteriors.scikit_learn.tables import as_examples, as_table, find_rows


def test_tensors_and_arrays_become_one_line_per_input():
    images = torch.arange(24.0).view(2, 3, 2, 2)
    np.testing.assert_array_equal(as_examples(images), images.flatten(1).numpy())
    np.testing.assert_array_equal(as_examples(images.numpy()), images.flatten(1).numpy())
    assert as_examples(torch.arange(3)).tolist() == [[0], [1], [2]]
    assert as_examples(torch.zeros(0, 3, 2)).shape == (0, 6)


def test_sparse_matrices_of_any_format_stay_sparse():
    dense = np.array([[0.0, 2.0], [0.0, 0.0], [3.0, 0.0]])
    for matrix in (coo_array(dense), csc_array(dense)):
        read = as_table(matrix)
        assert read.format == "csr"
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read.toarray(), dense)


def test_texts_are_a_list_and_no_table():
    assert as_examples(("a", "b")) == ["a", "b"]
    with pytest.raises(InputError) as caught:
        as_table(["a", "b"])
    assert (caught.value.argument, caught.value.got) == ("inputs", "a sequence")


def test_tensors_by_name_are_refused():
    with pytest.raises(InputError) as caught:
        as_examples({"input_ids": torch.zeros(3, 4)})
    assert (caught.value.argument, caught.value.got) == ("inputs", "dict")


def test_rows_are_found_in_dense_and_sparse_tables():
    dense = np.array([[0, 1], [np.nan, 0], [0, 0], [np.nan, np.nan]], dtype=np.float32)
    assert find_rows(np.isnan, dense).tolist() == [1, 3]
    assert find_rows(np.isnan, coo_array(dense).tocsr()).tolist() == [1, 3]


@pytest.mark.parametrize("dtype", [">f8", "<f8", ">i4", "<i4", ">U3", ">f2"])
def test_arrays_come_in_the_machines_byte_order_and_are_copied_only_for_that(dtype):
    given = np.arange(6).reshape(3, 2).astype(dtype)
    table = as_examples(given)
    assert table.dtype.isnative
    np.testing.assert_array_equal(table, given)
    assert np.shares_memory(table, given) == given.dtype.isnative
