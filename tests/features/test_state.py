"""States on disk: they come back as they were, or not at all."""

import numpy as np
import pytest

from lindley.errors import DataError, InputError
from lindley.features.method import LearntState
from lindley.features.state import load_state, save_state, state_array

STATE = LearntState({"means": np.arange(3.0)}, {"terms": ["ä", "b"], "coloured": True})


def test_a_state_comes_back_as_it_was(tmp_path):
    assert load_state(tmp_path) is None
    save_state(tmp_path, STATE)
    loaded = load_state(tmp_path)
    assert loaded.settings == STATE.settings
    assert loaded.arrays.keys() == {"means"}
    assert np.array_equal(loaded.arrays["means"], STATE.arrays["means"])


def test_an_empty_state_comes_back(tmp_path):
    save_state(tmp_path, LearntState())
    assert load_state(tmp_path) == LearntState()


def test_arrays_of_another_state_are_refused(tmp_path):
    save_state(tmp_path / "a", STATE)
    save_state(tmp_path / "b", LearntState({"means": np.ones(3)}, STATE.settings))
    (tmp_path / "a" / "state.npz").write_bytes((tmp_path / "b" / "state.npz").read_bytes())
    with pytest.raises(DataError) as caught:
        load_state(tmp_path / "a")
    assert caught.value.path == tmp_path / "a"


def test_objects_are_never_stored_as_pickles(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        save_state(tmp_path, LearntState({"bad": np.array([{}], dtype=object)}))
    assert load_state(tmp_path) is None


@pytest.mark.parametrize("array", [None, np.array(["a"]), np.array([1.0, np.nan, 1.0]), np.zeros((3, 1)), np.zeros(2)])
def test_an_array_that_does_not_fit_is_refused(array):
    state = LearntState({} if array is None else {"means": array})
    with pytest.raises(InputError) as caught:
        state_array(state, "means", (3,))
    assert caught.value.argument == "the array 'means' of the state"
