import pytest
import torch

from lindley.errors import InputError
from lindley.pools.memory import MemoryPool


def test_rows_are_read_in_their_order():
    pool = MemoryPool(torch.arange(12.0).reshape(4, 3))
    assert pool.read(torch.tensor([3, 0, 3])).tolist() == [[9, 10, 11], [0, 1, 2], [9, 10, 11]]
    assert len(pool) == 4


def test_bytes_are_read_as_numbers_in_zero_to_one():
    pool = MemoryPool(torch.tensor([[0, 51, 255]], dtype=torch.uint8), divisor=255.0)
    read = pool.read(torch.tensor([0]))
    assert read.dtype == torch.float32
    assert torch.equal(read, torch.tensor([[0.0, 0.2, 1.0]]))


def test_inputs_without_a_divisor_keep_their_type():
    inputs = torch.tensor([[1], [2]], dtype=torch.float64)
    assert MemoryPool(inputs).read(torch.tensor([1])).dtype == torch.float64


def test_changing_what_was_read_leaves_the_pool_alone():
    pool = MemoryPool(torch.zeros(2, 2))
    pool.read(torch.tensor([0, 1])).fill_(7)
    assert pool.read(torch.tensor([0, 1])).sum() == 0


@pytest.mark.parametrize("num_rows", [0, 1])
def test_an_empty_list_of_rows_reads_nothing(num_rows):
    pool = MemoryPool(torch.zeros(num_rows, 5))
    assert pool.read(torch.empty(0, dtype=torch.int64)).shape == (0, 5)


def test_rows_out_of_range_are_named():
    pool = MemoryPool(torch.zeros(4, 2))
    with pytest.raises(InputError) as caught:
        pool.read(torch.tensor([0, -1, 4, 3, 9]))
    assert (caught.value.argument, caught.value.rows) == ("rows", (-1, 4, 9))


def test_the_message_names_ten_of_many_rows_out_of_range_and_the_field_all():
    with pytest.raises(InputError) as caught:
        MemoryPool(torch.zeros(1, 2)).read(torch.arange(40))
    assert caught.value.rows == tuple(range(1, 40))
    assert str(caught.value).endswith("it does not have [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] and 29 more.")  # golden message


@pytest.mark.parametrize("rows", [torch.tensor([0.0]), torch.tensor([True]), torch.tensor([[0]]), ["a"], None])
def test_what_is_not_a_list_of_rows_is_refused(rows):
    with pytest.raises(InputError) as caught:
        MemoryPool(torch.zeros(4, 2)).read(rows)
    assert caught.value.argument == "rows"


def test_a_single_number_is_no_pool():
    with pytest.raises(InputError) as caught:
        MemoryPool(torch.tensor(1.0))
    assert caught.value.argument == "inputs"


@pytest.mark.parametrize("divisor", [0.0, -1.0, float("nan")])
def test_a_divisor_that_is_not_above_zero_is_refused(divisor):
    with pytest.raises(InputError) as caught:
        MemoryPool(torch.zeros(4, 2), divisor=divisor)
    assert caught.value.argument == "divisor"
