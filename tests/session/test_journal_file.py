"""The journal: what is appended is read, a torn end is dropped, any other damage is named."""

import json
import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from lindley.errors import HeldError, JournalError
from lindley.session.events import Answer, Answered, Fitted, Queried, Started
from lindley.session.journal_file import JournalStore, read_events

NEWLINE = b"\n"
EVENTS = [
    Started(key="a"),
    Queried(round=0, purpose="initial", rows=[3, 1]),
    Answered.from_answers([Answer(3, 0, uuid="x"), Answer(1, 1, uuid="y", annotator="Ünï\n\r")]),
    Fitted(round=0, labels=2, metrics={"accuracy": 0.1 + 0.2, "recall": [None, 1e-300]}, seconds={"fit": 1.5}),
    Fitted(round=0, labels=2, metrics={"nll": math.pi}),
]


@pytest.fixture
def journal_path(tmp_path):
    """A closed journal of five events."""
    with JournalStore(tmp_path) as store:
        assert store.append(EVENTS) == ["stored"] * 5
    return tmp_path / "journal.jsonl"


def test_one_append_and_several_give_the_same_bytes(journal_path, tmp_path):
    with JournalStore(tmp_path / "singly") as store:
        for event in EVENTS:
            store.append([event])
    assert (tmp_path / "singly" / "journal.jsonl").read_bytes() == journal_path.read_bytes()


def test_a_folder_without_a_journal_has_no_events(tmp_path):
    assert read_events(tmp_path / "nowhere") == []


def test_a_journal_cut_at_any_byte_keeps_the_whole_lines(journal_path):
    content = journal_path.read_bytes()
    for size in range(len(content)):
        journal_path.write_bytes(content[:size])
        assert read_events(journal_path.parent) == EVENTS[: content[:size].count(b"\n")]


def test_a_torn_line_is_overwritten_by_the_next_event(journal_path):
    content = journal_path.read_bytes()
    journal_path.write_bytes(content[:-5])
    with JournalStore(journal_path.parent) as store:
        assert list(store.read()) == EVENTS[:-1]
        store.append(EVENTS[-1:])
    assert journal_path.read_bytes() == content


def complaint(folder):
    """What reading says against the journal; when it says nothing, the events must be the ones written."""
    try:
        events = read_events(folder)
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


@pytest.mark.parametrize("seed", range(20))
def test_no_line_can_be_dropped_moved_or_doubled_unseen(journal_path, seed):
    lines = journal_path.read_bytes().splitlines(keepends=True)
    source = random.Random(seed)
    place = source.randrange(len(lines) - 1)  # what is cut off at the end was never written, for all that one can know
    changed = {
        0: [*lines[:place], *lines[place + 1 :]],
        1: [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]],
        2: [*lines[: place + 1], lines[place], *lines[place + 1 :]],
    }[seed % 3]
    journal_path.write_bytes(b"".join(changed))
    with pytest.raises(JournalError) as caught:
        read_events(journal_path.parent)
    assert caught.value.path == journal_path
    assert caught.value.line


