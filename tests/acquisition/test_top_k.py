import pytest
import torch

from lindley.acquisition import TensorCandidates, margin, random_rows
from lindley.acquisition.top_k import top_k
from lindley.contracts import Classification, Context
from lindley.errors import InputError

NO_LABELS = torch.zeros(0, dtype=torch.int64)


def context_of(log_probs, rows=None, chunk_rows=7):
    task = Classification(tuple(f"class {c}" for c in range(log_probs.shape[2])))
    return Context(TensorCandidates(log_probs, rows, chunk_rows=chunk_rows), NO_LABELS, task)


def random_log_probs(num_rows, num_draws=5, num_classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_rows, num_draws, num_classes, generator=generator).log_softmax(-1)


class RefusesToPredict:
    rows = torch.arange(10, 30)
    draws_id = "none"
    num_draws = 5

    def scan(self, function):
        raise AssertionError("predictions were read")

    def take(self, rows):
        raise AssertionError("predictions were read")


def test_top_k_returns_the_largest_scores_largest_first():
    log_probs = random_log_probs(50)
    selection = top_k(margin)(context_of(log_probs, torch.arange(100, 150)), 5, seed=0)
    expected = sorted(margin(log_probs).tolist(), reverse=True)[:5]
    assert selection.scores.tolist() == expected
    assert [margin(log_probs)[row - 100].item() for row in selection.rows] == expected


def test_ties_are_spread_over_the_pool_and_change_with_the_seed():
    same = torch.full((1000, 2, 3), 1 / 3).log()
    chosen = {seed: top_k(margin)(context_of(same), 100, seed=seed).rows for seed in range(2)}
    assert 350 < chosen[0].double().mean() < 650
    assert set(chosen[0].tolist()) != set(chosen[1].tolist())


def test_a_score_that_is_nan_is_refused_by_row():
    def broken(log_probs):
        return log_probs[:, 0, 0].masked_fill(log_probs[:, 0, 0] == log_probs[:, 0, 0].max(), torch.nan)

    log_probs = random_log_probs(6)
    worst = int(log_probs[:, 0, 0].argmax()) + 100
    with pytest.raises(InputError) as caught:
        top_k(broken)(context_of(log_probs, torch.arange(100, 106)), 2, seed=0)
    assert caught.value.rows == (worst,)


def test_random_rows_read_no_predictions():
    context = Context(RefusesToPredict(), NO_LABELS, Classification(("a", "b", "c")))
    rows = random_rows(context, 5, seed=0).rows.tolist()
    assert len(set(rows)) == 5
    assert set(rows) <= set(range(10, 30))


def test_random_rows_are_each_as_likely_as_the_others():
    context = Context(RefusesToPredict(), NO_LABELS, Classification(("a", "b", "c")))
    counts = torch.stack([random_rows(context, 5, seed=seed).rows for seed in range(2000)]).flatten().bincount()[10:]
    assert (counts - 500).abs().max() < 4.5 * (2000 * 0.25 * 0.75) ** 0.5


def test_random_rows_keep_their_rank_when_others_leave_the_pool():
    log_probs = random_log_probs(40)
    everyone = random_rows(context_of(log_probs), 40, seed=3).rows.tolist()
    odd = torch.arange(1, 40, 2)
    assert random_rows(context_of(log_probs[odd], odd), 20, seed=3).rows.tolist() == [r for r in everyone if r % 2]
