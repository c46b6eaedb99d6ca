"""What is written beside a journal, and what is refused or said when a trial is continued."""

import json

import pytest
import torch

from lindley.errors import JournalError
from lindley.loop.manifest import claim_folder, environment, read_manifest


@pytest.fixture
def manifest():
    return {
        "format": 1,
        "key": "a" * 64,
        "data_hashes": {"train": "1234"},
        "versions": {"torch": "2.0", "numpy": "2.0"},
        "device": "cpu",
        "threads": 1,
        "platform": "Linux",
    }


def test_the_environment_names_what_bits_depend_on():
    found = environment(device="cpu", threads=2)
    assert set(found["versions"]) == {"lindley", "torch", "numpy", "scikit-learn", "scipy", "python"}
    assert (
        found["versions"]["torch"] == torch.__version__.split("+")[0] or found["versions"]["torch"] == torch.__version__
    )
    assert (found["device"], found["threads"]) == ("cpu", 2)


def test_a_new_folder_gets_the_manifest(tmp_path, manifest):
    assert read_manifest(tmp_path) is None
    assert claim_folder(tmp_path, manifest, []) == {}
    assert read_manifest(tmp_path) == manifest


def test_the_same_conditions_change_nothing(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    assert claim_folder(tmp_path, manifest, []) == {}


def test_other_conditions_are_returned_as_then_and_now(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    now = {**manifest, "versions": {"torch": "2.1", "numpy": "2.0"}, "threads": 2}
    assert claim_folder(tmp_path, now, []) == {"torch": ["2.0", "2.1"], "threads": [1, 2]}


def test_changes_are_told_from_the_last_run_not_from_the_first(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    resumed = {"event": "resumed", "round": 1, "changes": {"torch": ["2.0", "2.1"]}}
    now = {**manifest, "versions": {"torch": "2.1", "numpy": "2.0"}}
    assert claim_folder(tmp_path, now, [resumed]) == {}
    assert claim_folder(tmp_path, manifest, [resumed]) == {"torch": ["2.1", "2.0"]}


def test_another_trial_is_refused(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    with pytest.raises(JournalError, match="another trial"):
        claim_folder(tmp_path, {**manifest, "key": "b" * 64}, [])


def test_other_data_are_refused(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    with pytest.raises(JournalError, match=r"other data: .*1234.* then, .*5678.* now"):
        claim_folder(tmp_path, {**manifest, "data_hashes": {"train": "5678"}}, [])


def test_a_journal_without_its_manifest_is_refused(tmp_path, manifest):
    with pytest.raises(JournalError, match=r"manifest\.json is missing"):
        claim_folder(tmp_path, manifest, [{"event": "start"}])


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"key": 1}'])
def test_what_is_not_a_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(JournalError, match=r"manifest\.json is not a manifest of format 1"):
        read_manifest(tmp_path)


def test_the_manifest_is_plain_json(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
