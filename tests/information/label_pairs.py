"""Predictions and plain loops that the tests of EPIG and of pairwise information share."""

import math

import torch


def random_log_probs(seed, num_rows, num_draws, num_classes, zeros=0.25, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(num_rows, num_draws, num_classes, generator=generator, dtype=torch.float64) ** 3 + 1e-3
    gone = torch.rand(weights.shape, generator=generator) < zeros
    gone[:, :, 0] = False
    weights = weights.masked_fill(gone, 0.0)
    return (weights / weights.sum(-1, keepdim=True)).log().to(dtype)


def certain(answers, num_classes=2):
    """[N][K] answers -> [N, K, C] log-probabilities of draws that are sure of them."""
    return torch.nn.functional.one_hot(torch.tensor(answers), num_classes).double().log()


def information_by_loops(first, second):
    """I[y; y'] of two rows, nested lists [K][C], one pair of labels at a time."""
    num_draws, total = len(first), 0.0
    average = [[sum(draw[c] for draw in row) / num_draws for c in range(len(row[0]))] for row in (first, second)]
    for y, q in enumerate(average[0]):
        for z, r in enumerate(average[1]):
            both = sum(a[y] * b[z] for a, b in zip(first, second, strict=True)) / num_draws
            total += both * math.log(both / (q * r)) if both > 0 else 0.0
    return total
