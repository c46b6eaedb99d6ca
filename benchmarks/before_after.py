"""Whether a change made anything slower: the same cases under two checkouts, taken in turns, as paired ratios.

    python benchmarks/before_after.py BEFORE [AFTER] [--repeats 15] [--cases NAME ...] [--data-dir DIR] [--out DIR]

BEFORE and AFTER are checkouts of this repository (AFTER: this one). Each runs in a process of its own on one thread and
computes a case whenever it is asked to, so that both see the same noise of the machine; which goes first alternates. A
ratio is CPU seconds after over before; the interval is a bootstrap of its median. Rows go to before_after.csv. The
MNIST cases are left out where MNIST is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import records

HERE = Path(__file__).parent
CASES = (
    "batchbald-6000",
    "batchbald-60000",
    "bald-60000",
    "gal-cnn",
    "mnist-round",
    "head",
    "coreset",
    "badge",
    "bait",
)
RESAMPLES = 4000


def main() -> None:
    options = _parser().parse_args()
    before, after = (_start(place, options.data_dir) for place in (options.before, options.after))
    known = set(_answer(before)) & set(_answer(after))
    for name in options.cases:
        if name not in known:
            print(f"{name}: left out, one of the checkouts cannot run it", flush=True)
            continue
        _measure(name, before, after, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="the checkout before the change")
    parser.add_argument("after", type=Path, nargs="?", default=HERE.parent, help="the checkout after it (this one)")
    parser.add_argument("--repeats", type=int, default=15, help="pairs of each case (default 15)")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    return parser


def _start(checkout: Path, data_dir: Path | None) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src"), "OMP_NUM_THREADS": "1"}
    if data_dir is not None:
        environment["LINDLEY_DATA"] = str(data_dir.resolve())
    command = [sys.executable, str(HERE / "before_after_worker.py")]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _answer(worker: subprocess.Popen[str], name: str = "") -> list[str]:
    """Send the name of a case, or nothing, and return what the worker says."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    if name:
        worker.stdin.write(name + "\n")
        worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise SystemExit("a worker stopped; its error stands above")
    answer: list[str] = json.loads(line)
    return answer


def _measure(
    name: str, before: subprocess.Popen[str], after: subprocess.Popen[str], options: argparse.Namespace
) -> None:
    """One case, warmed up once and then in pairs."""
    same = _answer(before, name)[1] == _answer(after, name)[1]
    pairs = []
    for turn in range(options.repeats):
        order = (before, after) if turn % 2 else (after, before)
        seconds = {worker: float(_answer(worker, name)[0]) for worker in order}
        pairs.append((seconds[before], seconds[after]))
    ratios = np.array([new / old for old, new in pairs])
    resampled = np.median(np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios))), axis=1)
    low, high = np.percentile(resampled, [2.5, 97.5])
    row = {
        "case": name,
        "before_cpu_s": statistics.median(old for old, _ in pairs),
        "after_cpu_s": statistics.median(new for _, new in pairs),
        "ratio": float(np.median(ratios)),
        "low": float(low),
        "high": float(high),
        "pairs": len(pairs),
        "same_result": same,
        "before": _revision(options.before),
        "after": _revision(options.after),
        "at": records.now(),
        "machine": records.machine(1),
    }
    records.append(options.out / "before_after.csv", row)
    print(
        f"{name}: {row['before_cpu_s']:.3f} s before, {row['after_cpu_s']:.3f} s after; ratio {row['ratio']:.3f} "
        f"(95 %: {low:.3f} to {high:.3f}); {'the same result' if same else 'ANOTHER RESULT'}",
        flush=True,
    )


def _revision(checkout: Path) -> str:
    """The commit of a checkout; the name of its folder where it is a copy without its history."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or checkout.resolve().name


if __name__ == "__main__":
    main()
