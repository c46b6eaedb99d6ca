"""How time and memory of a selection grow with N, b, K and C, one of them at a time: a log-log figure.

    python benchmarks/growth.py [--most-rows 1000000] [--out DIR]

Around N = 10,000 rows, K = 100 draws, C = 10 classes and a batch of 10; each case is a process of its own on generated
predictions (synthetic.py). Time is the best of several; memory is the peak above what the process holds before, so the
predictions themselves, N * K * C * 4 bytes, do not count. Rows are appended to growth.csv as they come; the same
command continues, --redo begins anew, and the figure is drawn of all rows at the end.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import records
import torch
from growth_figure import draw_growth
from memory import added_mib
from synthetic import correlated_predictions

import lindley

BASE = {"N": 10_000, "b": 10, "K": 100, "C": 10}
GROWTH = {
    "N": [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
    "b": [1, 2, 5, 10, 20, 50, 100, 200],
    "K": [10, 30, 100, 300, 1_000],
    "C": [2, 5, 10, 30, 100, 300, 1_000],
}
METHODS = ("bald", "batchbald")
ENOUGH_SECONDS = 20.0
"""A selection that has taken longer in all is not repeated."""


def main() -> None:
    options = _parser().parse_args()
    if options.case:
        _measure(json.loads(options.case), options)
        return
    path = options.out / "growth.csv"
    if options.redo:
        path.unlink(missing_ok=True)
    for varied, values in GROWTH.items():
        for value in values:
            case = {**BASE, "N": min(BASE["N"], options.most_rows), varied: value}
            if case["N"] <= options.most_rows and case["b"] <= case["N"]:
                _run(case, path, options)
    print(draw_growth(records.read(path), options.out))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most-rows", type=int, default=1_000_000, help="leave out the cases with more rows")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--repetitions", type=int, default=3, help="best of so many")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # what a process of its own is started with
    return parser


def _run(case: dict[str, int], path: Path, options: argparse.Namespace) -> None:
    if records.is_done(records.read(path), **case):
        return
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    command += ["--repetitions", str(options.repetitions), "--threads", str(options.threads)]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for line in process.stdout.splitlines():
        records.append(path, {**json.loads(line), "at": records.now(), "machine": records.machine(options.threads)})
        print(line, flush=True)


def _measure(case: dict[str, int], options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    log_probs = correlated_predictions(case["N"], case["K"], case["C"])
    lindley.select(log_probs[:64], "batchbald", 3)  # what is loaded late is loaded here
    for method in METHODS:
        best, spent, added = float("inf"), 0.0, 0.0
        for _ in range(options.repetitions):
            with added_mib() as memory:
                start = time.perf_counter()
                lindley.select(log_probs, method, case["b"])
                seconds = time.perf_counter() - start
            best, spent, added = min(best, seconds), spent + seconds, max(added, memory[0])
            if spent > ENOUGH_SECONDS:
                break
        print(json.dumps({**case, "method": method, "seconds": best, "added_mib": added}))


if __name__ == "__main__":
    main()
