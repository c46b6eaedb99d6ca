"""How much of a BatchBALD selection is work that it could not avoid; a part of batchbald_against_peers.py.

The selection reports over how many pairs of candidate and configuration it evaluated. The matrix products of those,
[n * (C + 1), K] times [K, M], cannot be avoided by anyone who looks at the same pairs. Nor can the logarithm of each
mixed probability, one reading of all predictions that takes their exponentials, and BALD of all rows, which the first
pick is: they say what the limit is. All are timed in turn, in one process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import records
import torch
from real_predictions import loaded
from torch import Tensor

import lindley

_COLUMNS, _BLOCK_BYTES = 64, 1 << 20  # the configurations of a race's first stage, and mixtures that stay in cache
_CHUNK_ROWS = 64


def measure_products(options: argparse.Namespace) -> None:
    """Times at b = 10, K = 100 for the largest size and the whole pool, one row of CSV for each."""
    path = options.out / "batchbald_products.csv"
    torch.set_num_threads(options.threads)
    batch_size = max(options.batch_sizes)
    for num_rows in sorted({max(options.sizes), options.full_size}):
        if not records.is_done(records.read(path), N=num_rows, b=batch_size):
            log_probs, _ = loaded(options.predictions, "mnist", 100, num_rows)
            row = {"N": num_rows, "b": batch_size, **_shares(log_probs, batch_size, 2 * options.repetitions)}
            records.append(path, {**row, "at": records.now(), "machine": records.machine(options.threads)})
            print(row, flush=True)


def _shares(log_probs: Tensor, batch_size: int, repetitions: int) -> dict[str, float]:
    diagnostics = lindley.select(log_probs, "batchbald", batch_size).diagnostics
    pairs = diagnostics["columns_evaluated"]
    assert isinstance(pairs, int)
    work: dict[str, Callable[[], object]] = {
        "selection": lambda: lindley.select(log_probs, "batchbald", batch_size),
        "products": _products(pairs, *log_probs.shape[1:]),
        "logarithms": _logarithms(pairs, log_probs.shape[2]),
        "one_pass": lambda: _read(log_probs),
        "bald": lambda: lindley.select(log_probs, "bald", batch_size),
    }
    best = dict.fromkeys(work, float("inf"))
    for _ in range(repetitions):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return {
        "pairs": pairs,
        **{f"{name}_seconds": seconds for name, seconds in best.items()},
        "times_products": best["selection"] / best["products"],
        "times_all": best["selection"] / (best["products"] + best["logarithms"] + best["bald"]),
    }


def _products(pairs: int, num_draws: int, num_classes: int) -> Callable[[], None]:
    """So many products of one cached block as cover all pairs."""
    rows = max(1, _BLOCK_BYTES // (4 * (num_classes + 1) * _COLUMNS))
    terms, weights = torch.rand(rows * (num_classes + 1), num_draws), torch.rand(num_draws, _COLUMNS)
    out = torch.empty(len(terms), _COLUMNS)

    def run() -> None:
        for _ in range(-(-pairs // (rows * _COLUMNS))):
            torch.mm(terms, weights, out=out)

    return run


def _logarithms(pairs: int, num_classes: int) -> Callable[[], None]:
    """The logarithms of all mixed probabilities, in blocks of the same size."""
    mixed = torch.rand(max(1, _BLOCK_BYTES // 4))
    out = torch.empty_like(mixed)

    def run() -> None:
        for _ in range(-(-pairs * num_classes // len(mixed))):
            torch.log(mixed, out=out)

    return run


def _read(log_probs: Tensor) -> None:
    for chunk in log_probs.split(_CHUNK_ROWS):
        chunk.exp().sum()
