"""Whatever form an array comes in, each public place that takes one does the same with it, or refuses it by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from array_forms import FORMS, LISTS, REFUSED
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lindley import InputError, select
from lindley.contracts import Classification, Labels, TrainingData
from lindley.datasets.dataset import Dataset
from lindley.pools.joined import JoinedPool
from lindley.pools.memory import MemoryPool
from lindley.pools.repeated import RepeatedPool
from lindley.pools.subset import SubsetPool
from lindley.posteriors.external_predictions import ArrayPosterior, FunctionPosterior

FLOATS = ("f2", "f4", "f8")
WHOLE = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


@dataclass(frozen=True)
class Place:
    """A public place that takes an array."""

    name: str
    """What messages call it."""
    example: Callable[[np.random.Generator], np.ndarray]
    """Numbers that fit into every one of the dtypes."""
    use: Callable[[object], object]
    """What comes of it: a tensor, or tensors."""
    dtypes: tuple[str, ...]
    """Those that it takes."""
    refuses: tuple[str, ...] = ()
    """Real numbers that are of another kind than it takes."""


def log_probs(generator: np.random.Generator, *shape: int) -> np.ndarray:
    return torch.from_numpy(generator.normal(size=shape)).log_softmax(-1).numpy()


FIXED = log_probs(np.random.default_rng(7), 6, 4, 3)
POOL = MemoryPool(torch.arange(12.0).view(6, 2))
DATASET = Dataset(
    name="made-up",
    task=Classification(("a", "b")),
    pool=POOL,
    classes=torch.arange(6) % 2,
    test_inputs=torch.zeros(6, 2),
    test_classes=torch.arange(6) % 2,
    input_shape=(2,),
)


def chosen(values: object = FIXED, acquisition: str = "bald", **given: object) -> tuple[Tensor, Tensor]:
    selection = select(values, acquisition, 3, **given)
    return selection.rows, selection.scores


def by_features(values: object, generator: int = 3) -> tuple[Tensor, Tensor]:
    return chosen(None, "coreset", features=values)


def by_labelled_features(values: object) -> tuple[Tensor, Tensor]:
    features = torch.arange(12.0, dtype=torch.float64).view(6, 2)
    return chosen(None, "coreset", features=features, labelled_features=values)


def of_dataset(field: str) -> Callable[[object], object]:
    return lambda values: getattr(replace(DATASET, **{field: values}), field)


def test_inputs_of(values: object) -> object:
    """Of a data set whose pool has inputs of the same precision."""
    pool = MemoryPool(values)
    return replace(DATASET, pool=pool, test_inputs=values).test_inputs


test_inputs_of.__test__ = False


def predictions(generator: np.random.Generator) -> np.ndarray:
    return log_probs(generator, 6, 4, 3)


def predictions_alike(generator: np.random.Generator) -> np.ndarray:
    return np.repeat(log_probs(generator, 1, 4, 3), 6, axis=0)


def permutation(generator: np.random.Generator) -> np.ndarray:
    return generator.permutation(6)


def classes(generator: np.random.Generator) -> np.ndarray:
    return generator.integers(0, 2, 6)


def table(generator: np.random.Generator) -> np.ndarray:
    return generator.integers(-8, 8, (6, 2)) / 4.0


def weights(generator: np.random.Generator) -> np.ndarray:
    return generator.integers(1, 9, 6) / 4.0


def label_weights(values: object) -> object:
    return Labels(torch.arange(6), torch.zeros(6).long(), values).sample_weight


def training_classes(values: object) -> object:
    return TrainingData(POOL, Labels(torch.arange(6), values), DATASET.task).labels.values


def rows_taken(values: object) -> object:
    return ArrayPosterior(FIXED).draw(4, seed=0).predict(values).log_probs


def given_predictions(values: object) -> object:
    return ArrayPosterior(values).draw(3, seed=1).predict(torch.arange(6)).log_probs


def given_function(values: object) -> object:
    return FunctionPosterior(lambda inputs: values, 4).draw(4, seed=0).predict(torch.zeros(6, 1)).log_probs


PLACES = {
    "select(log_probs)": Place("log_probs", predictions, chosen, FLOATS, WHOLE),
    "select(targets)": Place("targets", predictions, lambda v: chosen(acquisition="epig", targets=v), FLOATS, WHOLE),
    "select(features)": Place("features", table, by_features, FLOATS, WHOLE),
    "select(labelled_features)": Place("labelled_features", table, by_labelled_features, FLOATS, WHOLE),
    "select(rows)": Place("rows", permutation, lambda v: chosen(rows=v), WHOLE, (*FLOATS, "?")),
    "select(score)": Place("your own", permutation, lambda v: chosen(acquisition=lambda c: v), FLOATS + WHOLE),
    "Labels(rows)": Place("rows", permutation, lambda v: Labels(v, torch.zeros(6)[:6].long()).rows, WHOLE, FLOATS),
    "Labels(values)": Place("values", classes, lambda v: Labels(torch.arange(6), v).values, (*WHOLE, "?", *FLOATS)),
    "Labels(sample_weight)": Place("sample_weight", weights, label_weights, FLOATS, WHOLE),
    "TrainingData(labels)": Place("values", classes, training_classes, (*WHOLE, "?"), FLOATS),
    "Labels.concatenate": Place("rows", permutation, lambda v: Labels([9], [0]).concatenate(v, v).rows, WHOLE, FLOATS),
    "MemoryPool": Place("inputs", table, lambda v: MemoryPool(v).read(torch.arange(6)), FLOATS),
    "MemoryPool of bytes": Place("inputs", classes, lambda v: MemoryPool(v, divisor=3.0).read([0, 5]), (*WHOLE, "?")),
    "MemoryPool.read": Place("rows", permutation, POOL.read, WHOLE, (*FLOATS, "?")),
    "JoinedPool.read": Place("rows", permutation, JoinedPool(POOL, POOL).read, WHOLE, (*FLOATS, "?")),
    "RepeatedPool.read": Place(
        "rows", permutation, RepeatedPool(POOL, repeats=2, noise=0.1, seed=0).read, WHOLE, (*FLOATS, "?")
    ),
    "SubsetPool": Place("rows", permutation, lambda v: SubsetPool(POOL, v).read([0, 5]), WHOLE, (*FLOATS, "?")),
    "Dataset(classes)": Place("classes", classes, of_dataset("classes"), (*WHOLE, "?"), FLOATS),
    "Dataset(test_classes)": Place("test_classes", classes, of_dataset("test_classes"), (*WHOLE, "?"), FLOATS),
    "Dataset(true_classes)": Place("true_classes", classes, of_dataset("true_classes"), (*WHOLE, "?"), FLOATS),
    "Dataset(sources)": Place("sources", permutation, of_dataset("sources"), WHOLE, (*FLOATS, "?")),
    "Dataset(test_inputs)": Place("inputs", table, test_inputs_of, FLOATS),
    "ArrayPosterior": Place("log_probs", predictions, given_predictions, FLOATS, WHOLE),
    "ArrayPosterior.predict": Place("inputs", permutation, rows_taken, WHOLE, (*FLOATS, "?")),
    "FunctionPosterior": Place("what the function returns", predictions_alike, given_function, FLOATS, WHOLE),
}


def as_bytes(values: object) -> list[tuple[str, tuple[int, ...], bytes]]:
    tensors = (values,) if isinstance(values, Tensor) else values
    return [(str(each.dtype), tuple(each.shape), each.numpy().tobytes()) for each in tensors]


def memory_of(values: object) -> list[bytes]:
    """What lies behind an array, as far as it can be seen."""
    if isinstance(values, Tensor):
        return [torch.empty(0, dtype=torch.uint8).set_(values.detach().untyped_storage()).numpy().tobytes()]
    if isinstance(values, np.ndarray):
        return [(values if values.base is None else np.asarray(values.base)).tobytes()]
    return [part for each in values for part in memory_of(each)] if isinstance(values, list | tuple) else []


@pytest.mark.parametrize("name", PLACES)
@settings(max_examples=40, deadline=None)
@given(form=st.sampled_from([*FORMS, *LISTS]), seed=st.integers(0, 99), which=st.integers(0, 99))
def test_every_form_of_the_same_numbers_does_the_same(name, form, seed, which):
    place = PLACES[name]
    dtype = place.dtypes[which % len(place.dtypes)]
    dtype = "f8" if form in LISTS and dtype in FLOATS else dtype  # as which rounding of less is too coarse
    numbers = place.example(np.random.default_rng(seed)).astype(dtype)
    wide = numbers if form in FORMS else np.array(numbers.tolist())
    expected = place.use(torch.from_numpy(wide.copy()))
    values = {**FORMS, **LISTS}[form](numbers.copy())
    before = memory_of(values)
    assert as_bytes(place.use(values)) == as_bytes(expected)
    assert memory_of(values) == before


@pytest.mark.parametrize("form", REFUSED)
@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_array_of_numbers_is_refused_by_name(name, form):
    place = PLACES[name]
    values = REFUSED[form](place.example(np.random.default_rng(0)).astype(place.dtypes[0]))
    with pytest.raises(InputError) as caught:
        place.use(values)
    assert place.name in caught.value.argument


@pytest.mark.parametrize(("name", "dtype"), [(name, dtype) for name in PLACES for dtype in PLACES[name].refuses])
def test_numbers_of_another_kind_are_refused_by_name(name, dtype):
    place = PLACES[name]
    values = place.example(np.random.default_rng(0)).astype(dtype)
    for given_so in (values, values.astype(values.dtype.newbyteorder(">")), torch.from_numpy(values), values.tolist()):
        with pytest.raises(InputError) as caught:
            place.use(given_so)
        assert place.name in caught.value.argument


@pytest.mark.parametrize(
    "name", [name for name in PLACES if "u8" in PLACES[name].dtypes and "f8" not in PLACES[name].dtypes]
)
@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
def test_whole_numbers_beyond_int64_are_refused_with_their_places(name, number):
    place = PLACES[name]
    if name == "MemoryPool of bytes":
        pytest.skip("inputs are numbers of any size")
    numbers = np.arange(6, dtype="u8")
    numbers[[2, 4]] = number
    for values in (numbers, numbers.astype(">u8"), torch.from_numpy(numbers), numbers.tolist()):
        with pytest.raises(InputError) as caught:
            place.use(values)
        assert (caught.value.argument, caught.value.rows) == (place.name, (2, 4))
