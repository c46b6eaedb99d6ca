"""Predictions of any size, generated: for growth, and where no real ones are at hand."""

from __future__ import annotations

import torch


def correlated_predictions(num_rows: int, num_draws: int = 100, num_classes: int = 10, seed: int = 0) -> torch.Tensor:
    """[N, K, C] log-probabilities, float32, made block by block.

    Linear softmax models on 64 features, whose weights are a common matrix plus noise that differs from draw to draw,
    so that rows with similar features are uncertain together, as they are under one posterior. With ten classes about
    three rows in four are predicted with more than 90 % confidence, which leaves, as in a real pool, a minority worth
    asking about.
    """
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(num_classes, 64, generator=generator)
    noise = torch.randn(num_draws, 64, num_classes, generator=generator)
    weights = (2.0 * centres.T + 1.5 * noise).permute(1, 0, 2).reshape(64, -1)  # [64, K * C]
    log_probs = torch.empty(num_rows, num_draws, num_classes)
    for block in log_probs.split(max(1, 2_000_000 // (num_draws * num_classes))):
        of_class = torch.randint(num_classes, (len(block),), generator=generator)
        features = centres[of_class] + 1.5 * torch.randn(len(block), 64, generator=generator)
        logits = (features / 8 @ weights).view(block.shape)
        torch.log_softmax(logits, -1, out=block)
    return log_probs
