"""The interval of an accuracy against its closed forms, and by counting what it covers."""

from collections.abc import Callable
from math import comb, log, log1p
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lindley.errors import InputError
from lindley.measures.intervals import clopper_pearson_interval, confidence_sequence, wilson_interval


@pytest.mark.parametrize("rows", [1, 5, 40, 1000])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_all_or_none_right_have_a_closed_form(rows: int, level: float) -> None:
    end = ((1 - level) / 2) ** (1 / rows)  # of the rows, all are right with probability end ** rows
    assert clopper_pearson_interval(rows, rows, level=level) == (pytest.approx(end, rel=1e-9), 1.0)
    assert clopper_pearson_interval(0, rows, level=level) == (0.0, pytest.approx(1 - end, rel=1e-9))


@pytest.mark.parametrize("accuracy", [0.02, 0.3, 0.5, 0.77, 0.99])
def test_it_covers_the_true_accuracy_at_least_as_often_as_it_says(accuracy: float) -> None:
    rows, level = 23, 0.9
    covered = 0.0
    for correct in range(rows + 1):
        low, high = clopper_pearson_interval(correct, rows, level=level)
        if low <= accuracy <= high:
            covered += comb(rows, correct) * accuracy**correct * (1 - accuracy) ** (rows - correct)
    assert covered >= level


@given(st.integers(1, 200).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_it_holds_what_was_seen_and_mirrors_the_error(counts: tuple[int, int]) -> None:
    correct, rows = counts
    low, high = clopper_pearson_interval(correct, rows)
    assert 0 <= low <= correct / rows <= high <= 1
    wrong_low, wrong_high = clopper_pearson_interval(rows - correct, rows)
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
        clopper_pearson_interval(correct, rows, level=level)
    assert caught.value.argument == argument


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_wilson_is_that_of_scipy_to_the_last_digit(level: float) -> None:
    for rows in (1, 2, 7, 60, 1001):
        for correct in {0, 1, rows // 3, rows // 2, rows - 1, rows}:
            found = binomtest(correct, rows).proportion_ci(confidence_level=level, method="wilson")
            assert wilson_interval(correct, rows, level=level) == (found.low, found.high)


@pytest.mark.parametrize(("correct", "rows"), [(0, 7), (3, 7), (7, 7), (85, 100)])
def test_wilson_solves_the_score_equation(correct: int, rows: int) -> None:
    quantile = NormalDist().inv_cdf(0.975)
    for end in wilson_interval(correct, rows):
        assert (correct / rows - end) ** 2 == pytest.approx(quantile**2 * end * (1 - end) / rows, abs=1e-9)


@pytest.mark.parametrize("accuracy", [0.05, 0.5, 0.85, 0.97])
def test_a_sequence_is_wrong_at_any_of_150_looks_as_rarely_as_it_says(accuracy: float) -> None:
    level = 0.9
    alive, wrong = {0: 1.0}, 0.0  # by the number of correct rows, the probability of being there and never wrong
    for rows in range(1, 151):
        reached: dict[int, float] = {}
        for correct, probability in alive.items():
            reached[correct] = reached.get(correct, 0.0) + probability * (1 - accuracy)
            reached[correct + 1] = reached.get(correct + 1, 0.0) + probability * accuracy
        inside = {
            s: low <= accuracy <= high for s in reached for low, high in [confidence_sequence(s, rows, level=level)]
        }
        wrong += sum(probability for correct, probability in reached.items() if not inside[correct])
        alive = {correct: probability for correct, probability in reached.items() if inside[correct]}
    assert 0.001 < wrong <= 1 - level


@given(st.integers(1, 300).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_the_ends_of_a_sequence_are_where_the_mixture_is_twenty_times_the_likelihood(counts: tuple[int, int]) -> None:
    correct, rows = counts
    low, high = confidence_sequence(correct, rows)
    assert 0 <= low <= correct / rows <= high <= 1
    log_mixture = -log(rows + 1) - log(comb(rows, correct))  # the integral of p^s (1 - p)^(n - s)
    for end in {low, high} - {0.0, 1.0}:
        log_likelihood = correct * log(end) + (rows - correct) * log1p(-end)
        assert log_mixture - log_likelihood == pytest.approx(log(20), abs=1e-6)


def test_before_the_first_row_a_sequence_says_nothing() -> None:
    assert confidence_sequence(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("interval", [wilson_interval, confidence_sequence])
@pytest.mark.parametrize(("correct", "rows", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (3, 5, 1.0), (1, 0, 0.95)])
def test_impossible_counts_and_levels_are_refused(
    interval: Callable[..., object], correct: int, rows: int, level: float
) -> None:
    with pytest.raises(InputError) as caught:
        interval(correct, rows, level=level)
    assert caught.value.argument in ("num_correct", "level")
