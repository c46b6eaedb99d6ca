import pytest
import torch

from lindley.acquisition import TensorCandidates
from lindley.acquisition.checks import chunk_log_probs
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Categorical, Chunk


class CountingCandidates:
    """Candidates that count how often each row is taken."""

    def __init__(self, log_probs, rows):
        self._candidates = TensorCandidates(log_probs, rows)
        self.rows, self.draws_id, self.num_draws = rows, "counted", log_probs.shape[1]
        self.taken = dict.fromkeys(rows.tolist(), 0)

    def scan(self, function):
        return self._candidates.scan(function)

    def take(self, rows):
        for row in rows.tolist():
            self.taken[row] += 1
        return self._candidates.take(rows)


def prepare(chunk, positions):
    return chunk_log_probs(chunk).exp(), positions


def example(seed=0, count=30):
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(count, 3, 4, generator=generator, dtype=torch.float64).log_softmax(-1)
    rows = torch.randperm(1000, generator=generator)[:count]
    return log_probs, rows, torch.rand(count, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("read_rows", [1, 4, 512])
@pytest.mark.parametrize("hold_bytes", [0, 8 * (3 * 4 + 1) * 7, 1 << 20])
def test_what_is_prepared_is_the_same_whether_kept_or_read_again(read_rows, hold_bytes):
    log_probs, rows, bounds = example()
    candidates = TensorCandidates(log_probs, rows)
    ranked = RankedCandidates(candidates, bounds, prepare, seed=0, read_rows=read_rows, hold_bytes=hold_bytes)
    order = bounds.argsort(descending=True)
    for ranks in (torch.tensor([2, 0]), torch.tensor([29, 3]), torch.arange(30), torch.tensor([5])):
        probs, positions = ranked(ranks)
        assert torch.equal(positions, order[ranks])
        assert torch.equal(probs, log_probs[order[ranks]].exp())


@pytest.mark.parametrize("read_rows", [1, 4, 512])
def test_a_row_that_is_kept_is_read_once(read_rows):
    log_probs, rows, bounds = example(1)
    candidates = CountingCandidates(log_probs, rows)
    ranked = RankedCandidates(candidates, bounds, prepare, seed=0, read_rows=read_rows)
    first = int(rows[bounds.argmax()])  # read for its sizes, too
    for _ in range(3):
        ranked(torch.tensor([0, 9, 4]))
        ranked(torch.tensor([27]))
    assert all(count <= 1 + (row == first) for row, count in candidates.taken.items())
    assert sum(candidates.taken.values()) <= min(30, 4 * read_rows) + 1


def test_bounds_and_ties_are_by_rank():
    log_probs, rows, bounds = example(2)
    ranked = RankedCandidates(TensorCandidates(log_probs, rows), bounds, prepare, seed=7)
    assert torch.equal(ranked.bounds, bounds.sort(descending=True).values)
    assert torch.equal(ranked.ties, tie_break(rows, 7)[ranked.order])


def test_one_row_is_taken_with_all_that_is_known_of_it():
    log_probs, rows, bounds = example(3)
    ranked = RankedCandidates(TensorCandidates(log_probs, rows), bounds, prepare, seed=0)
    chunk = ranked.take(4)
    position = int(ranked.order[4])
    assert isinstance(chunk, Chunk)
    assert chunk.rows.tolist() == [int(rows[position])]
    assert isinstance(chunk.predictive, Categorical)
    assert torch.equal(chunk.predictive.log_probs[0], log_probs[position])
