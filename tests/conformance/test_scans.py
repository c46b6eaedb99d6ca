"""Every acquisition reads its candidates by scans that may run in other processes, and little comes back."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch
from scan_engine import ShardedCandidates

from lindley import select
from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.specs import ACQUISITIONS
from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.contracts import Classification, Context

NUM_ROWS, NUM_DRAWS, NUM_CLASSES, NUM_FEATURES = 357, 8, 3, 40
BYTES_PER_ROW = 64
BATCH = 4
OPTIONS = {"logdet": [{}, {"noise": 0.1}, {"kernel": "features"}], "probcover": [{}, {"delta": 0.5}]}
CASES = [(name, options) for name in ACQUISITIONS for options in OPTIONS.get(name, [{}])]


@pytest.fixture(scope="module")
def pool():
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as workers:
        yield workers


def problem():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(NUM_ROWS + 9, NUM_FEATURES, generator=generator)
    weights = 2 * torch.randn(NUM_DRAWS, NUM_FEATURES, NUM_CLASSES, generator=generator)
    log_probs = (features @ weights / NUM_FEATURES**0.5).permute(1, 0, 2).log_softmax(-1).contiguous()
    rows = 1000 + torch.randperm(NUM_ROWS, generator=generator)
    return log_probs, features, rows


def context_of(candidates, features, log_probs):
    task = Classification(tuple(f"class {c}" for c in range(NUM_CLASSES)))
    targets = TensorCandidates(log_probs[NUM_ROWS:])
    return Context(candidates, torch.arange(9), task, targets=targets, labelled_features=features[NUM_ROWS:])


@pytest.mark.parametrize(("name", "options"), CASES)
def test_shards_in_other_processes_in_any_order_give_the_same_selection(name, options, pool):
    log_probs, features, rows = problem()
    choose = acquisition_named(name, options)
    whole = TensorCandidates(log_probs[:NUM_ROWS], rows, features=features[:NUM_ROWS], chunk_rows=17)
    expected = choose(context_of(whole, features, log_probs), BATCH, seed=1)
    for num_shards in (1, 2, 7):
        shards = ShardedCandidates(pool, num_shards, log_probs[:NUM_ROWS], rows, features[:NUM_ROWS])
        selection = choose(context_of(shards, features, log_probs), BATCH, seed=1)
        assert selection.rows.tolist() == expected.rows.tolist()
        assert torch.equal(selection.scores, expected.scores)
        assert selection.diagnostics == expected.diagnostics


@pytest.mark.parametrize(("name", "options"), CASES)
def test_what_a_scan_brings_back_is_small(name, options, pool):
    """At most 64 bytes for each row, fewer than its features and predictions have; sums are a number of each chunk."""
    log_probs, features, rows = problem()
    shards = ShardedCandidates(pool, 1, log_probs[:NUM_ROWS], rows, features[:NUM_ROWS])
    acquisition_named(name, options)(context_of(shards, features, log_probs), BATCH, seed=1)
    access = ACQUISITIONS[name].access
    assert bool(shards.returned) == (access not in ("rows", "subset"))
    assert bool(shards.taken) == (access not in ("rows", "scores"))
    fixed = 21 * 1024  # of pickling two tensors, for each of the 21 chunks
    sums = 21 * 8 * (NUM_FEATURES * NUM_CLASSES) ** 2 if access == "sums" else 0
    large = [count for count in shards.returned if count > BYTES_PER_ROW * NUM_ROWS + fixed]
    assert len(large) <= (access == "sums")  # one pass brings back the sums of the Fisher information
    assert all(count <= BYTES_PER_ROW * NUM_ROWS + fixed + sums for count in large)


class CustomCandidates:
    """The few methods that candidates of a user must have."""

    draws_id, num_draws = "mine", NUM_DRAWS

    def __init__(self):
        log_probs, features, self.rows = problem()
        self._held = TensorCandidates(log_probs[:NUM_ROWS], self.rows, features=features[:NUM_ROWS])

    def scan(self, function):
        return (function(self.take(part)) for part in reversed(self.rows.split(50)))

    def take(self, rows):
        return self._held.take(rows)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_candidates_of_a_user_work_in_select(name, options):
    log_probs, features, rows = problem()
    given = {"targets": TensorCandidates(log_probs[NUM_ROWS:], draws_id="mine")}
    given |= {"labelled": torch.arange(9), "labelled_features": features[NUM_ROWS:], "seed": 1}
    mine = select(CustomCandidates(), name, BATCH, **given, **options)
    arrays = {"rows": rows, "features": features[:NUM_ROWS], "targets": log_probs[NUM_ROWS:]}
    theirs = select(log_probs[:NUM_ROWS], name, BATCH, **{**given, **arrays}, **options)
    assert mine.rows.tolist() == theirs.rows.tolist()
