"""Which rows to query next: scores of single rows, and batches chosen together.

specs.py              every acquisition by name: its options, and an entry with what is known of it before it runs
acquisition_spec.py   the type of an entry
catalogue.py          an acquisition by its name, with its options set
select.py             all of it in one call, for anyone's predictions
select_arguments.py   the arrays of that call as candidates, targets, features and rows
array_sources.py      arrays of which a few rows are read at a time
array_candidates.py   anyone's array as candidates
axis_order.py         a warning where [N, K, C] looks like [K, N, C]
tensor_candidates.py  tensors in memory as candidates
checks.py             the border of every acquisition: predictions and requests
scan.py               scans of the candidates, merged by row
scores.py             scores of single rows
epig.py               EPIG, the score that reads targets
top_k.py              from scores to rows: the largest, or random ones
stochastic.py         from scores to rows: drawn by weight
greedy_search.py      one greedy search for every joint batch
ranked_candidates.py  what the search keeps of the candidates
batchbald/            BatchBALD and BatchBALD-logdet
batch_epig.py         EPIG of a batch
two_bald.py           BALD up to pairs
logdet.py             log-determinants
diverse/              batches chosen by features; specs.py there has their options and entries

The public names are imported when they are first used: to read the specs costs no import of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lindley.acquisition.acquisition_spec import AcquisitionSpec
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
    from lindley.acquisition.specs import ACQUISITIONS
    from lindley.acquisition.stochastic import power_batch, softmax_batch, softrank_batch
    from lindley.acquisition.tensor_candidates import TensorCandidates
    from lindley.acquisition.top_k import pointwise, random_rows

_MODULES = {
    "AcquisitionSpec": "acquisition_spec",
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
        """Return a public name, imported from its module on first use (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module 'lindley.acquisition' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.acquisition.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
