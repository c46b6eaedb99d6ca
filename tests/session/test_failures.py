"""A failure lies beside the journal until the trial gets further."""

import errno

import pytest

from lindley.session import failures
from lindley.session.failures import clear_failure, read_failure, record_failure


def test_what_is_recorded_is_read_until_it_is_cleared(tmp_path):
    assert read_failure(tmp_path) is None
    record_failure(tmp_path, "diverged: π")
    assert read_failure(tmp_path).message == "diverged: π"
    clear_failure(tmp_path)
    assert read_failure(tmp_path) is None
    clear_failure(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_same_failure_again_is_another(tmp_path):
    record_failure(tmp_path, "diverged")
    first = read_failure(tmp_path)
    record_failure(tmp_path, "diverged")
    assert read_failure(tmp_path) != first


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"message": "cut o'])
def test_what_cannot_be_read_is_no_failure(tmp_path, content):
    (tmp_path / "failed.json").write_text(content)
    assert read_failure(tmp_path) is None


def test_a_full_disk_does_not_make_it_worse(tmp_path, monkeypatch):
    def full(path, value):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(failures, "write_json", full)
    record_failure(tmp_path, "No space left on device")
    assert read_failure(tmp_path) is None


def test_a_failure_before_the_journal_grew_elsewhere_is_none(tmp_path):
    (tmp_path / "journal.jsonl").write_text("one\n")
    record_failure(tmp_path, "diverged")
    assert read_failure(tmp_path).message == "diverged"
    (tmp_path / "journal.jsonl").write_text("one\ntwo\n")  # copied from a machine where it got further
    assert read_failure(tmp_path) is None
