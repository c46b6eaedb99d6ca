"""What is written beside a journal, and what is refused or said when a trial is continued."""

import json

import pytest

from lindley.errors import JournalError
from lindley.session.manifest import claim_folder, read_manifest


@pytest.fixture
def manifest():
    return {
        "format": 1,
        "key": "a" * 64,
        "acquisition": "bald",
        "options": {},
        "seed": 0,
        "num_rows": 60,
        "class_names": ["0", "1"],
        "data_hashes": {"train": "1234"},
        "versions": {"torch": "2.0", "numpy": "2.0"},
        "device": "cpu",
        "threads": 1,
        "platform": "Linux",
    }


def test_changed_code_and_processor_are_returned_also_when_nothing_was_recorded(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])  # as an earlier version wrote it
    now = {**manifest, "code": "b" * 64, "cpu": "EPYC", "own_code": {"mine:net": "c" * 64}}
    changes = {"code": [None, "b" * 64], "cpu": [None, "EPYC"], "code of mine:net": [None, "c" * 64]}
    assert claim_folder(tmp_path, now, []) == changes
    assert claim_folder(tmp_path, now, [{"event": "resumed", "changes": changes}]) == {}
    later = {**now, "own_code": {"mine:net": "d" * 64}}
    resumed = [{"event": "resumed", "changes": changes}]
    assert claim_folder(tmp_path, later, resumed) == {"code of mine:net": ["c" * 64, "d" * 64]}


def test_data_that_were_not_hashed_before_are_recorded_and_then_held_to(tmp_path, manifest):
    claim_folder(tmp_path, {**manifest, "data_hashes": {}}, [])
    changes = claim_folder(tmp_path, manifest, [])
    assert changes == {"data_hashes": [None, {"train": "1234"}]}
    with pytest.raises(JournalError, match="other data"):
        claim_folder(
            tmp_path, {**manifest, "data_hashes": {"train": "5678"}}, [{"event": "resumed", "changes": changes}]
        )


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


@pytest.mark.parametrize(("name", "value"), [("key", 7), ("versions", None), ("data_hashes", {"train": []})])
def test_a_manifest_that_lacks_something_is_refused_and_says_what(tmp_path, manifest, name, value):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**manifest, name: value}))
    with pytest.raises(JournalError, match=rf"manifest\.json is damaged: {name}.*; there is"):
        read_manifest(tmp_path)
    path.write_text(json.dumps({key: kept for key, kept in manifest.items() if key != name}))
    with pytest.raises(JournalError, match=rf"{name}.*; there is nothing. Restore the file, or delete"):
        read_manifest(tmp_path)


def test_the_manifest_is_plain_json(tmp_path, manifest):
    claim_folder(tmp_path, manifest, [])
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
