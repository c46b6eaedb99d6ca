"""Calibration errors: the gap between the confidence of predictions and their accuracy."""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.measures.scores import check_rows
from lindley.shapes import ClassIndices, MeanLogProbs

ECE_BINS = 15


@torch.no_grad()
def expected_calibration_error(log_probs: MeanLogProbs, classes: ClassIndices, *, num_bins: int = ECE_BINS) -> float:
    """Gap between confidence and accuracy, Σ_b (n_b / N) |accuracy_b - confidence_b|, in [0, 1].

    Confidence is the probability of the most probable class.
    Source: Guo et al. 2017, arXiv:1706.04599, eq. 3.

    Args:
        log_probs: [N, C], averaged over the draws, in nats.
        classes: [N], the true classes.
        num_bins: Number of bins of equal width; they divide (0, 1] and are open on the left.
    """
    check_rows(log_probs, classes)
    confidence, gaps = _confidence_and_gaps(log_probs, classes)
    return _calibration_error(gaps, (confidence * num_bins).ceil().long().clamp(1, num_bins) - 1, num_bins)


@torch.no_grad()
def adaptive_calibration_error(log_probs: MeanLogProbs, classes: ClassIndices, *, num_bins: int = ECE_BINS) -> float:
    """Gap between confidence and accuracy in bins of equal mass, Σ_b (n_b / N) |accuracy_b - confidence_b|, in [0, 1].

    Where most predictions are confident, bins of equal width leave nearly all of them in the last one; these bins hold
    equally many rows, to within one row. Rows of the same confidence share a bin, so that their order changes nothing.
    Fewer rows than bins have one each. Confidence is the probability of the most probable class, as in the expected
    calibration error; the adaptive calibration error of Nixon et al. averages over the probabilities of all classes.
    Source: Nguyen and O'Connor 2015, arXiv:1508.05154; Nixon et al. 2019, arXiv:1904.01685.

    Args:
        log_probs: [N, C], averaged over the draws, in nats.
        classes: [N], the true classes.
        num_bins: Number of bins.
    """
    check_rows(log_probs, classes)
    confidence, gaps = _confidence_and_gaps(log_probs, classes)
    ranks = torch.searchsorted(confidence.sort().values, confidence)  # [N], how many rows are less sure
    return _calibration_error(gaps, ranks * num_bins // len(ranks), num_bins)


def _confidence_and_gaps(log_probs: MeanLogProbs, classes: ClassIndices) -> tuple[Tensor, Tensor]:
    """Return the confidence of each row, and by how much its being right (1) or wrong (0) exceeds it.  [N], [N]"""
    best, predicted = log_probs.double().max(1)
    confidence = best.exp()
    return confidence, (predicted == classes).double() - confidence


def _calibration_error(gaps: Tensor, bins: Tensor, num_bins: int) -> float:
    """Sum the absolute values of the bins' sums of gaps, over the number of rows."""
    sums = torch.zeros(num_bins, dtype=torch.float64, device=gaps.device).index_add_(0, bins, gaps)
    return float(sums.abs().sum() / gaps.numel())
