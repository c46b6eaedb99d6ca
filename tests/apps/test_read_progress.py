"""The progress of reading a file: nothing while reading is quick, and plain lines without a terminal."""

from __future__ import annotations

import io

import torch

from lindley.acquisition import TensorCandidates
from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.array_sources import TensorSource
from lindley.acquisition.checks import scan_log_probs, validates_values
from lindley.apps.candidate_subset import CandidateSubset
from lindley.apps.console import PlainConsole
from lindley.apps.read_progress import WatchedCandidates, show_read_progress

LOG_PROBS = torch.randn(10, 3, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)


def watched(on_read=lambda number, count: None):
    return WatchedCandidates(TensorCandidates(LOG_PROBS, torch.arange(50, 60), draws_id="a", chunk_rows=4), on_read)


def test_predictions_are_what_they_were():
    predictions = watched()
    assert (predictions.num_draws, predictions.draws_id, predictions.rows[0]) == (3, "a", 50)
    assert torch.equal(torch.cat(list(scan_log_probs(predictions))), LOG_PROBS)
    assert torch.equal(predictions.take(torch.tensor([53, 51])).predictive.log_probs, LOG_PROBS[[3, 1]])


def test_values_are_checked_once_where_they_check_themselves():
    alone = ArrayCandidates(TensorSource(LOG_PROBS))
    for predictions in (alone, CandidateSubset(alone, torch.tensor([2, 7]))):
        assert validates_values(WatchedCandidates(predictions, lambda number, count: None))
    assert not validates_values(watched())
    assert not validates_values(CandidateSubset(watched(), torch.tensor([2, 7])))


def test_every_chunk_of_every_pass_is_reported():
    reports = []
    predictions = watched(lambda number, count: reports.append((number, count)))
    list(scan_log_probs(predictions))
    list(scan_log_probs(predictions))
    assert reports == [(1, 4), (1, 8), (1, 10), (2, 4), (2, 8), (2, 10)]


def display(*, terminal, patience=0.0, status_every=0.0):
    text = io.StringIO()
    console = PlainConsole(file=text, force_terminal=terminal, width=80)
    with show_read_progress(10, console, patience=patience, status_every=status_every) as on_read:
        list(scan_log_probs(watched(on_read)))
        if terminal and not patience:
            while "rows" not in text.getvalue() and "choosing" not in text.getvalue():
                pass  # waits for the display's own thread, not for a time
    return text.getvalue()


def test_nothing_is_shown_while_reading_is_quick():
    assert "rows" not in display(terminal=True, patience=3600.0)
    assert display(terminal=False, status_every=3600.0) == ""


def test_a_terminal_shows_a_description():
    assert "choosing" in display(terminal=True)


def test_without_a_terminal_there_are_plain_lines():
    assert display(terminal=False).splitlines() == ["read 4 of 10 rows", "read 8 of 10 rows", "choosing"]
