"""The cache: nothing is computed twice, a kill loses nothing that was stored, and other items are refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lindley.errors import DataError, InputError
from lindley.features.cache import FeatureCache
from lindley.features.method import LearntState
from lindley.features.own import OwnFeatures

TEXTS = [f"text {number}" for number in range(11)]


class Counted:
    """Features that depend on what was learnt; it notes which texts it was asked for."""

    kind, fit_rows, block_rows, version = "text", 4, 3, "counted-1"

    def __init__(self):
        self.fits, self.calls = 0, []

    def fit(self, contents):
        self.fits += 1
        return LearntState({"offset": np.array([float(sum(int(each.split()[1]) for each in contents))])})

    def restore(self, state):
        def transform(contents):
            self.calls += contents
            return np.array([[int(each.split()[1]) + state.arrays["offset"][0], 0.5] for each in contents])

        return transform


def test_features_are_computed_once_and_mapped(tmp_path):
    method, told = Counted(), []
    cache = FeatureCache(tmp_path, method)
    first = cache.features(TEXTS, on_progress=lambda *numbers: told.append(numbers))
    second = FeatureCache(tmp_path, method).features(TEXTS)
    assert (method.fits, method.calls) == (1, TEXTS)
    assert told == [(0, 11), (3, 11), (6, 11), (9, 11), (11, 11)]
    assert isinstance(first, np.memmap)
    assert first.dtype == np.float32
    assert np.array_equal(first, second)
    assert first[:, 0].tolist() == (np.arange(11) + first[0, 0]).tolist()


def test_a_pool_that_grows_keeps_its_features_and_what_was_learnt(tmp_path):
    method = Counted()
    before = np.array(FeatureCache(tmp_path, method).features(TEXTS[:7]))
    after = FeatureCache(tmp_path, method).features(TEXTS)
    assert (method.fits, method.calls) == (1, TEXTS)
    assert np.array_equal(after[:7], before)
    assert after[:, 0].tolist() == (np.arange(11) + before[0, 0]).tolist()


def test_other_items_have_features_by_what_was_learnt_and_are_not_stored(tmp_path):
    cache = FeatureCache(tmp_path, Counted())
    with pytest.raises(InputError) as caught:
        cache.transform(["text 3"])
    assert (caught.value.argument, caught.value.got) == ("folder", str(cache.folder))
    stored = cache.features(TEXTS)
    assert np.array_equal(cache.transform(["text 3", "text 5"]), stored[[3, 5]])
    assert len(cache.features(TEXTS)) == 11


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        ([*TEXTS[:2], "text 99", *TEXTS[3:]], (2,)),
        ([TEXTS[1], TEXTS[0], *TEXTS[2:]], (0, 1)),
        (TEXTS[:9], (9, 10)),
    ],
)
def test_a_changed_or_reordered_pool_is_noticed(tmp_path, texts, rows):
    cache = FeatureCache(tmp_path, Counted())
    cache.features(TEXTS)
    with pytest.raises(InputError) as caught:
        cache.features(texts)
    assert caught.value.rows == rows


@pytest.mark.parametrize("hashes", [["a"], ["a" * 65] * 11])
def test_hashes_that_do_not_fit_are_refused(tmp_path, hashes):
    with pytest.raises(InputError) as caught:
        FeatureCache(tmp_path, Counted()).features(TEXTS, hashes=hashes)
    assert caught.value.argument == "hashes"


def test_versions_lie_beside_each_other(tmp_path):
    def lengths(texts):
        return np.array([[len(each)] for each in texts])

    one = FeatureCache(tmp_path, OwnFeatures(lengths, "m:f", "text", "aa"))
    other = FeatureCache(tmp_path, OwnFeatures(lengths, "m:f", "text", "bb"))
    one.features(TEXTS)
    other.features(TEXTS)
    assert one.folder != other.folder
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([one.folder.name, other.folder.name])


def test_vectors_of_another_length_are_refused(tmp_path):
    lengths = iter([2, 3])
    method = OwnFeatures(lambda texts: np.zeros((len(texts), next(lengths))), "m:f", "text", "aa")
    cache = FeatureCache(tmp_path, method)
    cache.features(TEXTS[:3])
    with pytest.raises(InputError) as caught:
        cache.features(TEXTS)
    assert caught.value.got == [8, 3]


@pytest.mark.parametrize("name", ["state.npz", "state.json", "features.npy", "hashes.npy", "checksums.json"])
def test_altered_files_are_named(tmp_path, name):
    cache = FeatureCache(tmp_path, Counted())
    cache.features(TEXTS)
    (cache.folder / name).write_bytes(b"garbage")
    with pytest.raises(DataError) as caught:
        FeatureCache(tmp_path, Counted()).features([*TEXTS, "text 11"])
    assert str(cache.folder) in str(caught.value)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("texts", [TEXTS, [*TEXTS, "text 11"]], ids=["read", "grown"])
def test_flipped_bytes_of_the_features_are_noticed_wherever_they_are(tmp_path, seed, texts):
    path = FeatureCache(tmp_path, Counted()).features(TEXTS).filename
    content = bytearray(Path(path).read_bytes())
    for place in np.random.default_rng(seed).integers(0, len(content), size=1 + seed * 4):
        content[place] ^= 0x40
    Path(path).write_bytes(content)
    with pytest.raises(DataError) as caught:
        FeatureCache(tmp_path, Counted()).features(texts)
    assert str(tmp_path) in str(caught.value)


def test_no_pickle_is_loaded(tmp_path):
    cache = FeatureCache(tmp_path, Counted())
    cache.features(TEXTS)
    np.save(cache.folder / "features.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError):
        cache.features(TEXTS)


def test_a_lost_state_is_not_learnt_anew_beside_old_features(tmp_path):
    cache = FeatureCache(tmp_path, Counted())
    cache.features(TEXTS[:5])
    (cache.folder / "state.json").unlink()
    with pytest.raises(DataError):
        cache.features(TEXTS)


_CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_cache import TEXTS, Counted
from lindley.features.cache import FeatureCache

left, replace = int(sys.argv[2]), os.replace
def replace_or_die(source, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    replace(source, target)
    if left == 0 and sys.argv[3] == "after":
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace_or_die
method = Counted()
FeatureCache(sys.argv[1], method).features(TEXTS)
"""


