"""EPIG of N = 40,000 candidates with T = 100 targets, beside one matrix product of equal work, in one run.

    python benchmarks/epig_speed.py [predictions.npy] [--rows N] [--targets T] [--repeats R] [--threads T] [--out DIR]

The product is [N·C, K] x [K, T·C], from probabilities that lie ready in the layout it likes best, in blocks of rows
into one output that is written over: EPIG cannot do without it, and takes a logarithm of each of its numbers besides.
The two alternate, and the best of several runs of each counts; CPU seconds tell what other jobs took away. The .npy
file holds [N, K, C] log-probabilities in nats, the first rows of which become the targets; without one, predictions are
generated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from memory import added_mib
from records import DEFAULT_FOLDER, append, machine, now
from synthetic import correlated_predictions

from lindley.information import epig

_BLOCK_ROWS = 2000


def product(rows: torch.Tensor, columns: torch.Tensor) -> None:
    """[N·C, K] x [K, T·C], block by block into the same memory."""
    out = torch.empty(_BLOCK_ROWS, columns.shape[1])
    for block in rows.split(_BLOCK_ROWS):
        torch.mm(block, columns, out=out[: len(block)])


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    start, cpu_start = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - cpu_start


def measure(log_probs: torch.Tensor, targets: torch.Tensor, repeats: int) -> dict[str, float]:
    """The best of each, alternating, and the memory that EPIG adds."""
    num_draws = log_probs.shape[1]
    rows = torch.cat([part.exp().transpose(1, 2).reshape(-1, num_draws) for part in log_probs.split(500)])
    columns = targets.exp().transpose(1, 2).reshape(-1, num_draws).T.contiguous()
    with added_mib() as added:
        epig(log_probs, targets)
    times = [(timed(lambda: product(rows, columns)), timed(lambda: epig(log_probs, targets))) for _ in range(repeats)]
    (product_s, product_cpu), (epig_s, epig_cpu) = (
        tuple(map(min, zip(*of, strict=True))) for of in zip(*times, strict=True)
    )
    return {
        "product_s": product_s,
        "epig_s": epig_s,
        "ratio": epig_s / product_s,
        "product_cpu_s": product_cpu,
        "epig_cpu_s": epig_cpu,
        "cpu_ratio": epig_cpu / product_cpu,
        "epig_added_mib": added[0],
    }


def largest_error(log_probs: torch.Tensor, targets: torch.Tensor) -> float:
    """Of float32 against float64, in nats, over the first rows."""
    some = log_probs[:1000]
    return float((epig(some, targets) - epig(some.double(), targets.double())).abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="log-probabilities [N, K, C] as .npy")
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help=f"a folder for epig_speed.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    total = options.rows + options.targets
    if options.file:
        held = torch.from_numpy(np.load(options.file, mmap_mode="r")[:total].astype(np.float32))
    else:
        held = correlated_predictions(total)
    targets, candidates = held[: options.targets], held[options.targets :]
    if len(candidates) < options.rows:
        parser.error(f"{options.file} has {len(held)} rows; {total} are needed for candidates and targets")
    case = {"rows": len(candidates), "targets": len(targets), "draws": held.shape[1], "classes": held.shape[2]}
    found = measure(candidates, targets, options.repeats) | {"largest_error": largest_error(candidates, targets)}
    for name, value in (case | found).items():
        print(f"{name:>16}  {value:.4g}" if isinstance(value, float) else f"{name:>16}  {value}")
    if options.out:
        source = Path(options.file).name if options.file else "generated"
        row = {"when": now(), "machine": machine(options.threads), "predictions": source} | case | found
        append(options.out / "epig_speed.csv", row)


if __name__ == "__main__":
    main()
