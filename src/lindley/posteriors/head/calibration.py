"""The temperature that calibrates the probabilities that people see, without labels set aside for it.

What is calibrated is the head's point prediction. With few labels it predicts better than the average of draws, which
is far too unsure: its spread is that of weights that the labels say nothing of, and sharper draws are sharp about
different classes, so that no temperature of the draws calibrates their average (measured).
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import minimize_scalar

from lindley.posteriors.head.head import HeadPosterior
from lindley.posteriors.head.head_fit import left_out_log_probs

LOG_DEVIATION = 0.2
"""Standard deviation of the prior of the temperature's logarithm, about 0: fifty labels alone would be a poor guide."""
_LIMIT = math.log(10)


def calibration_temperature(posterior: HeadPosterior, *, log_deviation: float = LOG_DEVIATION) -> float:
    """Return the most probable temperature of a head's point prediction, judged by the labels left out in turn.

    `scale_temperature(posterior, temperature).point()` predicts with it. Without labels it is 1.
    Source: Guo et al. 2017, arXiv:1706.04599 (there by validation labels, and without a prior).

    Args:
        posterior: The posterior of a head.
        log_deviation: Standard deviation of the prior of the temperature's logarithm.
    """
    regression = posterior.fit_result.regression
    if not len(regression.classes):
        return 1.0
    log_probs = left_out_log_probs(regression, posterior.fit_result.coefficients)  # [L, C]
    rows = torch.arange(len(log_probs))

    def loss(logarithm: float) -> float:
        of_labels = (log_probs / math.exp(logarithm)).log_softmax(1)[rows, regression.classes]
        return float(-regression.sample_weight @ of_labels) + (logarithm / log_deviation) ** 2 / 2

    return math.exp(minimize_scalar(loss, bounds=(-_LIMIT, _LIMIT), method="bounded").x)
