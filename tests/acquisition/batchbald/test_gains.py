import itertools
import math

import pytest
import torch

from lindley.acquisition import TensorCandidates
from lindley.acquisition.batchbald.gains import gains, prepare_terms
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.information import bald, empty_configurations, joint_information


def random_log_probs(seed, num_rows, num_draws, num_classes, zeros=0.0):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(num_rows, num_draws, num_classes, generator=generator, dtype=torch.float64) ** 3 + 1e-3
    gone = torch.rand(weights.shape, generator=generator) < zeros
    gone[:, :, 0] = False
    weights = weights.masked_fill(gone, 0.0)
    return (weights / weights.sum(-1, keepdim=True)).log()


def terms_of(log_probs):
    candidates = TensorCandidates(log_probs)
    ranked = RankedCandidates(candidates, -torch.arange(len(log_probs)).double(), prepare_terms, seed=0)
    return ranked(torch.arange(len(log_probs)))[0]


def configurations_of(batch, num_configurations, seed=0):
    configurations = empty_configurations(batch.shape[1])
    for row in batch:
        configurations = configurations.extend(row, num_configurations=num_configurations, seed=seed)
    return configurations


def gain_by_loops(batch, row):
    """gain(x | S), one configuration at a time, from nested lists [B][K][C] and [K][C]."""
    num_draws, num_classes, total = len(row), len(row[0]), 0.0
    for labels in itertools.product(range(num_classes), repeat=len(batch)):
        under = [math.prod(member[k][y] for member, y in zip(batch, labels, strict=True)) for k in range(num_draws)]
        if sum(under) == 0:
            continue
        weights = [p / sum(under) for p in under]
        mixed = [sum(w * draw[c] for w, draw in zip(weights, row, strict=True)) for c in range(num_classes)]
        conditional = sum(w * entropy_of(draw) for w, draw in zip(weights, row, strict=True))
        total += sum(under) / num_draws * (entropy_of(mixed) - conditional)
    return total


def entropy_of(distribution):
    return -sum(p * math.log(p) for p in distribution if p > 0)


@pytest.mark.parametrize("seed", range(60))
def test_exact_gains_equal_plain_loops(seed):
    log_probs = random_log_probs(seed, 5, 1 + seed % 6, 2 + seed % 3, zeros=0.3)
    size = seed % 4
    found = gains(terms_of(log_probs), configurations_of(log_probs[:size], 10**6))
    probs = log_probs.exp().tolist()
    assert found.tolist() == pytest.approx([gain_by_loops(probs[:size], row) for row in probs], abs=1e-9)


def test_the_first_gain_is_bald_and_gains_add_up_to_the_joint_information():
    log_probs = random_log_probs(0, 4, 6, 3)
    each = [gains(terms_of(log_probs[b : b + 1]), configurations_of(log_probs[:b], 10**6)).item() for b in range(4)]
    assert each[0] == pytest.approx(bald(log_probs)[0].item(), abs=1e-12)
    assert sum(each) == pytest.approx(joint_information(log_probs), abs=1e-9)


def test_gains_under_sampled_configurations_are_unbiased():
    log_probs = random_log_probs(1, 5, 6, 3)
    batch, row = log_probs[:4], log_probs[4:]
    exact = gains(terms_of(row), configurations_of(batch, 10**6)).item()
    sampled = torch.stack([gains(terms_of(row), configurations_of(batch, 30, seed))[0] for seed in range(150)])
    error = sampled.std().item() / math.sqrt(150)
    assert error < exact / 50
    assert abs(sampled.mean().item() - exact) < 4 * error


def test_float32_gains_are_within_a_millionth_of_a_nat():
    log_probs = random_log_probs(2, 200, 50, 10, zeros=0.2)
    configurations = configurations_of(log_probs[:6], 500)
    assert (
        gains(terms_of(log_probs), configurations) - gains(terms_of(log_probs.float()), configurations)
    ).abs().max() < 1e-6


def test_gains_stay_finite_and_vanish_as_two_hundred_rows_fill_the_batch():
    logits = 3 * torch.randn(201, 20, 10, generator=torch.Generator().manual_seed(0))
    log_probs = logits.log_softmax(-1)
    last = gains(terms_of(log_probs), configurations_of(log_probs[:200], 60))
    assert last.min() >= 0
    assert last.max() < 1e-5


def test_terms_are_probabilities_and_entropies_of_the_draws():
    log_probs = random_log_probs(4, 3, 5, 4, zeros=0.3)
    terms = terms_of(log_probs)
    assert torch.equal(terms[:, :4], log_probs.exp().transpose(1, 2))
    assert terms[1, 4, 2].item() == pytest.approx(entropy_of(log_probs[1, 2].exp().tolist()))
