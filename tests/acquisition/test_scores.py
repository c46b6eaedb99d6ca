import math
import random

import pytest
import torch

from lindley.acquisition import bald, entropy, least_confidence, margin, mean_std, variation_ratios


def tiny_problem(seed):
    """Probabilities as nested lists [K][C] with some exact zeros, and the same as log-probabilities [1, K, C]."""
    rng = random.Random(seed)
    num_draws, num_classes = rng.randint(2, 6), rng.randint(2, 4)
    weights = [[rng.expovariate(1.0) for _ in range(num_classes)] for _ in range(num_draws)]
    for draw in weights:
        if rng.random() < 0.3:
            draw[rng.randrange(num_classes)] = 0.0
    probs = [[w / sum(draw) for w in draw] for draw in weights]
    return probs, torch.tensor([probs], dtype=torch.float64).log()


def averaged(probs):
    return [sum(draw[c] for draw in probs) / len(probs) for c in range(len(probs[0]))]


@pytest.mark.parametrize("seed", range(60))
def test_scores_equal_plain_loops(seed):
    probs, log_probs = tiny_problem(seed)
    mean = averaged(probs)
    first, second = sorted(mean, reverse=True)[:2]
    votes = [draw.index(max(draw)) for draw in probs]
    winner = max(votes.count(c) for c in range(len(mean)))
    spread = [math.sqrt(sum((draw[c] - m) ** 2 for draw in probs) / len(probs)) for c, m in enumerate(mean)]
    expected = {
        margin: second - first,
        entropy: -sum(p * math.log(p) for p in mean if p > 0),
        least_confidence: 1 - first,
        variation_ratios: 1 - winner / len(votes),
        mean_std: sum(spread) / len(spread),
        bald: sum(p * math.log(p / m) for draw in probs for p, m in zip(draw, mean, strict=True) if p > 0) / len(probs),
    }
    assert {score: score(log_probs).item() for score in expected} == pytest.approx(expected, abs=1e-12)


def test_variation_ratios_count_votes_and_not_averages():
    probs = torch.tensor([[[0.51, 0.49], [0.51, 0.49], [0.01, 0.99]]])  # two of three vote for the first class
    assert variation_ratios(probs.log()).item() == pytest.approx(1 / 3)


def test_an_even_coin_is_the_most_uncertain_of_all_but_has_nothing_to_teach():
    coin = torch.full((1, 5, 2), 0.5).log()
    assert margin(coin).item() == pytest.approx(0, abs=1e-7)
    assert least_confidence(coin).item() == pytest.approx(0.5)
    assert entropy(coin).item() == pytest.approx(math.log(2))
    assert bald(coin).item() == mean_std(coin).item() == variation_ratios(coin).item() == 0


def test_draws_certain_of_different_classes_have_the_largest_spread():
    split = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]).log()
    assert mean_std(split).item() == variation_ratios(split).item() == 0.5
    assert bald(split).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("score", [bald, mean_std])
def test_one_draw_is_warned_of_where_draws_are_compared(score):
    with pytest.warns(UserWarning, match="K = 1"):
        scores = score(torch.full((3, 1, 4), 0.25).log())
    assert scores.tolist() == [0, 0, 0]


@pytest.mark.parametrize("score", [margin, entropy, least_confidence, variation_ratios, mean_std, bald])
def test_single_precision_gives_the_scores_of_double_precision(score):
    log_probs = torch.randn(300, 50, 10, generator=torch.Generator().manual_seed(6)).mul(3).log_softmax(-1)
    log_probs[::5, :, 4] = -math.inf
    single, double = score(log_probs), score(log_probs.double())
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    assert (single - double).abs().max() < 1e-6
