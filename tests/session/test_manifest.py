"""What is written beside a journal, and what is refused or said when a trial is continued."""

import json

import pytest

from lindley.errors import JournalError
from lindley.session.events import Fitted, Resumed, Started
from lindley.session.manifest import claim_folder, read_manifest, read_trial_manifest, write_manifest
from lindley.session.state import fold_events


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


def after(manifest, *changes, rounds=True):
    """The state of a trial with a round, or without one, that was resumed under these changes."""
    events = [Started(key=manifest["key"])] + [Fitted(round=0, labels=0)] * rounds
    return fold_events([*events, *(Resumed(round=1, changes=each) for each in changes)])


def test_changes_of_code_and_processor_are_returned_once(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    now = {**manifest, "code": "b" * 64, "own_code": {"mine:net": "c" * 64}}
    changes = {"code": [None, "b" * 64], "code of mine:net": [None, "c" * 64]}
    assert claim_folder(tmp_path, now, after(manifest)) == changes
    assert claim_folder(tmp_path, now, after(manifest, changes)) == {}
    later = {**now, "own_code": {"mine:net": "d" * 64}}
    assert claim_folder(tmp_path, later, after(manifest, changes)) == {"code of mine:net": ["c" * 64, "d" * 64]}


def test_what_a_trial_without_a_round_was_begun_on_counts_for_nothing(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    repaired = {**manifest, "data_hashes": {"train": "5678"}}
    assert claim_folder(tmp_path, repaired, after(manifest, rounds=False)) == {}
    assert read_manifest(tmp_path) == repaired


def test_a_new_folder_gets_the_manifest(tmp_path, manifest):
    assert read_manifest(tmp_path) is None
    assert claim_folder(tmp_path, manifest, fold_events([])) == {}
    assert read_manifest(tmp_path) == manifest


def test_the_same_conditions_change_nothing(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    assert claim_folder(tmp_path, manifest, after(manifest)) == {}


def test_other_conditions_are_returned_as_then_and_now(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    now = {**manifest, "versions": {"torch": "2.1", "numpy": "2.0"}, "threads": 2}
    assert claim_folder(tmp_path, now, after(manifest)) == {"torch": ["2.0", "2.1"], "threads": [1, 2]}


def test_changes_are_since_the_last_run_not_from_the_first(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    resumed = after(manifest, {"torch": ["2.0", "2.1"]})
    now = {**manifest, "versions": {"torch": "2.1", "numpy": "2.0"}}
    assert claim_folder(tmp_path, now, resumed) == {}
    assert claim_folder(tmp_path, manifest, resumed) == {"torch": ["2.1", "2.0"]}


def test_another_trial_is_refused(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    with pytest.raises(JournalError) as caught:
        claim_folder(tmp_path, {**manifest, "key": "b" * 64}, after(manifest))
    assert caught.value.entry == "key"
    assert caught.value.path == tmp_path / "manifest.json"


def test_other_data_are_refused(tmp_path, manifest):
    claim_folder(tmp_path, manifest, fold_events([]))
    with pytest.raises(JournalError) as caught:
        claim_folder(tmp_path, {**manifest, "data_hashes": {"train": "5678"}}, after(manifest))
    assert (caught.value.path, caught.value.entry) == (tmp_path / "manifest.json", "data_hashes")


def test_a_journal_without_its_manifest_is_refused(tmp_path, manifest):
    with pytest.raises(JournalError) as caught:
        claim_folder(tmp_path, manifest, after(manifest))
    assert caught.value.path == tmp_path / "manifest.json"


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"key": 1}'])
def test_what_is_not_a_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(JournalError) as caught:
        read_manifest(tmp_path)
    assert caught.value.path == tmp_path / "manifest.json"


@pytest.mark.parametrize(("name", "value"), [("key", 7), ("versions", None), ("data_hashes", {"train": []})])
def test_a_manifest_that_lacks_something_is_refused_and_says_what(tmp_path, manifest, name, value):
    for damaged in ({**manifest, name: value}, {key: kept for key, kept in manifest.items() if key != name}):
        write_manifest(tmp_path, damaged)
        with pytest.raises(JournalError, match=name):  # golden message: the entry
            read_manifest(tmp_path)


@pytest.mark.parametrize("name", ["key", "seed", "num_rows", "class_names", "data_hashes", "threads", "platform"])
def test_whatever_is_altered_in_a_manifest_is_noticed(tmp_path, manifest, name):
    write_manifest(tmp_path, manifest)
    path = tmp_path / "manifest.json"
    stored = json.loads(path.read_text())
    for altered in ({**stored, name: "other"}, {key: value for key, value in stored.items() if key != name}):
        path.write_text(json.dumps(altered))
        with pytest.raises(JournalError) as caught:
            read_manifest(tmp_path)
        assert caught.value.path == path
    path.write_text(json.dumps(stored))  # spaces and line breaks are nothing that was said
    assert read_manifest(tmp_path) == manifest


def test_the_journal_of_another_trial_is_refused(tmp_path, manifest):
    write_manifest(tmp_path, manifest)
    with pytest.raises(JournalError) as caught:
        read_trial_manifest(tmp_path, fold_events([Started(key="b" * 64)]))
    assert caught.value.path == tmp_path / "journal.jsonl"
    assert read_trial_manifest(tmp_path, after(manifest)) == manifest
