"""Checks of single values: what is a whole number, and what is refused by its name."""

from __future__ import annotations

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.value_checks import check_whole_number, whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_a_whole_number_of_python_or_numpy_is_an_int(value: object) -> None:
    found = whole_number("count", value, least=3)
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize("value", [True, 3.0, "3", None, 2])
def test_what_is_no_whole_number_or_too_small_is_refused_by_name(value: object) -> None:
    for check in (whole_number, check_whole_number):
        with pytest.raises(InputError) as caught:
            check("count", value, least=3)
        assert (caught.value.argument, caught.value.got) == ("count", value)
        assert caught.value.expected == "a whole number of at least 3"


def test_without_a_least_any_whole_number_will_do() -> None:
    assert whole_number("seed", -5) == -5
