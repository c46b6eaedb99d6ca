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


@pytest.mark.parametrize(
    ("rows", "named"), [([0, 6], r"0\.\.5.*got 6\.$"), ([2, 1, 2], r"more than once came \[2\]\.$")]
)
def test_rows_that_the_source_has_not_or_has_once_are_named(rows, named):
    with pytest.raises(InputError, match=named):
        SubsetPool(SOURCE, torch.tensor(rows))


def test_rows_out_of_range_are_named(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(InputError, match=r"0\.\.1, the pool has 2; got 2\.$"):
        SubsetPool(SOURCE, torch.tensor([5, 4])).read(torch.tensor([2]))
