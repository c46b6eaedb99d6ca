"""Predictions and contexts that the tests of EPIG, 2-BALD and log-determinant batches share."""

import math

import torch

from lindley.acquisition import TensorCandidates
from lindley.contracts import Classification, Context

NOBODY = torch.zeros(0, dtype=torch.int64)


def context_of(
    log_probs,
    targets=None,
    *,
    rows=None,
    chunk_rows=50,
    draws_id="held",
    labelled=NOBODY,
    features=None,
    labelled_features=None,
):
    task = Classification(tuple(f"class {c}" for c in range(log_probs.shape[2])))
    held = None if targets is None else TensorCandidates(targets, draws_id=draws_id, chunk_rows=3)
    candidates = TensorCandidates(log_probs, rows, features=features, chunk_rows=chunk_rows)
    return Context(candidates, labelled, task, targets=held, labelled_features=labelled_features)


def random_log_probs(seed, num_rows, num_draws, num_classes, zeros=0.25, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(num_rows, num_draws, num_classes, generator=generator, dtype=torch.float64) ** 3 + 1e-3
    gone = torch.rand(weights.shape, generator=generator) < zeros
    gone[:, :, 0] = False
    weights = weights.masked_fill(gone, 0.0)
    return (weights / weights.sum(-1, keepdim=True)).log().to(dtype)


def linear_model(seed, num_rows, num_draws, num_classes, dtype=torch.float32):
    """Predictions of linear softmax models whose weights differ between the draws: rows are correlated."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(num_rows, 8, generator=generator) / 8**0.5
    weights = 3 * torch.randn(8, num_classes, generator=generator)
    weights = weights + 2 * torch.randn(num_draws, 8, num_classes, generator=generator)
    return (features @ weights).permute(1, 0, 2).to(dtype).log_softmax(-1).contiguous()


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
