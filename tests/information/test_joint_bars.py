"""The bars of exactness: what is computed equals brute force, and what is estimated is within its stated error."""

import math
from itertools import product

import torch
from label_pairs import random_log_probs

from lindley.acquisition import TensorCandidates, acquisition_named
from lindley.contracts import Classification, Context
from lindley.information import estimate_joint_information, joint_information

NOBODY = torch.zeros(0, dtype=torch.int64)


def tiny_problem(seed, num_rows):
    """C <= 4, K <= 6, exact zeros among them; some rows are certain, some draws agree, some rows come twice."""
    log_probs = random_log_probs(seed, num_rows, 1 + seed % 6, 2 + seed % 3, zeros=(0.0, 0.25, 0.6)[seed % 5 % 3])
    if seed % 7 == 0:
        log_probs[0] = torch.tensor([0.0, *[-math.inf] * (log_probs.shape[2] - 1)])
    if seed % 11 == 0:
        log_probs[-1] = log_probs[0]
    return log_probs


def information_by_loops(log_probs):
    """I[y_1..B; θ] = Σ_labels 1/K Σ_k p_k(labels) log(p_k(labels) / p(labels)), in plain floats."""
    probs, total = log_probs.exp().tolist(), 0.0
    num_draws, num_classes = log_probs.shape[1:]
    for labels in product(range(num_classes), repeat=len(probs)):
        under = [math.prod(row[k][y] for row, y in zip(probs, labels, strict=True)) for k in range(num_draws)]
        average = math.fsum(under) / num_draws
        total += math.fsum(p * math.log(p / average) for p in under if p > 0) / num_draws
    return total


def test_joint_information_of_two_hundred_tiny_problems_equals_brute_force():
    for seed in range(200):
        batch = tiny_problem(seed, 1 + seed // 3 % 4)
        assert abs(joint_information(batch) - information_by_loops(batch)) <= 1e-9


def test_the_greedy_batch_of_two_hundred_tiny_problems_has_no_regret_against_brute_force():
    for seed in range(200):
        log_probs = tiny_problem(seed, 6)
        task = Classification(tuple("abcd"[: log_probs.shape[2]]))
        context = Context(TensorCandidates(log_probs), NOBODY, task)
        # K = 1 is warned of: nothing to choose by, and no regret possible
        if log_probs.shape[1] == 1:
            continue
        batch = acquisition_named("batchbald")(context, 1 + seed // 3 % 4, seed=seed).rows
        for size in range(len(batch)):
            before = batch[:size].tolist()
            best = max(information_by_loops(log_probs[[*before, r]]) for r in range(6) if r not in before)
            assert information_by_loops(log_probs[batch[: size + 1]]) >= best - 1e-9


def test_estimates_of_a_thousand_problems_lie_within_four_standard_errors_of_the_truth():
    inside = 0
    for seed in range(1000):
        batch = random_log_probs(seed, 1 + seed % 5, 2 + seed % 9, 2 + seed % 3)
        estimate = estimate_joint_information(batch, num_configurations=300, seed=seed)
        inside += abs(estimate.value - joint_information(batch)) <= 4 * estimate.standard_error + 1e-12
    assert inside >= 990
