import pytest
import torch

from lindley.errors import InputError
from lindley.pools.joined import JoinedPool
from lindley.pools.memory import MemoryPool

FIRST, SECOND = torch.zeros(3, 2), torch.arange(8.0).reshape(4, 2)


def joined():
    return JoinedPool(MemoryPool(FIRST), MemoryPool(SECOND))


def test_the_rows_of_the_second_come_after_those_of_the_first():
    assert len(joined()) == 7
    assert torch.equal(joined().read(torch.arange(7)), torch.cat([FIRST, SECOND]))


def test_a_row_is_the_same_in_whatever_order_and_company_it_is_read():
    rows = torch.tensor([6, 0, 3, 6, 2])
    assert torch.equal(joined().read(rows), torch.cat([FIRST, SECOND])[rows])
    assert torch.equal(joined().read(torch.tensor([5])), SECOND[2:3])


def test_no_rows_read_as_no_inputs():
    assert joined().read(torch.empty(0, dtype=torch.int64)).shape == (0, 2)


@pytest.mark.parametrize(
    ("other", "got"), [(torch.zeros(3, 5), "torch.float32 [5]"), (SECOND.double(), "torch.float64 [2]")]
)
def test_inputs_of_another_shape_or_type_are_refused(other, got):
    with pytest.raises(InputError) as caught:
        JoinedPool(MemoryPool(FIRST), MemoryPool(other))
    assert (caught.value.argument, caught.value.got) == ("second", got)


def test_rows_out_of_range_are_named():
    with pytest.raises(InputError) as caught:
        joined().read(torch.tensor([7]))
    assert (caught.value.argument, caught.value.rows) == ("rows", (7,))
