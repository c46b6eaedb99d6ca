"""Contexts for the tests of diverse methods: features, labelled features and predictions at hand."""

from __future__ import annotations

import torch

from lindley.acquisition import TensorCandidates
from lindley.contracts import Classification, Context


def random_points(num_rows, num_features, seed=0, dtype=torch.float64):
    return torch.randn(num_rows, num_features, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def random_log_probs(num_rows, num_draws=3, num_classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(num_rows, num_draws, num_classes, generator=generator, dtype=torch.float64)
    return logits.log_softmax(-1)


def context_of(features, labelled=None, log_probs=None, rows=None, num_classes=3):
    """Candidates with these features (rows 0, 1, ... unless given), and labelled rows 10,000 and up."""
    log_probs = random_log_probs(len(features), num_classes=num_classes) if log_probs is None else log_probs
    labelled = features[:0] if labelled is None else labelled
    labelled_rows = torch.arange(10_000, 10_000 + len(labelled))
    return Context(
        TensorCandidates(
            log_probs, torch.arange(len(features)) if rows is None else rows, features=features, chunk_rows=7
        ),
        labelled_rows,
        Classification(tuple(f"class {c}" for c in range(log_probs.shape[2]))),
        labelled_features=labelled,
    )
