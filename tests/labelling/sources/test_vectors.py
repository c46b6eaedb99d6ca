"""Vectors from .npy and Parquet files; a row that is not finite is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lindley.errors import DataError, InputError
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.open_source import open_source

VECTORS = np.random.default_rng(0).normal(size=(7, 3))


def save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def columns(path: Path, **arrays: object) -> Path:
    parquet.write_table(pa.table(arrays), path)
    return path


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_an_array_are_vectors_in_single_precision(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.asarray(VECTORS.astype(dtype), order=order)  # type: ignore[call-overload]
    source = open_source(save(tmp_path / "e.npy", array))
    assert source.kind == "vectors"
    for row, each in enumerate(source):
        assert isinstance(each, Found)
        assert each.vector is not None
        assert each.vector.dtype == np.float32
        np.testing.assert_array_equal(each.vector, array[row].astype(np.float32))
        assert each.hash == hashlib.sha256(array[row].astype("<f4").tobytes()).hexdigest()
        assert (each.place, each.content) == (f"e.npy, row {row}", "")


def test_negative_zero_is_zero(tmp_path: Path) -> None:
    one, other = open_source(save(tmp_path / "e.npy", np.array([[0.0, 1], [-0.0, 1]])))
    assert isinstance(one, Found)
    assert isinstance(other, Found)
    assert one.hash == other.hash


def test_rows_that_are_not_finite_are_named(tmp_path: Path) -> None:
    array = np.ones((5, 2))
    array[1, 1], array[2, 0], array[3, 1] = np.nan, np.inf, 1e300
    source = list(open_source(save(tmp_path / "e.npy", array)))
    found = [each for each in source if isinstance(each, Unreadable)]
    assert [each.place for each in found] == [f"e.npy, row {row}" for row in (1, 2, 3)]
    wanted = [f"no finite float32 number in column {column}" for column in (1, 0, 1)]
    assert [each.reason for each in found] == wanted


@pytest.mark.parametrize(
    "array", [np.ones(3), np.ones((2, 2, 2)), np.ones((2, 2), int), np.array([["a"]]), np.ones((0, 3))]
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises((InputError, DataError)):
        open_source(save(tmp_path / "e.npy", array))


def test_damaged_arrays_and_pickles_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "e.npy", VECTORS)
    (tmp_path / "short.npy").write_bytes(path.read_bytes()[:-5])
    (tmp_path / "none.npy").write_bytes(b"")
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    for name in ("short", "none", "pickle"):
        with pytest.raises(DataError) as caught:
            open_source(tmp_path / f"{name}.npy")
        assert caught.value.path == tmp_path / f"{name}.npy"


@pytest.mark.parametrize("option", ["text", "label", "id", "features"])
def test_an_array_has_no_columns(tmp_path: Path, option: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(save(tmp_path / "e.npy", VECTORS), **{option: ["a"] if option == "features" else "a"})  # type: ignore[arg-type]
    assert caught.value.argument == option


TYPES = [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3)]


@pytest.mark.parametrize("type_", TYPES, ids=str)
@pytest.mark.parametrize("features", [None, ["emb"]])
def test_lists_of_a_parquet_column_are_vectors(tmp_path: Path, type_: pa.DataType, features: list[str] | None) -> None:
    path = columns(tmp_path / "e.parquet", emb=pa.array(VECTORS.tolist(), type_), y=list("abababa"))
    source = open_source(path, features=features, label="y", classes=["a"])
    found = [each for each in source if isinstance(each, Found)]
    assert source.kind == "vectors"
    np.testing.assert_array_equal(
        np.stack([each.vector for each in found if each.vector is not None]), VECTORS.astype("f4")
    )
    assert [each.label for each in found] == ["a", None, "a", None, "a", None, "a"]
    assert [each.place for each in found][:2] == ["e.parquet, row 0", "e.parquet, row 1"]


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_lists_that_are_missing_or_hold_nulls_are_named(tmp_path: Path, type_: pa.DataType) -> None:
    rows = [None, [1, 2, 3], [1, None, 3], None, [4, 5, 6], [float("nan"), 1, 1]]
    source = list(open_source(columns(tmp_path / "e.parquet", emb=pa.array(rows, type_))))
    assert [isinstance(each, Found) for each in source] == [False, True, False, False, True, False]
    vector = source[4].vector if isinstance(source[4], Found) else None
    np.testing.assert_array_equal(vector, [4, 5, 6])


def test_lists_of_another_length_are_named(tmp_path: Path) -> None:
    rows = [[1.0, 2.0], [1.0], [], [1.0, 2.0, 3.0], [3.0, 4.0]]
    source = list(open_source(columns(tmp_path / "e.parquet", emb=rows)))
    assert [isinstance(each, Found) for each in source] == [True, False, False, False, True]


def test_several_columns_of_lists_must_be_chosen_from(tmp_path: Path) -> None:
    path = columns(tmp_path / "e.parquet", one=VECTORS.tolist(), two=(2 * VECTORS).tolist())
    with pytest.raises(InputError) as caught:
        open_source(path)
    assert caught.value.argument == "text"
    first = next(iter(open_source(path, features=["two"])))
    assert isinstance(first, Found)
    np.testing.assert_array_equal(first.vector, (2 * VECTORS[0]).astype("f4"))
