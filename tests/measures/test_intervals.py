"""The interval of an accuracy against its closed forms, and by counting what it covers."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lindley.errors import InputError
from lindley.measures.intervals import accuracy_interval


@pytest.mark.parametrize("rows", [1, 5, 40, 1000])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_all_or_none_right_have_a_closed_form(rows: int, level: float) -> None:
    end = ((1 - level) / 2) ** (1 / rows)  # of the rows, all are right with probability end ** rows
    assert accuracy_interval(rows, rows, level=level) == (pytest.approx(end, rel=1e-9), 1.0)
    assert accuracy_interval(0, rows, level=level) == (0.0, pytest.approx(1 - end, rel=1e-9))


@pytest.mark.parametrize("accuracy", [0.02, 0.3, 0.5, 0.77, 0.99])
def test_it_covers_the_true_accuracy_at_least_as_often_as_it_says(accuracy: float) -> None:
    rows, level = 23, 0.9
    covered = 0.0
    for correct in range(rows + 1):
        low, high = accuracy_interval(correct, rows, level=level)
        if low <= accuracy <= high:
            covered += comb(rows, correct) * accuracy**correct * (1 - accuracy) ** (rows - correct)
    assert covered >= level


@given(st.integers(1, 200).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_it_holds_what_was_seen_and_mirrors_the_error(counts: tuple[int, int]) -> None:
    correct, rows = counts
    low, high = accuracy_interval(correct, rows)
    assert 0 <= low <= correct / rows <= high <= 1
    wrong_low, wrong_high = accuracy_interval(rows - correct, rows)
    assert (1 - wrong_high, 1 - wrong_low) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("correct", "rows", "level", "argument"),
    [
        (3, 2, 0.95, "num_correct"),
        (-1, 2, 0.95, "num_correct"),
        (0, 0, 0.95, "num_correct"),
        (1, 2, 1.0, "level"),
        (1, 2, 0.0, "level"),
    ],
)
def test_other_numbers_are_refused(correct: int, rows: int, level: float, argument: str) -> None:
    with pytest.raises(InputError) as caught:
        accuracy_interval(correct, rows, level=level)
    assert caught.value.argument == argument
