"""Time and memory of the diverse methods on a pool of MNIST's size: N = 60,000, D = 128, L = 100, C = 10.

    python benchmarks/diverse_speed.py [--rows N] [--features D] [--labelled L] [--batch-sizes 10 100] [--threads T]
                                       [--acquisitions badge coreset ...]

Features are 200 clusters of unequal size around random centres, float32; predictions are ten linear softmax models on
them. Each method runs in a process of its own, so that its peak memory is its own; "added" is what it needed beside
features and predictions. CPU seconds tell what it takes where other jobs run beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch
from memory import added_mib

from lindley.acquisition import TensorCandidates, acquisition_named
from lindley.contracts import Classification, Context

NAMES = ("coreset", "badge", "typiclust", "probcover", "bait")


def clustered_context(num_rows: int, num_features: int, num_labelled: int, num_classes: int = 10) -> Context:
    """Features that lie in clusters, with the predictions of ten linear models on them."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(200, num_features, generator=generator)
    shares = 1 / torch.arange(1.0, 201.0).sqrt()
    of_cluster = shares.multinomial(num_rows + num_labelled, replacement=True, generator=generator)
    features = centres[of_cluster] + 0.6 * torch.randn(len(of_cluster), num_features, generator=generator)
    weights = torch.randn(num_features, num_classes, generator=generator)
    weights = weights + 0.5 * torch.randn(10, num_features, num_classes, generator=generator)
    log_probs = torch.cat(
        [
            torch.einsum("nd,kdc->nkc", block, weights / num_features**0.5).log_softmax(-1)
            for block in features[:num_rows].split(2000)
        ]
    )
    told = torch.arange(num_rows, num_rows + num_labelled)
    return Context(
        TensorCandidates(log_probs, features=features[:num_rows]),
        told,
        Classification(tuple(f"class {c}" for c in range(num_classes))),
        labelled_features=features[num_rows:],
    )


def measure(name: str, context: Context, batch_size: int) -> None:
    """One selection, after a small one that pays for imports."""
    small = clustered_context(300, 4, 10)
    acquisition_named(name)(small, 5, seed=0)
    start, cpu_start = time.perf_counter(), time.process_time()
    with added_mib() as added:
        selection = acquisition_named(name)(context, batch_size, seed=0)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    print(
        f"{name:10s} b={batch_size:<4d} {seconds:8.2f} s ({cpu:8.2f} s of CPU)   added {added[0]:6.0f} MiB", flush=True
    )
    print(" " * 10, dict(selection.diagnostics), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--labelled", type=int, default=100)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--acquisitions", nargs="+", default=list(NAMES), choices=NAMES)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if len(options.acquisitions) * len(options.batch_sizes) == 1:
        context = clustered_context(options.rows, options.features, options.labelled)
        measure(options.acquisitions[0], context, options.batch_sizes[0])
        return
    shared = [f"--{name}={getattr(options, name)}" for name in ("rows", "features", "labelled", "threads")]
    for name in options.acquisitions:
        for batch_size in options.batch_sizes:
            alone = [f"--acquisitions={name}", f"--batch-sizes={batch_size}"]
            subprocess.run([sys.executable, __file__, *shared, *alone], check=True)


if __name__ == "__main__":
    main()
