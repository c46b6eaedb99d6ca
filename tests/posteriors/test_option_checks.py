import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.errors import InputError
from lindley.posteriors.option_checks import check_choice, check_evidence_or_positive, check_finite, check_positive

NOT_POSITIVE = st.one_of(
    st.floats(max_value=0),
    st.just(math.nan),
    st.just(math.inf),
    st.booleans(),
    st.text().filter(lambda x: x != "evidence"),
)


@given(value=NOT_POSITIVE)
@settings(max_examples=60, deadline=None)
def test_what_is_no_positive_number_is_refused(value):
    for check in (check_positive, check_evidence_or_positive):
        with pytest.raises(InputError) as caught:
            check("amplitude", value)
        assert caught.value.argument == "amplitude"
        assert caught.value.got is value


@given(value=st.floats(min_value=0, exclude_min=True, allow_infinity=False))
@settings(max_examples=30, deadline=None)
def test_positive_numbers_are_accepted(value):
    check_positive("amplitude", value)
    check_evidence_or_positive("amplitude", value)
    check_evidence_or_positive("amplitude", "evidence")


@given(value=st.text())
@settings(max_examples=30, deadline=None)
def test_a_choice_is_refused_unless_it_is_one_of_them(value):
    check_choice("kernel", "rbf", ("rbf", "linear"))
    if value not in ("rbf", "linear"):
        with pytest.raises(InputError) as caught:
            check_choice("kernel", value, ("rbf", "linear"))
        assert (caught.value.argument, caught.value.got) == ("kernel", value)


@given(bad=st.sets(st.integers(0, 9)), value=st.sampled_from([math.nan, math.inf, -math.inf]), column=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_exactly_the_rows_that_are_not_finite_are_named(bad, value, column):
    rows, values = torch.arange(100, 0, -10), torch.zeros(10, 3)
    values[sorted(bad), column] = value
    if not bad:
        check_finite("features", values, rows)
        return
    with pytest.raises(InputError) as caught:
        check_finite("features", values, rows)
    assert caught.value.argument == "features"
    assert caught.value.rows == tuple(100 - 10 * place for place in sorted(bad))
