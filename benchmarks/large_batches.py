"""Batches of 20, 50 and 100 on real predictions: information under fresh draws, duplicates, seconds.

    python benchmarks/large_batches.py [--names mnist repeated-mnist] [--batch-sizes 10 20 50 100] [--seeds 3]

needs the predictions of real_predictions.py. Every method chooses from the same [60000, 100, 10]; those that draw
random numbers do so under several seeds. All methods take turns, and the best of several times counts. In a pool that
repeats its images, a duplicate is a row whose image is in the batch already. A large batch uses up what K draws can
say, so it is judged (judge.py) under draws that no method has seen; where it uses up the logarithm of their number too,
what it leaves of that still tells batches apart.

Rows are appended to large_batches.csv as they come; the same command continues, --redo begins anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import records
import torch
from judge import judge
from real_predictions import DEFAULT_FOLDER, fresh_log_probs, loaded, source_images
from torch import Tensor

import lindley
from lindley.acquisition import ACQUISITIONS
from lindley.contracts import Selection


@dataclass(frozen=True)
class Way:
    """A way to choose, and whether its seed matters to more than ties."""

    title: str
    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    seeded: bool = False


WAYS = (
    Way("BatchBALD", "batchbald", seeded=True),
    Way("BALD, top-k", "bald"),
    Way("power BALD, β = 1", "power-bald", {"beta": 1.0}, seeded=True),
    Way("power BALD, β = 4", "power-bald", {"beta": 4.0}, seeded=True),
    Way("power BALD, β = 8", "power-bald", {"beta": 8.0}, seeded=True),
    Way("2-BALD", "2-bald"),
    Way("log-determinant", "logdet"),
    Way("random", "random", seeded=True),
)


@dataclass(frozen=True)
class Chosen:
    """One batch: who chose it, under which seed, and how long that took at best."""

    way: Way
    batch_size: int
    seed: int
    selection: Selection
    seconds: float


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    path = options.out / "large_batches.csv"
    if options.redo:
        path.unlink(missing_ok=True)
    ways = [way for way in WAYS if way.name in ACQUISITIONS]
    for way in WAYS:
        if way not in ways:
            print(f"no acquisition is named {way.name!r}: {way.title} is left out")
    for name in options.names:
        log_probs, pool_rows = loaded(options.predictions, name, 100, options.rows)
        sources = source_images(name, pool_rows, options.data_dir)
        for batch_size in options.batch_sizes:
            done = records.read(path)
            todo = [way for way in ways if not records.is_done(done, data=name, b=batch_size, method=way.title)]
            if todo:
                _measure(name, log_probs, pool_rows, sources, batch_size, todo, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", default=["mnist", "repeated-mnist"])
    parser.add_argument("--predictions", type=Path, default=DEFAULT_FOLDER, help="the folder of real_predictions.py")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies, for fresh draws")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--rows", type=int, help="only so many of the rows")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[10, 20, 50, 100])
    parser.add_argument("--seeds", type=int, default=3, help="batches of each way whose seed matters")
    parser.add_argument("--repetitions", type=int, default=3, help="best time of so many")
    parser.add_argument("--fresh-draws", type=int, default=10_000)
    parser.add_argument("--judge-configurations", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    return parser


def _measure(
    name: str,
    log_probs: Tensor,
    pool_rows: Tensor,
    sources: Tensor | None,
    batch_size: int,
    ways: list[Way],
    options: argparse.Namespace,
) -> None:
    batches = _chosen(log_probs, batch_size, ways, options)
    positions = torch.cat([batch.selection.rows for batch in batches]).unique()
    fresh = fresh_log_probs(
        options.predictions, name, pool_rows[positions], options.fresh_draws, data_dir=options.data_dir
    )
    for batch in batches:
        rows = batch.selection.rows
        judged = judge(fresh[torch.searchsorted(positions, rows)], num_configurations=options.judge_configurations)
        duplicates = "" if sources is None else batch_size - len(sources[rows].unique())
        row = {
            "data": name,
            "method": batch.way.title,
            "b": batch_size,
            "seed": batch.seed,
            "seconds": batch.seconds,
            "information": judged.information,
            "se": judged.standard_error,
            "left": judged.left,
            "duplicates": duplicates,
            "rows": rows.tolist(),
            "details": dict(batch.selection.diagnostics),
            "fresh_draws": options.fresh_draws,
            "paths": options.judge_configurations,
            "at": records.now(),
            "machine": records.machine(options.threads),
        }
        records.append(options.out / "large_batches.csv", row)
        print(
            f"{name:15s} b={batch_size:<4d} {batch.way.title:18s} seed {batch.seed}  {batch.seconds:7.2f} s  "
            f"{judged.information:.4f} ± {judged.standard_error:.4f} nats ({judged.left:.1e} left)  "
            f"duplicates {duplicates}",
            flush=True,
        )


def _chosen(log_probs: Tensor, batch_size: int, ways: list[Way], options: argparse.Namespace) -> list[Chosen]:
    """All batches of a size; the ways take turns, so that a disturbance of the machine falls on all."""
    cases = [(way, seed) for way in ways for seed in range(options.seeds if way.seeded else 1)]
    selections: dict[tuple[str, int], Selection] = {}
    best: dict[tuple[str, int], float] = {}
    for _ in range(options.repetitions):
        for way, seed in cases:
            start = time.perf_counter()
            selections[way.title, seed] = lindley.select(log_probs, way.name, batch_size, seed, **way.options)
            seconds = time.perf_counter() - start
            best[way.title, seed] = min(best.get((way.title, seed), seconds), seconds)
    return [Chosen(way, batch_size, seed, selections[way.title, seed], best[way.title, seed]) for way, seed in cases]


if __name__ == "__main__":
    main()
