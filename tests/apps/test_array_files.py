"""Arrays in .npy and .npz files: mapped, named, never unpickled, and what damaged ones say."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch

from lindley.apps.array_files import open_array
from lindley.apps.input_files import Location
from lindley.apps.numpy_files import map_npy, read_npz_array
from lindley.errors import DataError, InputError

ARRAY = np.random.default_rng(0).normal(size=(7, 3, 4))


def opened(path, name=None, what="log_probs", **options):
    return open_array(Location(path, name), what, **options)


def refuse(path, name=None, **options):
    """Return the error of opening an array."""
    with pytest.raises(InputError) as caught:
        opened(path, name, **options)
    return caught.value


def save(folder, name, **arrays):
    path = folder / name
    if path.suffix == ".npy":
        np.save(path, next(iter(arrays.values())))
    else:
        np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_slices_and_places_along_any_axis_are_those_of_the_array(tmp_path, order, dtype, suffix):
    array = np.asarray(ARRAY, dtype=dtype, order=order)
    stored = opened(save(tmp_path, f"a{suffix}", log_probs=array))
    assert stored.shape == (7, 3, 4)
    native = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
    places = torch.tensor([2, 0, 2])
    for axis in range(3):
        assert torch.equal(stored.read(axis, slice(1, 3)), native.narrow(axis, 1, 2))
        assert torch.equal(stored.read(axis, places), native.index_select(axis, places))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_that_are_not_compressed_are_mapped(tmp_path, suffix):
    path = save(tmp_path, f"a{suffix}", log_probs=ARRAY)
    array = map_npy(path) if suffix == ".npy" else read_npz_array(path, "log_probs")
    assert isinstance(array, np.memmap)
    assert np.array_equal(array, ARRAY)


def test_compressed_arrays_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", log_probs=ARRAY)
    assert torch.equal(opened(tmp_path / "a.npz").read(0, slice(0, 7)), torch.from_numpy(ARRAY))


def test_of_several_arrays_the_named_one_is_read_else_the_one_of_that_name(tmp_path):
    path = save(tmp_path, "a.npz", log_probs=ARRAY, targets=ARRAY[:2], other=ARRAY[:1])
    assert opened(path).shape[0] == 7
    assert opened(path, what="targets").shape[0] == 2
    assert opened(path, "other").shape[0] == 1
    error = refuse(path, what="probs")
    assert (error.argument, error.got) == (str(path), ["log_probs", "targets", "other"])
    error = refuse(path, "othr")
    assert (error.argument, error.got) == (str(path), "othr")
    assert '"other"' in str(error)


def test_a_place_is_a_file_and_perhaps_a_name(tmp_path):
    path = save(tmp_path, "a.npz", x=ARRAY)
    (tmp_path / "with:colon.npy").touch()
    assert Location.parse(str(path), "file") == Location(path)
    assert Location.parse(f"{path}:x", "file") == Location(path, "x")
    assert Location.parse(str(tmp_path / "with:colon.npy"), "file").name is None
    for missing in ("nothing.npy", str(tmp_path)):
        with pytest.raises(InputError) as caught:
            Location.parse(missing, "targets")
        assert (caught.value.argument, caught.value.got) == ("targets", missing)


def assert_damaged(path):
    with pytest.raises(DataError) as caught:
        opened(path)
    assert caught.value.path == path


@pytest.mark.parametrize("keep", [0, 5, 60, 200])
def test_truncated_npy_is_damage_and_named(tmp_path, keep):
    path = save(tmp_path, "a.npy", x=ARRAY)
    path.write_bytes(path.read_bytes()[:keep])
    assert_damaged(path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_truncated_npz_is_damage_and_named(tmp_path, share):
    path = save(tmp_path, "a.npz", x=ARRAY)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert_damaged(path)


def test_altered_bytes_of_a_compressed_array_are_damage(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=ARRAY)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert_damaged(path)


@pytest.mark.parametrize("compress", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_member_that_is_no_array_is_damage(tmp_path, compress):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", compress) as archive:
        archive.writestr("x.npy", b"not an array")
    assert_damaged(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_pickles_are_never_loaded(tmp_path, name):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("loaded").touch, ())

    path = save(tmp_path, name, x=np.array([Bomb()], dtype=object))
    np.savez_compressed(tmp_path / "b.npz", x=np.array([Bomb()], dtype=object))
    for pickled in (path, tmp_path / "b.npz"):
        error = refuse(pickled)
        assert (error.argument, error.got) == (str(pickled), np.dtype(object))
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize(
    ("name", "array"),
    [("a.npy", np.arange(24).reshape(2, 3, 4)), ("a.npy", np.array(["a", "b"])), ("a.pt", None)],
)
def test_a_file_without_an_array_of_numbers_is_refused(tmp_path, name, array):
    path = tmp_path / name
    path.touch() if array is None else np.save(path, array)
    assert str(path) in str(refuse(path))


def test_names_and_draws_are_refused_where_they_mean_nothing(tmp_path):
    path = save(tmp_path, "a.npy", x=ARRAY)
    assert refuse(path, "x").got == "x"
    error = refuse(path, num_draws=3)
    assert (error.argument, error.got) == ("num_draws", 3)


def test_an_empty_array_is_an_array_without_rows(tmp_path):
    assert opened(save(tmp_path, "a.npy", x=ARRAY[:0])).shape == (0, 3, 4)
