"""The scores of single rows by the names that specs give: each reads the candidates in one scan."""

from __future__ import annotations

from lindley.acquisition import scores
from lindley.acquisition.epig import epig_scores
from lindley.acquisition.top_k import pointwise

margin = pointwise(scores.margin)
entropy = pointwise(scores.entropy)
least_confidence = pointwise(scores.least_confidence)
variation_ratios = pointwise(scores.variation_ratios)
mean_std = pointwise(scores.mean_std)
bald = pointwise(scores.bald)
epig = epig_scores