def test_a_line_of_another_journal_is_damage(journal_path, tmp_path):
    with JournalStore(tmp_path / "other") as store:
        store.append([Started(key="b"), *EVENTS[1:]])
    theirs = (tmp_path / "other" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    mine = journal_path.read_bytes().splitlines(keepends=True)
    journal_path.write_bytes(b"".join([*mine[:3], *theirs[3:]]))
    with pytest.raises(JournalError) as caught:
        read_events(journal_path.parent)
    assert (caught.value.path, caught.value.line) == (journal_path, 4)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_finite_number_is_refused_and_nothing_written(journal_path, value):
    before = journal_path.read_bytes()
    with JournalStore(journal_path.parent) as store, pytest.raises(JournalError) as caught:
        store.append([EVENTS[1], Fitted(round=1, labels=2, metrics={"nll": value})])
    assert caught.value.path == journal_path
    assert journal_path.read_bytes() == before


def test_a_tensor_is_refused_by_name_and_nothing_written(journal_path):
    before = journal_path.read_bytes()
    event = Queried(round=0, purpose="train", rows=[5], diagnostics={"gain": torch.zeros(1)})
    with JournalStore(journal_path.parent) as store, pytest.raises(JournalError) as caught:
        store.append([event])
    assert (caught.value.path, caught.value.entry) == (journal_path, "queried")
    assert journal_path.read_bytes() == before


def test_lines_are_plain_json(journal_path):
    lines = [json.loads(line) for line in journal_path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["started", "queried", "answered", "fitted", "fitted"]
    assert {key: value for key, value in lines[1].items() if key != "check"} == {
        "event": "queried",
        "round": 0,
        "purpose": "initial",
        "rows": [3, 1],
    }


def test_a_full_disk_leaves_the_journal_as_it_was(journal_path, monkeypatch):
    before = journal_path.read_bytes()
    with JournalStore(journal_path.parent) as store:
        with monkeypatch.context() as patch:

            def full(descriptor):
                raise OSError(28, "No space left on device")

            patch.setattr("os.fsync", full)
            with pytest.raises(JournalError) as caught:
                store.append(EVENTS[-1:])
            assert caught.value.path == journal_path
        assert journal_path.read_bytes() == before
        store.append(EVENTS[-1:])
    assert len(read_events(journal_path.parent)) == 6


def replace_file(path, content):
    path.with_name("other").write_bytes(content)
    path.with_name("other").replace(path)


def write_later(path, content):
    path.write_bytes(content)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))  # file systems count time in steps


FOREIGN = {
    "deleted": lambda path, content: path.unlink(),
    "emptied": lambda path, content: path.write_bytes(b""),
    "truncated": lambda path, content: path.write_bytes(content[: content.rfind(b"\n", 0, -1) + 1]),
    "lengthened": lambda path, content: path.write_bytes(content + b"{}\n"),
    "replaced by its copy": replace_file,
    "replaced by another file": lambda path, content: replace_file(path, content[:-1]),
    "altered": lambda path, content: write_later(path, content.replace(b'"round":0', b'"round":1')),
    "a folder in its place": lambda path, content: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_a_journal_that_somebody_else_changed_while_it_is_open_is_refused_and_left_alone(journal_path, change):
    with JournalStore(journal_path.parent) as store:
        store.append(EVENTS[-1:])
        change(journal_path, journal_path.read_bytes())
        left = journal_path.read_bytes() if journal_path.is_file() else None
        for _ in range(2):
            with pytest.raises(JournalError) as caught:
                store.append(EVENTS[-1:])
            assert caught.value.path == journal_path
        with pytest.raises(JournalError):
            store.save_arrays("grid", {"xs": np.arange(3)})
        assert not (journal_path.parent / "arrays").exists()
        assert (journal_path.read_bytes() if journal_path.is_file() else None) == left
        assert len(list(store.read())) == len(EVENTS) + 1


def test_a_journal_that_was_only_touched_continues(journal_path):
    with JournalStore(journal_path.parent) as store:
        write_later(journal_path, journal_path.read_bytes())
        store.append(EVENTS[-1:])
        store.append(EVENTS[-1:])
    assert read_events(journal_path.parent) == [*EVENTS, *EVENTS[-1:] * 2]


def test_a_journal_stays_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with JournalStore(Path("here")) as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        store.append(EVENTS)
        store.save_arrays("grid", {"xs": np.arange(3)})
    assert read_events(tmp_path / "here") == EVENTS
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == [
        "arrays",
        "journal.jsonl",
        "journal.jsonl.lock",
    ]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_open_journal_is_refused_to_others(tmp_path):
    with JournalStore(tmp_path), pytest.raises(HeldError) as caught:
        JournalStore(tmp_path, timeout=0.0)
    assert caught.value.path == tmp_path / "journal.jsonl"


def test_a_damaged_journal_is_not_left_locked(journal_path):
    journal_path.write_text("{}\n")
    for _ in range(2):
        with pytest.raises(JournalError) as caught:
            JournalStore(journal_path.parent, timeout=0.0)
        assert caught.value.line == 1
