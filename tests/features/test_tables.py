"""Tables: the kind of each column, missing values that stay visible, and values that the pool does not have."""

import json

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.features import TableFeatures, compute_features


def features(rows, **options):
    return compute_features(TableFeatures(**options), [json.dumps(row) for row in rows])


def test_numbers_are_in_standard_deviations_from_the_mean_and_may_be_text():
    table = features([{"x": 1, "y": "10"}, {"x": 3, "y": " 30 "}])
    assert table.tolist() == [[-1, 0, -1, 0], [1, 0, 1, 0]]


@pytest.mark.parametrize("missing", [None, "", "NA", "n/a", "NaN", " "])
def test_what_is_missing_is_the_mean_and_is_marked(missing):
    table = features([{"x": 1.0}, {"x": missing}, {"x": 3.0}])
    assert table.tolist() == [[-1, 0], [0, 1], [1, 0]]


def test_an_absent_key_and_a_nan_are_missing():
    rows = [{"x": 1.0, "z": 0}, {"z": 0}, {"x": float("nan"), "z": 0}, {"x": 3.0, "z": 0}]
    assert compute_features(TableFeatures(columns=("x",)), rows).tolist() == [[-1, 0], [0, 1], [0, 1], [1, 0]]


def test_what_is_missing_in_new_rows_alone_is_marked_too():
    method = TableFeatures()
    transform = method.restore(method.fit([{"x": 1.0}, {"x": 3.0}]))
    assert transform([{"x": None}]).tolist() == [[0, 1]]


def test_constant_columns_are_zero():
    assert features([{"x": 7}, {"x": 7}, {"x": None}]).tolist() == [[0, 0], [0, 0], [0, 1]]
    assert features([{"x": 0.1}] * 3).tolist() == [[0, 0]] * 3


def test_huge_numbers_are_scaled():
    assert np.allclose(features([{"x": 1e300}, {"x": -1e300}]), [[1, 0], [-1, 0]])


def test_true_and_false_are_one_and_zero():
    rows = [{"x": True, "y": "False"}, {"x": False, "y": "true"}, {"x": None, "y": "TRUE"}]
    assert np.allclose(features(rows), [[1, 0, 0, 0], [0, 0, 1, 0], [0.5, 1, 1, 0]])


def test_dates_are_numbers():
    rows = [{"x": "2024-01-01"}, {"x": "2024-01-03"}, {"x": "2024-01-02T00:00:00+00:00"}]
    assert np.allclose(features(rows), [[-np.sqrt(1.5), 0], [np.sqrt(1.5), 0], [0, 0]], atol=1e-5)


def test_categories_are_one_hot_with_other_and_missing():
    method = TableFeatures(max_categories=2)
    rows = [{"x": each} for each in ["b", "a", "b", "a", "rare", None]]
    transform = method.restore(method.fit(rows))
    assert transform([{"x": each} for each in ["a", "b", "rare", "unheard", None, 5]]).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
    ]


def test_numbers_among_text_are_categories():
    assert features([{"x": 1}, {"x": "one"}, {"x": 1}]).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]]


def test_a_column_that_is_always_missing_takes_any_later_value():
    method = TableFeatures()
    transform = method.restore(method.fit([{"x": None}, {"x": ""}]))
    assert transform([{"x": None}, {"x": "new"}]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("value", ["many", "inf", float("inf"), True])
def test_what_is_no_number_in_a_column_of_numbers_is_refused_with_its_row(value):
    method = TableFeatures()
    transform = method.restore(method.fit([{"x": 1.0}, {"x": 3.0}]))
    with pytest.raises(InputError) as caught:
        transform([{"x": 2}, {"x": value}])
    assert (caught.value.rows, caught.value.argument) == ((1,), "the column 'x'")


@pytest.mark.parametrize("row", ["[1, 2]", "no JSON", "3", "[" * 100_000])
def test_what_is_no_object_is_refused_with_its_row(row):
    with pytest.raises(InputError) as caught:
        TableFeatures().fit(['{"x": 1}', row])
    assert caught.value.rows == (1,)


def test_lists_and_objects_are_refused_with_column_and_row():
    with pytest.raises(InputError) as caught:
        TableFeatures().fit([{"x": 1, "y": 1}, {"x": 1, "y": [1]}])
    assert (caught.value.rows, caught.value.argument) == ((1,), "the column 'y'")


def test_columns_are_chosen_and_unknown_ones_are_refused():
    rows = [{"x": 1, "y": 1}, {"x": 3, "y": 1}]
    assert compute_features(TableFeatures(columns=("x",)), rows).shape == (2, 2)
    with pytest.raises(InputError) as caught:
        TableFeatures(columns=("x", "z")).fit(rows)
    assert caught.value.got == ["z"]
    with pytest.raises(InputError):
        TableFeatures(columns=("x", "x"))


def test_the_callers_rows_stay_as_they_are():
    rows = [{"x": float("nan"), "y": "a"}, {"x": 1.0, "y": "b"}]
    before = json.dumps(rows)
    compute_features(TableFeatures(), rows)
    assert json.dumps(rows) == before


@pytest.mark.parametrize(
    "columns",
    [None, [], ["x"], [{"name": "x"}], [{"name": "x", "kind": "number", "mean": 0.0, "deviation": 0.0, "fill": 0.0}]],
)
def test_a_damaged_state_is_refused(columns):
    from lindley.features import LearntState

    with pytest.raises(InputError):
        TableFeatures().restore(LearntState(settings={"columns": columns}))
