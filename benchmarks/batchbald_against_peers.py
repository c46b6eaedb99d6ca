"""BatchBALD beside other libraries on real predictions: time, memory, and what the batches are worth.

    python benchmarks/batchbald_against_peers.py [--sizes 1000 2000 6000] [--peer-limit SECONDS] [--out DIR]

needs the predictions of real_predictions.py, and the peers' own environment (`make peers`). Three parts, each
appending rows to a CSV file as they come, and each continuing where it was stopped:

    speed        batchbald_speed.csv: every library in a process of its own on the same file; before and after each run
                 of a peer runs ours, so that all see the same machine. Ours: best of all repetitions.
    products     batchbald_products.csv: what of our time at b = 10, K = 100 is matrix products that the choice could
                 not avoid, measured in the same process
    information  batchbald_information.csv: all batches chosen, top-k BALD and several long runs of ours, judged under
                 the draws that chose them and under fresh ones (judge.py)

--redo begins anew. Compare ratios within one run; another machine has other seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import records
from batchbald_information import measure_information
from batchbald_products import measure_products
from real_predictions import DEFAULT_FOLDER

PEERS = ("batchbald_redux", "baal", "scikit-activeml")
OURS = ("lindley", "lindley, own gains")
"""BatchBALD-logdet, and BatchBALD."""
PARTS = ("speed", "products", "information")
WORKER = Path(__file__).parent / "batchbald_worker.py"
ROWS_OF_THE_BAR = 600  # 60,000 rows of ours are to take less time than these of batchbald_redux


def main() -> None:
    options = _parser().parse_args()
    if options.redo:
        for name in options.parts:
            (options.out / f"batchbald_{name}.csv").unlink(missing_ok=True)
    if "speed" in options.parts:
        if options.peers and not Path(options.peers_python).exists():
            sys.exit(f"{options.peers_python} is missing: make it with `make peers`, or pass --peers without names")
        for num_draws in options.draws:
            for batch_size in options.batch_sizes:
                _measure_speed(num_draws, batch_size, options)
    if "products" in options.parts and 100 in options.draws:
        measure_products(options)
    if "information" in options.parts:
        measure_information(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--predictions", type=Path, default=DEFAULT_FOLDER, help="the folder of real_predictions.py")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies, for fresh draws")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--peers-python", default=".venv-peers/bin/python", help="the peers' interpreter")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 2000, 6000], help="N")
    parser.add_argument("--full-size", type=int, default=60_000, help="N of ours alone, at K = 100")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--draws", type=int, nargs="+", default=[100, 1000], help="K")
    parser.add_argument(
        "--configurations", type=int, default=10_000, help="label configurations of the peers (default 10,000)"
    )
    parser.add_argument("--repetitions", type=int, default=3, help="runs of ours before each peer, and after")
    parser.add_argument("--peer-repetitions", type=int, default=1)
    parser.add_argument("--peer-limit", type=float, default=900, help="seconds for a run of a peer")
    parser.add_argument("--memory-limit", type=float, default=18, help="GiB for a run of a peer")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fresh-draws", type=int, default=10_000)
    parser.add_argument("--judge-configurations", type=int, default=100_000)
    parser.add_argument("--long-configurations", type=int, default=16_384, help="configurations of the long runs")
    parser.add_argument("--long-seeds", type=int, default=5, help="how many long runs")
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    return parser


def _measure_speed(num_draws: int, batch_size: int, options: argparse.Namespace) -> None:
    for peer in options.peers:
        sizes = list(options.sizes)
        if peer == "batchbald_redux" and (num_draws, batch_size) == (100, 10) and max(sizes) > ROWS_OF_THE_BAR:
            sizes = [ROWS_OF_THE_BAR, *sizes]
        last: tuple[int, float] | None = None
        for size in sizes:
            case = {"library": peer, "K": num_draws, "b": batch_size, "N": size}
            rows = records.read(options.out / "batchbald_speed.csv")
            known = [row for row in rows if all(row[key] == str(value) for key, value in case.items())]
            known = [row for row in known if not row["status"].startswith("not started")]
            if not known:
                known = _interleaved(case, last, options)
            finished = [float(row["seconds"]) for row in known if row["status"] == "done"]
            last = (size, min(finished)) if finished else (size, float("inf"))
    ours_alone = list(options.sizes) + ([options.full_size] if num_draws == 100 else [])
    for size in ours_alone:
        for name in OURS:
            case = {"library": name, "K": num_draws, "b": batch_size, "N": size}
            if not records.is_done(records.read(options.out / "batchbald_speed.csv"), **case):
                _run(case, options, options.repetitions)


def _interleaved(
    case: dict[str, object], last: tuple[int, float] | None, options: argparse.Namespace
) -> list[dict[str, str]]:
    """A peer's run between runs of ours on the same rows; not started where a smaller one says that it cannot end."""
    size = int(str(case["N"]))
    # Time grows as N; twice the limit, since a disturbed small run must not rule out a large one.
    if last is not None and last[1] * size / last[0] > 2 * options.peer_limit:
        reason = "failed" if last[1] == float("inf") else f"took {last[1]:.0f} s"
        return [_record(case, options, status=f"not started: {last[0]} rows {reason}")]
    ours = [{**case, "library": name} for name in OURS]
    for each in ours:
        _run(each, options, options.repetitions)
    results = _run(case, options, options.peer_repetitions)
    for each in ours:
        _run(each, options, options.repetitions)
    return results


