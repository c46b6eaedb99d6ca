import jaxtyping
import pytest
import torch

from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.pools.subset import SubsetPool

SOURCE = MemoryPool(torch.arange(12.0).reshape(6, 2))


def test_row_i_is_the_ith_of_the_rows_kept():
    pool = SubsetPool(SOURCE, torch.tensor([4, 0, 3]))
    assert len(pool) == 3
    assert pool.read(torch.tensor([2, 0, 2])).tolist() == [[6, 7], [8, 9], [6, 7]]


def test_rows_that_are_changed_afterwards_leave_the_pool_alone():
    rows = torch.tensor([4, 0])
    pool = SubsetPool(SOURCE, rows)
    rows.fill_(1)
    assert pool.read(torch.tensor([0])).tolist() == [[8, 9]]


def test_no_rows_read_as_no_inputs():
    assert SubsetPool(SOURCE, torch.tensor([1])).read(torch.empty(0, dtype=torch.int64)).shape == (0, 2)


@pytest.mark.parametrize(("rows", "at_fault"), [([0, 6], (6,)), ([2, 1, 2], (2,))])
def test_rows_that_the_source_has_not_or_has_once_are_named(rows, at_fault):
    with pytest.raises(InputError) as caught:
        SubsetPool(SOURCE, torch.tensor(rows))
    assert (caught.value.argument, caught.value.rows) == ("rows", at_fault)


def test_rows_out_of_range_are_named(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(InputError) as caught:
        SubsetPool(SOURCE, torch.tensor([5, 4])).read(torch.tensor([2]))
    assert caught.value.rows == (2,)
