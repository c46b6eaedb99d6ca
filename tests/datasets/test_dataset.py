import hashlib
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
import torch

from lindley.contracts import Classification
from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset, array_hashes, content_hashes
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool

DATASET = Dataset(
    name="made-up",
    task=Classification(("a", "b", "c")),
    pool=MemoryPool(torch.zeros(4, 2)),
    classes=torch.tensor([0, 1, 2, 0]),
    test_inputs=torch.zeros(3, 2),
    test_classes=torch.tensor([0, 1, 1]),
    input_shape=(2,),
)


@pytest.fixture(autouse=True)
def as_in_use(monkeypatch):
    """Without the tests' checks of shapes: the record itself must refuse."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def refuse(**fields):
    """Return the error of a data set with other fields."""
    with pytest.raises(InputError) as caught:
        replace(DATASET, **fields)
    return caught.value


@pytest.mark.parametrize("field", ["classes", "test_classes"])
def test_a_class_out_of_range_is_refused_and_its_row_named(field):
    classes = getattr(DATASET, field).clone()
    classes[1] = 3
    error = refuse(**{field: classes})
    assert (error.argument, error.rows, error.got) == (field, (1,), [3])


@pytest.mark.parametrize("field", ["classes", "test_classes"])
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c.float(), lambda c: c[:, None]])
def test_classes_that_are_not_one_whole_number_a_row_are_refused(field, change):
    assert field in str(refuse(**{field: change(getattr(DATASET, field))}))


def test_rows_of_the_pool_may_be_of_no_class_and_test_rows_not():
    classes = torch.tensor([0, NONE_OF_THE_CLASSES, 2, 0])
    assert replace(DATASET, classes=classes, true_classes=classes).truth is classes
    error = refuse(test_classes=torch.tensor([0, 1, NONE_OF_THE_CLASSES]))
    assert (error.argument, error.rows) == ("test_classes", (2,))


def test_what_the_oracle_answers_is_the_truth_where_no_other_is_known():
    assert DATASET.truth is DATASET.classes
    error = refuse(true_classes=torch.tensor([0, 1, 2, -2]))
    assert (error.argument, error.rows) == ("true_classes", (3,))


def test_test_inputs_of_another_shape_are_refused():
    error = refuse(test_inputs=torch.zeros(3, 5))
    assert (error.argument, error.expected, error.got) == ("test_inputs", "[T, 2]", [3, 5])


def test_sources_that_are_not_one_a_row_are_refused():
    error = refuse(sources=torch.tensor([0, 1]))
    assert (error.argument, error.got) == ("sources", [2])


def test_array_hashes_are_the_sha256_of_the_bytes_in_row_order():
    array = np.arange(6, dtype=np.int64).reshape(2, 3)
    expected = hashlib.sha256(b"".join(int(i).to_bytes(8, "little") for i in range(6))).hexdigest()
    assert array_hashes(a=array, b=torch.from_numpy(array), c=np.asfortranarray(array)) == dict.fromkeys(
        "abc", expected
    )


def test_content_hashes_tell_other_classes_and_other_inputs_of_any_type():
    def changed(**fields):
        before, after = content_hashes(DATASET), content_hashes(replace(DATASET, **fields))
        return [name for name in before if before[name] != after[name]]

    assert changed() == []
    assert changed(classes=torch.tensor([0, 1, 2, 1])) == ["classes"]
    assert changed(test_classes=torch.tensor([0, 1, 2])) == ["test_classes"]
    assert changed(pool=MemoryPool(torch.ones(4, 2))) == ["first_rows"]
    half = {"pool": MemoryPool(torch.ones(4, 2, dtype=torch.bfloat16)), "test_inputs": torch.zeros(3, 2).bfloat16()}
    assert changed(**half) == ["first_rows", "first_test_rows"]
    assert changed(test_inputs=torch.ones(3, 2)) == ["first_test_rows"]


def test_a_pool_that_is_none_is_refused():
    error = refuse(pool=torch.zeros(4, 2))
    assert (error.argument, error.got) == ("pool", "Tensor")


@pytest.mark.parametrize("shape", [[2], 2])
def test_a_shape_may_be_a_list_and_of_one_axis_a_number(shape):
    assert replace(DATASET, input_shape=shape).input_shape == (2,)


@pytest.mark.parametrize("field", ["classes", "test_classes", "true_classes", "sources", "test_inputs"])
@pytest.mark.parametrize("other", [torch.Tensor.numpy, torch.Tensor.tolist])
def test_arrays_of_other_kinds_are_tensors_afterwards(field, other):
    expected = {**vars(DATASET), "true_classes": DATASET.classes, "sources": torch.arange(4)}[field]
    given = other(expected) if field != "test_inputs" else expected.numpy()
    assert torch.equal(getattr(replace(DATASET, **{field: given}), field), expected)


def test_test_inputs_of_another_precision_than_the_pools_are_refused():
    error = refuse(test_inputs=DATASET.test_inputs.double())
    assert (error.argument, error.got) == ("test_inputs", torch.float64)


def test_an_empty_test_set_is_refused():
    error = refuse(test_inputs=torch.zeros(0, 2), test_classes=torch.zeros(0, dtype=torch.int64))
    assert (error.argument, error.got) == ("test_inputs", [0, 2])
