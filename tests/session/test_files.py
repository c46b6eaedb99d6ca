"""Arrays that are what was written."""

import numpy as np
import pytest

from lindley.errors import InputError, JournalError
from lindley.session.files import delete_unused_arrays, load_arrays, save_arrays, verify_arrays

ARRAYS = {"xs": np.linspace(0, 1, 7), "rows": np.arange(3), "one": np.array(4.5)}


def test_arrays_come_back_as_they_were(tmp_path):
    loaded = load_arrays(tmp_path, save_arrays(tmp_path, "round-000-grid", ARRAYS))
    assert loaded.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        assert loaded[key].dtype == array.dtype
        assert np.array_equal(loaded[key], array)


def test_the_same_arrays_give_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    first = save_arrays(tmp_path / "a", "grid", ARRAYS)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert save_arrays(tmp_path / "b", "grid", ARRAYS) == first
    assert (tmp_path / "a" / first.file).read_bytes() == (tmp_path / "b" / first.file).read_bytes()


def test_other_arrays_of_the_same_name_do_not_overwrite(tmp_path):
    first = save_arrays(tmp_path, "grid", ARRAYS)
    second = save_arrays(tmp_path, "grid", {"xs": np.zeros(2)})
    assert first.file == "arrays/grid.npz"
    assert second.file != first.file
    assert save_arrays(tmp_path, "grid", {"xs": np.zeros(2)}) == second
    verify_arrays(tmp_path, first)
    verify_arrays(tmp_path, second)


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"x" + content[1:]])
def test_altered_arrays_are_refused_by_name(tmp_path, damage):
    reference = save_arrays(tmp_path, "grid", ARRAYS)
    path = tmp_path / reference.file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(JournalError) as caught:
        load_arrays(tmp_path, reference)
    assert caught.value.path == path


def test_missing_arrays_are_named(tmp_path):
    reference = save_arrays(tmp_path, "grid", ARRAYS)
    (tmp_path / reference.file).unlink()
    with pytest.raises(JournalError) as caught:
        load_arrays(tmp_path, reference)
    assert caught.value.path == tmp_path / reference.file


def test_objects_are_never_stored_as_pickles(tmp_path):
    with pytest.raises(InputError) as caught:
        save_arrays(tmp_path, "grid", {"bad": np.array([{}], dtype=object)})
    assert caught.value.argument == "grid"


def test_sweeping_keeps_what_events_name(tmp_path):
    kept = save_arrays(tmp_path, "kept", ARRAYS)
    save_arrays(tmp_path, "orphan", ARRAYS)
    (tmp_path / "arrays" / "half.npz.partial").write_bytes(b"half")
    delete_unused_arrays(tmp_path, {kept.file})
    assert [path.name for path in (tmp_path / "arrays").iterdir()] == ["kept.npz"]
