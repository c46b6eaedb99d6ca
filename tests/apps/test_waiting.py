"""How far a file has been read: nothing for those who need not wait, little for those without a terminal."""

from __future__ import annotations

import io

import torch

from lindley.acquisition import TensorCandidates
from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.array_sources import TensorSource
from lindley.acquisition.checks import scan_log_probs, validates_values
from lindley.apps import waiting
from lindley.apps.console import PlainConsole
from lindley.apps.some_predictions import SomeCandidates
from lindley.apps.waiting import WatchedCandidates, showing_rows

LOG_PROBS = torch.randn(10, 3, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)


def watched(told=lambda number, count: None):
    return WatchedCandidates(TensorCandidates(LOG_PROBS, torch.arange(50, 60), draws_id="a", chunk_rows=4), told)


def test_predictions_are_what_they_were():
    predictions = watched()
    assert (predictions.num_draws, predictions.draws_id, predictions.rows[0]) == (3, "a", 50)
    assert torch.equal(torch.cat(list(scan_log_probs(predictions))), LOG_PROBS)
    assert torch.equal(predictions.take(torch.tensor([53, 51])).predictive.log_probs, LOG_PROBS[[3, 1]])


def test_values_are_checked_once_where_they_check_themselves():
    alone = ArrayCandidates(TensorSource(LOG_PROBS))
    for predictions in (alone, SomeCandidates(alone, torch.tensor([2, 7]))):
        assert validates_values(WatchedCandidates(predictions, lambda number, count: None))
    assert not validates_values(watched())
    assert not validates_values(SomeCandidates(watched(), torch.tensor([2, 7])))


def test_every_chunk_of_every_pass_is_told():
    told = []
    predictions = watched(lambda number, count: told.append((number, count)))
    list(scan_log_probs(predictions))
    list(scan_log_probs(predictions))
    assert told == [(1, 4), (1, 8), (1, 10), (2, 4), (2, 8), (2, 10)]


def shown(monkeypatch, *, terminal, patience, every=0.0):
    monkeypatch.setattr(waiting, "PATIENCE", patience)
    monkeypatch.setattr(waiting, "STATUS_EVERY", every)
    text = io.StringIO()
    console = PlainConsole(file=text, force_terminal=terminal, width=80)
    with showing_rows(10, console) as told:
        list(scan_log_probs(watched(told)))
        if terminal and not patience:
            while "rows" not in text.getvalue() and "choosing" not in text.getvalue():
                pass  # waits for the display's own thread, not for a time
    return text.getvalue()


def test_nothing_is_shown_to_those_who_need_not_wait(monkeypatch):
    assert "rows" not in shown(monkeypatch, terminal=True, patience=3600)
    assert shown(monkeypatch, terminal=False, patience=0, every=3600) == ""


def test_a_terminal_shows_what_is_done(monkeypatch):
    assert "choosing" in shown(monkeypatch, terminal=True, patience=0)


def test_without_a_terminal_there_are_plain_lines(monkeypatch):
    lines = shown(monkeypatch, terminal=False, patience=0).splitlines()
    assert lines == ["read 4 of 10 rows", "read 8 of 10 rows", "choosing"]
