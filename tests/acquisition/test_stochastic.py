import itertools
import math
from collections import Counter
from functools import cache, partial

import pytest
import torch
from scipy.stats import chisquare

from lindley.acquisition import TensorCandidates, pointwise, power_batch, softmax_batch, softrank_batch
from lindley.acquisition.specs import ACQUISITIONS
from lindley.acquisition.specs import SCORES as SCORE_SPECS
from lindley.acquisition.top_k import top_k_batch
from lindley.contracts import Classification, Context
from lindley.errors import InputError

KINDS = {"power": power_batch, "softmax": softmax_batch, "softrank": softrank_batch}
WEIGHTS = {
    "power": lambda score, rank, beta: score**beta,
    "softmax": lambda score, rank, beta: math.exp(beta * score),
    "softrank": lambda score, rank, beta: rank**-beta,
}
SCORES, RANKS = (0.5, 1.2, 0.3, 0.9), (3, 1, 4, 2)
NO_LABELS = torch.tensor([], dtype=torch.int64)


def context_of(num_rows, rows=None):
    log_probs = torch.full((num_rows, 2, 2), 0.5).log()
    return Context(TensorCandidates(log_probs, rows), NO_LABELS, Classification(("a", "b")))


def given(*scores):
    """A scorer that knows the scores beforehand."""
    return lambda context: torch.tensor(scores)


def plackett_luce(weights, batch_size):
    """The probability of every ordered batch: one by one, each in proportion to its weight among those left."""
    probability = {}
    for batch in itertools.permutations(range(len(weights)), batch_size):
        probability[batch], left = 1.0, sum(weights)
        for position in batch:
            probability[batch] *= weights[position] / left
            left -= weights[position]
    return probability


@cache
def batches_of_two(kind, beta):
    """How often each ordered batch comes among the seeds."""
    choose, context = KINDS[kind](given(*SCORES)), context_of(4)
    return Counter(tuple(choose(context, 2, seed=seed, beta=beta).rows.tolist()) for seed in range(1200))


def p_value(seen, kind, beta):
    """How well that agrees with sequential draws by the weights of a kind."""
    probability = plackett_luce([WEIGHTS[kind](*item, beta) for item in zip(SCORES, RANKS, strict=True)], 2)
    return chisquare([seen[batch] for batch in probability], [seen.total() * p for p in probability.values()]).pvalue


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beta", [0.5, 2])
def test_ordered_batches_come_as_often_as_sequential_draws_by_weight(kind, beta):
    assert p_value(batches_of_two(kind, beta), kind, beta) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_draws_by_the_weights_of_another_kind_would_be_found(kind):
    assert all(p_value(batches_of_two(kind, 2), other, 2) < 1e-6 for other in set(KINDS) - {kind})


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_beta_draws_uniformly(kind):
    choose, context = KINDS[kind](given(0.1, 5.0, 1.0)), context_of(3)
    firsts = [int(choose(context, 1, seed=seed, beta=1e-9).rows) for seed in range(900)]
    assert chisquare([firsts.count(row) for row in range(3)]).pvalue > 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beta", [1e9, 1e300])
def test_a_large_beta_asks_for_the_largest_scores(kind, beta):
    scores = torch.rand(200, generator=torch.Generator().manual_seed(0)).round(decimals=2)  # with ties
    context = context_of(200)
    chosen = KINDS[kind](lambda _: scores)(context, 30, seed=4, beta=beta)
    top = top_k_batch(lambda _: scores)(context, 30, seed=4)
    assert chosen.scores.tolist() == top.scores.tolist()