@pytest.mark.parametrize(("num_files", "when"), [(0, "before"), *((number, "after") for number in range(1, 10))])
def test_a_kill_at_any_file_loses_nothing_that_was_stored(tmp_path, num_files, when):
    """Nine files are put in place: two of the state, four blocks, hashes, checksums and features."""
    code = _CHILD.format(tests=str(Path(__file__).parent))
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path / "killed"), str(num_files), when])
    assert child.returncode == -9
    method = Counted()
    continued = FeatureCache(tmp_path / "killed", method).features(TEXTS)
    num_blocks = min(max(num_files - 2, 0), 4)
    assert method.calls == TEXTS[3 * num_blocks :]
    assert method.fits == (num_files < 2)
    assert np.array_equal(continued, FeatureCache(tmp_path / "whole", Counted()).features(TEXTS))
    assert sorted(path.name for path in (tmp_path / "killed" / "counted-1").iterdir()) == [
        "checksums.json",
        "features.npy",
        "hashes.npy",
        "lock",
        "state.json",
        "state.npz",
    ]


@pytest.mark.parametrize("num_files", range(1, 6))
def test_a_kill_at_any_file_of_a_pool_that_grows_leaves_no_wrong_checksum(tmp_path, num_files):
    """Five files are put in place: two blocks, hashes, checksums and features."""
    FeatureCache(tmp_path, Counted()).features(TEXTS[:7])
    code = _CHILD.format(tests=str(Path(__file__).parent))
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(num_files), "after"])
    assert child.returncode == -9
    found = FeatureCache(tmp_path, Counted()).features(TEXTS)
    assert found[:, 0].tolist() == (np.arange(11) + found[0, 0]).tolist()
