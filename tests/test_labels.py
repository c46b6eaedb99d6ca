"""Labels and training data: whole, in the task and in the pool, or refused."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.contracts import Classification, Labels, Regression, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool

POOL = MemoryPool(torch.arange(12.0).view(6, 2))
ABC = Classification(("a", "b", "c"))
HEIGHT = Regression("height")
CLASSES = Labels([0, 3], [2, 0])
UNIFORM = torch.full((6, 3), -math.log(3.0))


def test_whole_numbers_and_booleans_are_classes_and_floats_are_targets():
    assert Labels([4, 2], [0, 1]).values.dtype == torch.int64
    assert Labels([4, 2], [False, True]).values.tolist() == [0, 1]
    assert Labels([4, 2], [0.5, -1.0]).values.tolist() == [0.5, -1.0]
    assert Labels([4, 2], torch.tensor([0.5, 1.0])).values.dtype == torch.float32
    assert Labels([], []).values.dtype == torch.int64


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_targets_that_are_not_finite_are_refused_with_their_rows(value):
    with pytest.raises(InputError) as caught:
        Labels([4, 7], [0.5, value])
    assert (caught.value.argument, caught.value.rows) == ("values", (7,))


def test_missing_values_and_weights_are_refused_with_their_rows():
    missing = np.ma.masked_array([1.0, 1.0], mask=[False, True])
    for name, numbers in (("values", (missing,)), ("sample_weight", ([0, 1], missing))):
        with pytest.raises(InputError) as caught:
            Labels([4, 7], *numbers)
        assert (caught.value.argument, caught.value.rows) == (name, (7,))


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_weights_are_positive_and_finite(weight):
    with pytest.raises(InputError) as caught:
        Labels([4, 7], [0, 1], [1.0, weight])
    assert (caught.value.argument, caught.value.rows) == ("sample_weight", (7,))


@pytest.mark.parametrize("weights", [[1.0], [[1.0, 2.0]], [1, 2], ["a", "b"]])
def test_weights_are_one_number_for_each_label(weights):
    with pytest.raises(InputError) as caught:
        Labels([4, 7], [0, 1], weights)
    assert caught.value.argument == "sample_weight"


_LABELS = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(st.none(), st.floats(0.125, 8.0, width=32))), min_size=0, max_size=5
)


def _labels(rows, pairs):
    """Labels of rows; with weights where the first has one, None counting as 1."""
    weights = [1.0 if weight is None else weight for _, weight in pairs] if pairs and pairs[0][1] is not None else None
    return Labels(rows, [value for value, _ in pairs], weights)


@settings(max_examples=50, deadline=None)
@given(first=_LABELS, second=_LABELS)
def test_concatenated_labels_are_both_in_order_and_a_missing_weight_is_one(first, second):
    before = _labels(range_of(0, first), first)
    more = _labels(range_of(10, second), second)
    both = before.concatenate(more.rows, more.values, more.sample_weight)
    assert both.rows.tolist() == [*before.rows.tolist(), *more.rows.tolist()]
    assert both.values.tolist() == [*before.values.tolist(), *more.values.tolist()]
    weights = [each for part in (before, more) for each in weights_of(part)]
    assert weights_of(both) == weights
    weighted = any(part.sample_weight is not None for part in (before, more))
    assert (both.sample_weight is not None) == weighted
    taken = both.take(torch.arange(len(both)).flip(0))
    assert taken.rows.tolist() == both.rows.tolist()[::-1]
    assert weights_of(taken) == weights[::-1]


def range_of(start, pairs):
    return list(range(start, start + len(pairs)))


def weights_of(labels):
    return [1.0] * len(labels) if labels.sample_weight is None else labels.sample_weight.tolist()


def test_classes_are_not_mixed_with_targets():
    with pytest.raises(InputError) as caught:
        CLASSES.concatenate([5], [0.5])
    assert caught.value.argument == "values"
    assert Labels([], []).concatenate([5], [0.5]).values.tolist() == [0.5]


def test_training_data_take_labels_of_their_task():
    data = TrainingData(POOL, CLASSES, ABC)
    assert (data.num_classes, data.validation, data.prior) == (3, None, None)
    assert TrainingData(POOL, Labels([1], [0.5]), HEIGHT).labels.values.tolist() == [0.5]
    assert len(TrainingData(POOL, Labels([], []), HEIGHT).labels) == 0
    with pytest.raises(InputError) as caught:
        _ = TrainingData(POOL, Labels([1], [0.5]), HEIGHT).num_classes
    assert (caught.value.argument, caught.value.got) == ("task", HEIGHT)


@pytest.mark.parametrize("field", ["labels", "validation"])
@pytest.mark.parametrize(
    ("labels", "task", "argument", "rows"),
    [
        (Labels([1, 5], [1, 3]), ABC, "values", (5,)),
        (Labels([1, 5], [1, -1]), ABC, "values", (5,)),
        (Labels([1, 5], [1.0, 2.0]), ABC, "values", ()),
        (Labels([1, 5], [1, 2]), HEIGHT, "values", ()),
        (Labels([1, 6], [1, 2]), ABC, "labels", (6,)),
        (Labels([1, -2], [1, 2]), ABC, "labels", (-2,)),
    ],
)
def test_labels_of_another_task_or_pool_are_refused(field, labels, task, argument, rows):
    with pytest.raises(InputError) as caught:
        TrainingData(**{"pool": POOL, "labels": Labels([], []), "task": task, field: labels})
    assert (caught.value.argument, caught.value.rows) == (argument, rows)


def test_validation_labels_are_of_other_rows():
    assert TrainingData(POOL, CLASSES, ABC, validation=Labels([1, 5], [0, 1])).validation is not None
    with pytest.raises(InputError) as caught:
        TrainingData(POOL, CLASSES, ABC, validation=Labels([1, 3], [0, 0]))
    assert (caught.value.argument, caught.value.rows) == ("validation", (3,))


OTHER_KINDS = """
import torch
from lindley.contracts import Classification, Labels, TrainingData
from lindley.pools.memory import MemoryPool
right = {"pool": MemoryPool(torch.zeros(6, 2)), "labels": Labels([0], [1]), "task": Classification(("a", "b"))}
wrong = {"pool": [1, 2], "labels": [0, 1], "task": 3, "validation": 1, "prior": [[0.5, 0.5]]}
for name, value in wrong.items():
    try:
        TrainingData(**(right | {name: value}))
    except ValueError as error:
        print(type(error).__name__, error.argument)
