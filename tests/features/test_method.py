"""The contract: subsets that do not depend on order, versions, and errors that name rows of the pool."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.features.method import (
    FeatureMethod,
    LearntState,
    compute_features,
    content_hashes,
    fit_to_rows,
    method_version,
)


@dataclass(frozen=True)
class Lengths:
    """Features of a text: its length less the largest length that was seen, and a 1. Refuses "bad"."""

    fit_rows: int = 3
    kind: ClassVar[str] = "text"
    block_rows: ClassVar[int] = 2
    version: ClassVar[str] = "lengths"

    def fit(self, contents):
        _refuse_bad(contents)
        return LearntState({"largest": np.array([float(max(map(len, contents)))])}, {"seen": list(contents)})

    def restore(self, state):
        def transform(contents):
            _refuse_bad(contents)
            return np.array([[len(each) - state.arrays["largest"][0], 1.0] for each in contents])

        return transform


def _refuse_bad(contents):
    rows = [row for row, each in enumerate(contents) if each == "bad"]
    if rows:
        raise InputError(argument="contents", expected="good", rows=rows)


TEXTS = ["a", "bbb", "cc", "dddd", "eeeee"]


def test_features_are_float32_of_each_item_and_progress_is_told():
    told = []
    features = compute_features(Lengths(fit_rows=5), TEXTS, on_progress=lambda *numbers: told.append(numbers))
    assert isinstance(Lengths(), FeatureMethod)
    assert features.dtype == np.float32
    assert features.tolist() == [[-4, 1], [-2, 1], [-3, 1], [-1, 1], [0, 1]]
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_what_is_fitted_does_not_depend_on_the_order_of_the_pool():
    forwards = fit_to_rows(Lengths(), TEXTS, content_hashes(TEXTS, "text"))
    backwards = fit_to_rows(Lengths(), TEXTS[::-1], content_hashes(TEXTS[::-1], "text"))
    assert forwards.settings == backwards.settings
    assert len(forwards.settings["seen"]) == 3


@pytest.mark.parametrize("fit_rows", [0, 5])
def test_errors_name_rows_of_the_pool(fit_rows):
    texts = [*TEXTS, "bad", "f", "bad"]
    method = Lengths(fit_rows=8) if fit_rows else WithoutFit()
    with pytest.raises(InputError) as caught:
        compute_features(method, texts)
    assert set(caught.value.rows) <= {5, 7}
    assert f"rows {list(caught.value.rows)}" in str(caught.value)


class WithoutFit(Lengths):
    fit_rows = 0

    def __init__(self):
        pass

    def fit(self, contents):
        return LearntState({"largest": np.zeros(1)})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_what_is_not_finite_in_float32_is_refused_with_its_rows(value):
    class Wrong(WithoutFit):
        def restore(self, state):
            return lambda contents: np.array([[value if each == "dddd" else 0.0] for each in contents])

    with pytest.raises(InputError) as caught:
        compute_features(Wrong(), TEXTS)
    assert caught.value.rows == (3,)


@pytest.mark.parametrize("shape", [(2,), (1, 3), (2, 2, 2)])
def test_another_shape_is_refused(shape):
    class Wrong(WithoutFit):
        def restore(self, state):
            return lambda contents: np.zeros(shape)

    with pytest.raises(InputError) as caught:
        compute_features(Wrong(), TEXTS)
    assert caught.value.argument == "features"


def test_no_items_are_refused():
    with pytest.raises(InputError) as caught:
        compute_features(WithoutFit(), [])
    assert caught.value.argument == "contents"


def test_hashes_are_those_of_the_contents(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert content_hashes(["abc", b"abc"], "text") == [abc, abc]
    assert content_hashes([tmp_path / "file", str(tmp_path / "file")], "images") == [abc, abc]


def test_hashes_tell_arrays_and_rows_apart():
    arrays = [np.zeros(4), np.zeros(4, np.float32), np.zeros((2, 2)), np.ones(4)]
    assert len(set(content_hashes(arrays, "images"))) == 4
    assert content_hashes([{"a": 1, "b": 2}], "rows") == content_hashes([{"b": 2, "a": 1}], "rows")


def test_a_version_changes_with_all_that_it_names():
    versions = {
        method_version("a", {"x": 1}, revision=1),
        method_version("b", {"x": 1}, revision=1),
        method_version("a", {"x": 2}, revision=1),
        method_version("a", {"x": 1}, revision=2),
        method_version("a", {"x": 1}, revision=1, packages=("numpy",)),
    }
    assert len(versions) == 5
    assert method_version("a", {"x": 1, "y": 2}, revision=1) == method_version("a", {"y": 2, "x": 1}, revision=1)
