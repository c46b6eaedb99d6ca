"""The journal: what is appended is read, a torn end is dropped, any other damage is named."""

import json
import math

import pytest
import torch

from lindley.errors import JournalError
from lindley.session import locks
from lindley.session.journal import Journal, event_check, read_events

NEWLINE = b"\n"
EVENTS = [
    {"event": "start", "rows": [3, 1], "classes": [0, 1]},
    {"event": "round", "round": 0, "metrics": {"accuracy": 0.1 + 0.2, "recall": [None, 1e-300]}, "name": "Ünï\n\r"},
    {"event": "round", "round": 1, "metrics": {"nll": math.pi}},
]


def told(events):
    return [{key: value for key, value in event.items() if key != "check"} for event in events]


@pytest.fixture
def journal_path(tmp_path):
    """A closed journal of three events."""
    with Journal(tmp_path) as journal:
        for event in EVENTS:
            journal.append(event)
    return tmp_path / "journal.jsonl"


def test_events_come_back_exactly(journal_path):
    assert told(read_events(journal_path.parent)) == EVENTS


def test_a_journal_goes_on_where_it_stopped(journal_path):
    with Journal(journal_path.parent) as journal:
        assert told(journal.events) == EVENTS
        journal.append({"event": "round", "round": 2})
    assert told(read_events(journal_path.parent)) == [*EVENTS, {"event": "round", "round": 2}]


def test_a_folder_without_a_journal_has_no_events(tmp_path):
    assert read_events(tmp_path / "nowhere") == []


def test_a_journal_cut_at_any_byte_keeps_the_whole_lines(journal_path):
    content = journal_path.read_bytes()
    for size in range(len(content)):
        journal_path.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        assert told(read_events(journal_path.parent)) == EVENTS[:whole]


def test_a_torn_line_is_overwritten_by_the_next_event(journal_path):
    content = journal_path.read_bytes()
    journal_path.write_bytes(content[:-5])
    with Journal(journal_path.parent) as journal:
        assert told(journal.events) == EVENTS[:2]
        journal.append(EVENTS[2])
    assert journal_path.read_bytes() == content


def complaint(folder):
    """What reading says against the journal; when it says nothing, the events must be the ones written."""
    try:
        events = told(read_events(folder))
    except JournalError as error:
        return str(error)
    assert events == EVENTS
    return ""


def test_no_altered_byte_alters_an_event_unseen(journal_path):
    content = journal_path.read_bytes()
    silent = 0
    for place in range(len(content) - 1):  # without the last newline the last line would be torn, not altered
        journal_path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        said = complaint(journal_path.parent)
        assert not said or f"journal.jsonl, line {content[:place].count(NEWLINE) + 1} is damaged" in said
        silent += not said
    assert silent < 5  # the last digit of 0.30000000000000004: another spelling of the same number


def test_seconds_may_differ_without_changing_the_check():
    event = {"event": "round", "round": 0}
    assert event_check({**event, "seconds": {"fit": 1.5}}) == event_check(event)
    assert event_check({**event, "round": 1}) != event_check(event)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_finite_number_is_refused_and_nothing_written(journal_path, value):
    before = journal_path.read_bytes()
    with Journal(journal_path.parent) as journal, pytest.raises(JournalError, match="finite numbers only"):
        journal.append({"event": "round", "metrics": {"nll": value}})
    assert journal_path.read_bytes() == before


def test_a_tensor_is_refused_by_name_and_nothing_written(journal_path):
    before = journal_path.read_bytes()
    with Journal(journal_path.parent) as journal, pytest.raises(JournalError, match=r"JSON values .*Tensor.*'round'"):
        journal.append({"event": "round", "selection": {"diagnostics": {"gain": torch.zeros(1)}}})
    assert journal_path.read_bytes() == before


def test_lines_are_plain_json(journal_path):
    lines = journal_path.read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "round", "round"]


def test_a_full_disk_leaves_the_journal_as_it_was(journal_path, monkeypatch):
    before = journal_path.read_bytes()
    with Journal(journal_path.parent) as journal:
        with monkeypatch.context() as patch:

            def full(descriptor):
                raise OSError(28, "No space left on device")

            patch.setattr("os.fsync", full)
            with pytest.raises(JournalError, match="No space left"):
                journal.append({"event": "round", "round": 2})
        assert journal_path.read_bytes() == before
        journal.append({"event": "round", "round": 2})
    assert len(read_events(journal_path.parent)) == 4


def test_an_open_journal_is_refused_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.0)
    with Journal(tmp_path), pytest.raises(JournalError, match="in use by process"):
        Journal(tmp_path)


def test_a_damaged_journal_is_not_left_locked(journal_path, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.0)
    journal_path.write_text("{}\n")
    for _ in range(2):
        with pytest.raises(JournalError, match="line 1 is damaged"):
            Journal(journal_path.parent)
