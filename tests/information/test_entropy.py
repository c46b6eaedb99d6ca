import math
import random

import pytest
import torch

from lindley.information import bald, conditional_entropy, mean_log_probs, predictive_entropy


def tiny_problem(seed):
    """Random probabilities as nested lists [N][K][C], a quarter of them exactly zero, and the same as a tensor."""
    rng = random.Random(seed)
    num_rows, num_draws, num_classes = rng.randint(1, 4), rng.randint(1, 6), rng.randint(2, 4)
    probs = []
    for _ in range(num_rows):
        row = []
        for _ in range(num_draws):
            weights = [0.0 if rng.random() < 0.25 else rng.expovariate(1.0) for _ in range(num_classes)]
            if sum(weights) == 0:
                weights[rng.randrange(num_classes)] = 1.0
            row.append([w / sum(weights) for w in weights])
        probs.append(row)
    return probs, torch.tensor(probs, dtype=torch.float64).log()


def entropy_of(distribution):
    return -sum(p * math.log(p) for p in distribution if p > 0)


def mean_of(draws):
    return [sum(draw[c] for draw in draws) / len(draws) for c in range(len(draws[0]))]


@pytest.mark.parametrize("seed", range(250))
def test_entropies_and_bald_equal_plain_loops(seed):
    probs, log_probs = tiny_problem(seed)
    predictive = [entropy_of(mean_of(draws)) for draws in probs]
    conditional = [sum(map(entropy_of, draws)) / len(draws) for draws in probs]
    assert predictive_entropy(log_probs).tolist() == pytest.approx(predictive, abs=1e-12)
    assert conditional_entropy(log_probs).tolist() == pytest.approx(conditional, abs=1e-12)
    differences = [p - c for p, c in zip(predictive, conditional, strict=True)]
    assert bald(log_probs).tolist() == pytest.approx(differences, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_predictive_is_the_mean_over_draws(seed):
    probs, log_probs = tiny_problem(seed)
    assert mean_log_probs(log_probs).exp().tolist() == [pytest.approx(mean_of(draws), abs=1e-15) for draws in probs]


def test_a_class_that_no_draw_allows_stays_at_minus_infinity():
    log_probs = torch.tensor([[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]]).log()
    assert mean_log_probs(log_probs)[0, 2] == -math.inf


def test_bald_is_zero_when_draws_agree():
    one = torch.randn(50, 1, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64).log_softmax(-1)
    assert bald(one.expand(50, 20, 10)).max() < 1e-15
    assert bald(one).max() == 0


@pytest.mark.parametrize("num_draws", [2, 3, 10])
def test_bald_is_log_k_when_k_draws_are_certain_of_different_classes(num_draws):
    assert bald(torch.eye(num_draws)[None].log()).item() == pytest.approx(math.log(num_draws), rel=1e-7)


def test_bald_is_never_negative_in_float32_where_draws_nearly_agree():
    generator = torch.Generator().manual_seed(1)
    base = 5 * torch.randn(2000, 1, 10, generator=generator)
    log_probs = (base + 1e-4 * torch.randn(2000, 20, 10, generator=generator)).log_softmax(-1)
    assert bald(log_probs).min() >= 0
    assert torch.allclose(bald(log_probs), bald(log_probs.double()).float(), rtol=1e-6, atol=0)


def test_bald_is_accurate_where_draws_nearly_agree():
    shift = 1e-5  # two draws, (1 ± shift)/2: the information is shift²/2 to leading order
    log_probs = torch.tensor([[[1 + shift, 1 - shift], [1 - shift, 1 + shift]]], dtype=torch.float64).div(2).log()
    assert bald(log_probs).item() == pytest.approx(shift**2 / 2, rel=1e-4)


@pytest.mark.parametrize("function", [predictive_entropy, conditional_entropy, bald, mean_log_probs])
def test_many_rows_in_blocks_equal_each_row_alone(function):
    log_probs = torch.randn(700, 60, 10, generator=torch.Generator().manual_seed(2)).log_softmax(-1)
    together = function(log_probs)
    alone = torch.cat([function(row[None]) for row in log_probs])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("function", [predictive_entropy, conditional_entropy, bald, mean_log_probs])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_of_the_input_is_kept_and_no_rows_give_no_scores(function, dtype):
    log_probs = torch.full((3, 2, 4), 0.25, dtype=dtype).log()
    assert function(log_probs).dtype == dtype
    assert len(function(log_probs[:0])) == 0


def regimes():
    """Float32 predictions of many kinds: unsure, certain, nearly agreeing, few and many draws, exact zeros."""
    generator = torch.Generator().manual_seed(4)
    for num_draws, num_classes in [(2, 2), (2, 10), (15, 4), (100, 10), (700, 3), (20, 300)]:
        for scale in (0.1, 1, 10, 100):
            logits = scale * torch.randn(150, num_draws, num_classes, generator=generator)
            yield logits.log_softmax(-1)
            yield logits.masked_fill(torch.rand(logits.shape, generator=generator) < 0.3, -1e5).log_softmax(-1)
        for spread in (1e-1, 1e-2, 1e-3, 1e-5):
            base = 5 * torch.randn(150, 1, num_classes, generator=generator)
            yield (base + spread * torch.randn(150, num_draws, num_classes, generator=generator)).log_softmax(-1)


@pytest.mark.parametrize("function", [bald, predictive_entropy, conditional_entropy])
def test_float32_is_within_a_millionth_of_a_nat_of_float64(function):
    for log_probs in regimes():
        log_probs[log_probs < -1e4] = -math.inf
        assert (function(log_probs).double() - function(log_probs.double())).abs().max() <= 1e-6


def test_bald_in_float32_is_right_to_a_few_percent_however_small_it_is():
    for log_probs in regimes():
        assert torch.allclose(bald(log_probs).double(), bald(log_probs.double()), rtol=0.03, atol=1e-30)


@pytest.mark.parametrize("function", [predictive_entropy, conditional_entropy, bald, mean_log_probs])
@pytest.mark.parametrize("num_draws", [3, 100, 1000])
def test_bits_do_not_depend_on_neighbours_threads_or_strides(function, num_draws):
    log_probs = torch.randn(60, num_draws, 10, generator=torch.Generator().manual_seed(5))
    log_probs[::7, 0, 3] = -math.inf  # whose blocks are done twice
    log_probs[1::7] = log_probs[1::7, :1] + 1e-4 * log_probs[1::7]  # whose rows are done again
    log_probs = log_probs.log_softmax(-1)
    together, threads = function(log_probs), torch.get_num_threads()
    assert torch.equal(together, torch.cat([function(row[None]) for row in log_probs]))
    assert torch.equal(together, function(log_probs.transpose(1, 2).contiguous().transpose(1, 2)))
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert torch.equal(together, function(log_probs))
    finally:
        torch.set_num_threads(threads)
