"""Time and memory of BatchBALD on a pool of MNIST's size: N = 60,000, K = 100, C = 10, b = 10.

    python benchmarks/batchbald_full_pool.py [predictions.npy] [--rows N] [--batch-size B] [--num-paths M] [--threads T]

The .npy file holds [N, K, C] log-probabilities in nats, float32. Without one, predictions are generated: linear softmax
models on 64 features, whose weights are a common matrix plus noise that differs from draw to draw, so that rows with
similar features are uncertain together, as they are under one posterior. About three rows in four are predicted with
more than 90 % confidence, which leaves, as in a real pool, a minority worth asking about.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from lindley.acquisition import HeldPredictions, acquisition_named
from lindley.contracts import ClassificationTask, Context, Labels, Selection


def correlated_predictions(num_rows: int, num_draws: int = 100, num_classes: int = 10, seed: int = 0) -> torch.Tensor:
    """[N, K, C] log-probabilities, float32, made block by block."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(num_classes, 64, generator=generator)
    noise = torch.randn(num_draws, 64, num_classes, generator=generator)
    log_probs = torch.empty(num_rows, num_draws, num_classes)
    for block in log_probs.split(2000):
        of_class = torch.randint(num_classes, (len(block),), generator=generator)
        features = centres[of_class] + 1.5 * torch.randn(len(block), 64, generator=generator)
        logits = torch.einsum("nf,kfc->nkc", features / 8, 2.0 * centres.T + 1.5 * noise)
        block.copy_(logits.log_softmax(-1))
    return log_probs


def timed(name: str, context: Context, batch_size: int, **options: object) -> Selection:
    """One selection, with its time and the peak memory so far; CPU seconds tell what it takes beside other jobs."""
    start, cpu_start = time.perf_counter(), time.process_time()
    selection = acquisition_named(name, options)(context, batch_size, seed=0)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # KiB -> GiB
    print(f"{name:10s} {seconds:7.2f} s ({cpu:.2f} s of CPU)   peak RSS of the process {peak:.2f} GiB", flush=True)
    print(" " * 10, dict(selection.diagnostics))
    return selection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="log-probabilities [N, K, C] as .npy")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--num-paths", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.file:
        log_probs = torch.from_numpy(np.load(options.file)[: options.rows])
    else:
        log_probs = correlated_predictions(options.rows)
    task = ClassificationTask(tuple(f"class {c}" for c in range(log_probs.shape[2])))
    nobody = torch.zeros(0, dtype=torch.int64)
    context = Context(HeldPredictions(log_probs), Labels(nobody, nobody), task)
    print(f"predictions {list(log_probs.shape)}, {log_probs.nbytes / 2**20:.0f} MiB, {options.threads} threads")
    timed("bald", context, options.batch_size)
    batch = timed("batchbald", context, options.batch_size, num_paths=options.num_paths)
    print("gains", [round(gain, 4) for gain in batch.scores.tolist()])


if __name__ == "__main__":
    main()
