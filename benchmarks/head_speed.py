"""Seconds to refit a Bayesian head on 1,000 labels and to rank 50,000 embeddings of 384 dimensions by BALD anew.

    python benchmarks/head_speed.py [--rows N] [--labels L] [--features D] [--classes C] [--draws K] [--repeats R]
                                    [--threads T] [--out DIR]

Embeddings are generated: classes overlap, so that a fit leaves something to rank. "refit" begins from the head fitted
on 100 labels fewer, as a loop does; "from scratch" begins from nothing. "draw" makes the functions, "predict" is all
rows through them in chunks as a round has them, "bald" the scores. "total" is refit, draw, predict and bald of one
repetition. Each figure is the least of several repetitions, and CPU seconds, summed over threads, tell what other jobs
took away. "product" is the matrix product of the prediction alone, into one buffer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from records import DEFAULT_FOLDER, append, machine, markdown, now

from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Classification, Labels, TrainingData
from lindley.information import bald
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import BayesianHead, HeadPosterior
from lindley.session.pool_predictions import CHUNK_ROWS, PoolPredictions

STAGES = ("refit", "draw", "predict", "bald", "total", "from scratch", "product")
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--features", type=int, default=384)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help=f"a folder for head_speed.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pool, classes, task = embeddings(options.rows, options.features, options.classes)
    before = fitted(pool, classes[: max(1, options.labels - 100)], task)
    best = dict.fromkeys(STAGES, (float("inf"), float("inf")))
    for _ in range(options.repeats):
        for stage, taken in one_round(pool, classes[: options.labels], task, before, options.draws).items():
            best[stage] = (min(best[stage][0], taken[0]), min(best[stage][1], taken[1]))
    head = fitted(pool, classes[: options.labels], task, before)
    print(f"N={options.rows} D={options.features} C={options.classes} L={options.labels} K={options.draws}, float32")
    print(f"{machine(options.threads)}, best of {options.repeats}; covariance {head.covariance}\n")
    print(markdown(["stage", "s", "cpu s"], [[stage, *(f"{s:.3f}" for s in best[stage])] for stage in STAGES]))
    for stage in STAGES if options.out else ():
        case = {"N": options.rows, "D": options.features, "C": options.classes, "L": options.labels, "K": options.draws}
        result = {"stage": stage, "seconds": best[stage][0], "cpu_seconds": best[stage][1]}
        run = {"threads": options.threads, "repeats": options.repeats, "machine": machine(options.threads)}
        append(options.out / "head_speed.csv", {**case, **result, **run, "measured": now()})


def embeddings(rows: int, features: int, num_classes: int) -> tuple[MemoryPool, torch.Tensor, Classification]:
    """Gaussian classes about centres, and their classes; the labels are the first rows."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(num_classes, (rows,), generator=generator)
    centres = 0.25 * torch.randn(num_classes, features, generator=generator)
    inputs = centres[classes] + torch.randn(rows, features, generator=generator)
    return MemoryPool(inputs), classes, Classification(tuple(map(str, range(num_classes))))


def fitted(
    pool: MemoryPool, classes: torch.Tensor, task: Classification, previous: HeadPosterior | None = None
) -> HeadPosterior:
    """The head of the first rows."""
    labels = Labels(torch.arange(len(classes)), classes)
    return BayesianHead().fit(TrainingData(pool, labels, task), previous=previous, seed=0)


def one_round(
    pool: MemoryPool, classes: torch.Tensor, task: Classification, before: HeadPosterior, num_draws: int
) -> dict[str, tuple[float, float]]:
    """Seconds of the clock and of the processor of each stage."""
    times: dict[str, tuple[float, float]] = {}
    head = _timed(times, "refit", lambda: fitted(pool, classes, task, before))
    draws = _timed(times, "draw", lambda: head.draw(num_draws, seed=0))
    predictions = PoolPredictions(pool, torch.arange(len(pool)), draws, num_classes=task.num_classes)
    held = _timed(times, "predict", lambda: list(scan_log_probs(predictions)))
    _timed(times, "bald", lambda: torch.cat([bald(chunk) for chunk in held]).topk(10))
    times["total"] = (sum(clock for clock, _ in times.values()), sum(cpu for _, cpu in times.values()))
    _timed(times, "from scratch", lambda: fitted(pool, classes, task))
    inputs = pool.read(torch.arange(len(pool)))
    weights = torch.randn(inputs.shape[1], num_draws * task.num_classes)
    buffer = torch.empty(CHUNK_ROWS, weights.shape[1])

    def product() -> None:
        for chunk in inputs.split(CHUNK_ROWS):
            torch.mm(chunk, weights, out=buffer[: len(chunk)])

    _timed(times, "product", product)
    return times


def _timed(times: dict[str, tuple[float, float]], stage: str, work: Callable[[], T]) -> T:
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    times[stage] = (time.perf_counter() - start, time.process_time() - cpu)
    return result


if __name__ == "__main__":
    main()
