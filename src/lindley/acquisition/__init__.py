"""Which rows to ask for next: scores of single rows, and batches chosen together."""

from lindley.acquisition.batchbald import batchbald
from lindley.acquisition.batchbald_logdet import batchbald_logdet
from lindley.acquisition.catalogue import METHODS, Method, acquisition_named
from lindley.acquisition.checks import check_log_probs, check_request, checked_chunks
from lindley.acquisition.scores import (
    bald,
    entropy,
    least_confidence,
    margin,
    mean_std,
    variation_ratios,
)
from lindley.acquisition.select import pointwise, random_rows, top_k
from lindley.acquisition.stochastic import power_batch, softmax_batch, softrank_batch
from lindley.acquisition.tensor_candidates import TensorCandidates

__all__ = [
    "METHODS",
    "Method",
    "TensorCandidates",
    "acquisition_named",
    "bald",
    "batchbald",
    "batchbald_logdet",
    "check_log_probs",
    "check_request",
    "checked_chunks",
    "entropy",
    "least_confidence",
    "margin",
    "mean_std",
    "pointwise",
    "power_batch",
    "random_rows",
    "softmax_batch",
    "softrank_batch",
    "top_k",
    "variation_ratios",
]