def test_rows_without_weight_follow_all_others_in_seeded_random_order_and_are_counted():
    scores = torch.zeros(400)
    scores[[7, 30, 200]] = torch.tensor([1e-30, 2.0, 0.1])
    choose = power_batch(lambda _: scores)
    batches = [choose(context_of(400), 43, seed=seed, beta=0.5) for seed in (0, 1)]
    for batch in batches:
        assert set(batch.rows[:3].tolist()) == {7, 30, 200}
        assert batch.diagnostics["picks_without_weight"] == 40
        assert 140 < batch.rows[3:].double().mean() < 260
    assert set(batches[0].rows.tolist()) != set(batches[1].rows.tolist())
    assert choose(context_of(400), 3, seed=0).diagnostics["picks_without_weight"] == 0


def test_negative_scores_have_no_power_and_are_refused_by_row():
    context = context_of(3, torch.tensor([10, 20, 30]))
    with pytest.raises(InputError) as caught:
        power_batch(given(0.5, -1e-9, 0.0))(context, 1, seed=0)
    assert caught.value.rows == (20,)


@pytest.mark.parametrize("kind", ["softmax", "softrank"])
def test_negative_scores_are_no_obstacle_elsewhere(kind):
    assert len(KINDS[kind](given(-0.5, -3.0, -0.1))(context_of(3), 2, seed=0).rows) == 2


def test_softrank_does_not_rank_equal_scores_by_row():
    choose = softrank_batch(lambda _: torch.ones(100))
    firsts = torch.cat([choose(context_of(100), 1, seed=seed, beta=20).rows for seed in range(300)])
    assert 40 < firsts.double().mean() < 60


def test_softrank_looks_at_the_order_only_and_softmax_at_differences():
    scores, context = torch.rand(50, generator=torch.Generator().manual_seed(1)).double(), context_of(50)
    for seed in range(20):
        ranked = [softrank_batch(lambda _, s=s: s)(context, 5, seed=seed).rows for s in (scores, scores.exp() * 100)]
        shifted = [softmax_batch(lambda _, s=s: s)(context, 5, seed=seed).rows for s in (scores, scores - 7)]
        scaled = [power_batch(lambda _, s=s: s)(context, 5, seed=seed).rows for s in (scores, scores * 7)]
        assert all(first.tolist() == second.tolist() for first, second in (ranked, shifted, scaled))


def test_the_noise_of_a_row_does_not_depend_on_the_other_candidates():
    scores = torch.rand(60, generator=torch.Generator().manual_seed(2))
    whole = power_batch(lambda _: scores)(context_of(60), 20, seed=3)
    some = torch.tensor(sorted(whole.rows.tolist()) + [row for row in range(60) if row not in whole.rows][:10])
    part = power_batch(lambda _: scores[some])(context_of(30, some), 20, seed=3)
    assert part.rows.tolist() == whole.rows.tolist()


@pytest.mark.parametrize(("kind", "beta"), [("power", 4), ("softmax", 8), ("softrank", 1)])
def test_the_default_is_the_documented_beta_and_is_named(kind, beta):
    context, choose = context_of(6), KINDS[kind](given(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    for seed in range(20):
        assert choose(context, 4, seed=seed).rows.tolist() == choose(context, 4, seed=seed, beta=beta).rows.tolist()
    assert choose(context, 1, seed=0).diagnostics["beta"] == beta


def test_every_score_of_the_catalogue_has_its_kinds():
    for name in (spec.name for spec in SCORE_SPECS):
        kinds = {"softmax", "softrank"} if name == "margin" else set(KINDS)
        assert {kind for kind in KINDS if f"{kind}-{name}" in ACQUISITIONS} == kinds


def test_a_score_of_ones_own_is_drawn_by_weight():
    log_probs = torch.randn(80, 5, 3, generator=torch.Generator().manual_seed(3)).log_softmax(-1)
    context = Context(TensorCandidates(log_probs), NO_LABELS, Classification(("a", "b", "c")))
    spread = pointwise(lambda chunk: (chunk.exp().amax(1) - chunk.exp().amin(1)).amax(1))
    mine = partial(power_batch(spread), beta=8)(context, 10, seed=0)
    assert torch.equal(mine.scores, spread(context)[mine.rows])
