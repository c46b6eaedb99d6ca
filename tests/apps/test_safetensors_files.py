"""Tensors of .safetensors files, read slice by slice."""

from __future__ import annotations

import sys

import pytest
import torch
from safetensors.torch import save_file

from lindley.apps.array_files import open_array
from lindley.apps.input_files import Location
from lindley.errors import DataError, InputError

TENSOR = torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_slices_and_places_along_any_axis_are_those_of_the_tensor(tmp_path, dtype):
    save_file({"log_probs": TENSOR.to(dtype)}, tmp_path / "a.safetensors")
    stored = open_array(Location(tmp_path / "a.safetensors"), "log_probs")
    assert stored.shape == (7, 3, 4)
    for axis in range(3):
        assert torch.equal(stored.read(axis, slice(1, 3)), TENSOR.to(dtype).narrow(axis, 1, 2))
        for places in (torch.tensor([2, 0, 2]), torch.tensor([], dtype=torch.int64)):
            assert torch.equal(stored.read(axis, places), TENSOR.to(dtype).index_select(axis, places))


def test_of_several_tensors_one_is_named(tmp_path):
    save_file({"a": TENSOR, "targets": TENSOR[:2].clone(), "n": torch.arange(3)}, tmp_path / "a.safetensors")
    assert open_array(Location(tmp_path / "a.safetensors", "a"), "log_probs").shape[0] == 7
    assert open_array(Location(tmp_path / "a.safetensors"), "targets").shape[0] == 2
    for name, got in ((None, ["a", "n", "targets"]), ("n", "I64")):
        with pytest.raises(InputError) as caught:
            open_array(Location(tmp_path / "a.safetensors", name), "log_probs")
        assert (caught.value.argument, caught.value.got) == (str(tmp_path / "a.safetensors"), got)


@pytest.mark.parametrize("keep", [0, 5, 40, 300])
def test_truncated_file_is_damage_and_named(tmp_path, keep):
    path = tmp_path / "a.safetensors"
    save_file({"log_probs": TENSOR}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError) as caught:
        open_array(Location(path), "log_probs")
    assert caught.value.path == path


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.safetensors").touch()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(InputError) as caught:
        open_array(Location(tmp_path / "a.safetensors"), "log_probs")
    assert caught.value.argument == str(tmp_path / "a.safetensors")