def _run(case: dict[str, object], options: argparse.Namespace, repetitions: int) -> list[dict[str, str]]:
    """One process; its repetitions are recorded, and why there are none."""
    is_peer = case["library"] not in OURS
    file = options.predictions / f"mnist-K{case['K']}.npy"
    command = [options.peers_python if is_peer else sys.executable, str(WORKER), str(case["library"]), str(file)]
    command += ["--rows", str(case["N"]), "--batch-size", str(case["b"]), "--repetitions", str(repetitions)]
    command += ["--threads", str(options.threads)]
    if is_peer:
        command += ["--configurations", str(options.configurations), "--memory-limit", str(options.memory_limit)]
    start = time.perf_counter()
    try:
        limit = options.peer_limit * repetitions + 120 if is_peer else None  # imports and conversions are not timed
        process = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return [_record(case, options, status=f"over the limit of {options.peer_limit:g} s")]
    if process.returncode:
        print(process.stderr[-2000:], file=sys.stderr)
        why = process.stderr.strip().splitlines()[-1][:160] if process.stderr.strip() else f"exit {process.returncode}"
        if not is_peer:
            sys.exit(f"our own run failed: {why}")
        return [_record(case, options, status=f"failed after {time.perf_counter() - start:.0f} s: {why}")]
    results = [json.loads(line) for line in process.stdout.splitlines()]
    return [_record(case, options, status="done", **result) for result in results]


def _record(case: dict[str, object], options: argparse.Namespace, *, status: str, **result: object) -> dict[str, str]:
    row = {
        **case,
        "status": status,
        "seconds": result.get("seconds", ""),
        "cpu_seconds": result.get("cpu_seconds", ""),
        "added_mib": result.get("added_mib", ""),
        "rows": result.get("rows", ""),
        "details": result.get("details", ""),
        "at": records.now(),
        "machine": records.machine(options.threads),
    }
    records.append(options.out / "batchbald_speed.csv", row)
    numbers = f"{result['seconds']:9.3f} s  {result['added_mib']:7.0f} MiB" if status == "done" else status
    print(f"{case['library']!s:16s} K={case['K']} b={case['b']} N={case['N']}: {numbers}", flush=True)
    return {key: str(value) for key, value in row.items()}


if __name__ == "__main__":
    main()
