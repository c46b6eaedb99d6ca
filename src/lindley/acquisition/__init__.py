"""Which rows to query next: scores of single rows, and batches chosen together.

The public names are imported when they are first used: to read the specs costs no import of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lindley.acquisition.catalogue import acquisition_named
    from lindley.acquisition.checks import check_log_probs, check_request, scan_log_probs
    from lindley.acquisition.scores import (
        bald,
        entropy,
        least_confidence,
        margin,
        mean_std,
        variation_ratios,
    )
    from lindley.acquisition.specs import ACQUISITIONS, AcquisitionSpec
    from lindley.acquisition.stochastic import power_batch, softmax_batch, softrank_batch
    from lindley.acquisition.tensor_candidates import TensorCandidates
    from lindley.acquisition.top_k import pointwise, random_rows

_HOMES = {
    "AcquisitionSpec": "specs",
    "ACQUISITIONS": "specs",
    "TensorCandidates": "tensor_candidates",
    "acquisition_named": "catalogue",
    "bald": "scores",
    "check_log_probs": "checks",
    "check_request": "checks",
    "scan_log_probs": "checks",
    "entropy": "scores",
    "least_confidence": "scores",
    "margin": "scores",
    "mean_std": "scores",
    "pointwise": "top_k",
    "power_batch": "stochastic",
    "random_rows": "top_k",
    "softmax_batch": "stochastic",
    "softrank_batch": "stochastic",
    "variation_ratios": "scores",
}

__all__ = [
    "ACQUISITIONS",
    "AcquisitionSpec",
    "TensorCandidates",
    "acquisition_named",
    "bald",
    "check_log_probs",
    "check_request",
    "entropy",
    "least_confidence",
    "margin",
    "mean_std",
    "pointwise",
    "power_batch",
    "random_rows",
    "scan_log_probs",
    "softmax_batch",
    "softrank_batch",
    "variation_ratios",
]


if not TYPE_CHECKING:  # a type checker would take it for any name, also a misspelt one

    def __getattr__(name: str) -> object:
        """A public name, imported from its home on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'lindley.acquisition' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.acquisition.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