"""


def test_what_is_of_another_kind_is_refused_by_name_where_nothing_checks_types():
    done = subprocess.run([sys.executable, "-c", OTHER_KINDS], capture_output=True, text=True, check=True)
    names = ("pool", "labels", "task", "validation", "prior")
    assert done.stdout.splitlines() == [f"InputError {name}" for name in names]


def test_a_prior_is_a_distribution_for_each_row_of_the_pool():
    one_sure = torch.full((6, 3), -math.inf)
    one_sure[:, 1] = 0.0
    for prior in (UNIFORM, UNIFORM.double(), one_sure):
        assert torch.equal(TrainingData(POOL, CLASSES, ABC, prior=prior).prior, prior)


@pytest.mark.parametrize("wrong", [UNIFORM[:5], UNIFORM[:, :2], UNIFORM[:0]])
def test_a_prior_of_another_shape_or_kind_is_refused(wrong):
    with pytest.raises(InputError) as caught:
        TrainingData(POOL, CLASSES, ABC, prior=wrong)
    assert caught.value.argument == "prior"


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
def test_a_prior_that_is_no_distribution_is_refused_with_its_rows(value):
    wrong = UNIFORM.clone()
    wrong[4, 1] = value
    with pytest.raises(InputError) as caught:
        TrainingData(POOL, CLASSES, ABC, prior=wrong)
    assert (caught.value.argument, caught.value.rows) == ("prior", (4,))
