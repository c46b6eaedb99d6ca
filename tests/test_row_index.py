"""Where rows stand among others: by a search written out, with gaps and without."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.errors import InputError
from lindley.row_index import RowIndex


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.integers(0, 12), min_size=1, max_size=12, unique=True), sought=st.integers(-1, 13))
def test_every_row_is_at_its_place_and_no_other_is_found(rows, sought):
    index = RowIndex(torch.tensor(rows))
    assert index(torch.tensor(rows)).tolist() == list(range(len(rows)))
    if sought in rows:
        assert index(torch.tensor([sought])).tolist() == [rows.index(sought)]
    else:
        with pytest.raises(InputError) as caught:
            index(torch.tensor([sought]))
        assert caught.value.rows == (sought,)
