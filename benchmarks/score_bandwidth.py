"""BALD, entropy and margin over [60000, 100, 10] float32 beside a copy of the same array, in one run.

    python benchmarks/score_bandwidth.py [predictions.npy] [--rows N] [--repeats R] [--threads T]
                                         [--peers-python .venv-peers/bin/python] [--out DIR]

GB/s are the bytes of the array over the seconds of the clock, the best of several, copy and scores alternating; CPU
seconds, summed over threads, tell what other jobs took away. "exp" is torch.exp of the same array in blocks that stay
in cache, into one buffer, and nothing else: all three scores need the probabilities, so none can be faster by means of
torch. Peers score the same array in a process of their own, with what they take (probabilities [N, C, K] for baal)
made before the clock starts. Without a file, predictions are generated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from records import DEFAULT_FOLDER, append, machine, markdown, now

from lindley.acquisition import bald, entropy, margin

_BLOCK_ROWS = 256
_SCORES = {"bald": bald, "entropy": entropy, "margin": margin}
Times = dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="log-probabilities [N, K, C] as .npy")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers-python", type=Path, help="the interpreter of an environment with the peers")
    parser.add_argument("--out", type=Path, help=f"a folder for score_bandwidth.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    log_probs = _log_probs(options.file, options.rows)
    times = alternating(works(log_probs), options.repeats)
    times |= peers(options.peers_python, log_probs, options.threads) if options.peers_python else {}
    rows = [row(name, *times[name], log_probs, times) for name in times]
    print(f"{[*log_probs.shape]} float32, {machine(options.threads)}, best of {options.repeats}\n")
    print(markdown(list(rows[0]), [[f"{v:.3g}" if isinstance(v, float) else v for v in r.values()] for r in rows]))
    for result in rows if options.out else []:
        case = {
            "data": options.file.stem if options.file else "generated",
            "shape": "x".join(map(str, log_probs.shape)),
        }
        run = {"threads": options.threads, "repeats": options.repeats, "machine": machine(options.threads)}
        append(options.out / "score_bandwidth.csv", {**case, **result, **run, "measured": now()})


def works(log_probs: torch.Tensor) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    target, buffer = torch.empty_like(log_probs), torch.empty(_BLOCK_ROWS, *log_probs.shape[1:])

    def exp_alone() -> None:
        for block in log_probs.split(_BLOCK_ROWS):
            torch.exp(block, out=buffer[: len(block)])

    scores = {name: lambda score=score: score(log_probs) for name, score in _SCORES.items()}
    return {"copy": lambda: target.copy_(log_probs), "exp": exp_alone, **scores}


def alternating(functions: dict[str, Callable[[], object]], repeats: int) -> Times:
    """The least seconds of the clock and of the processor, each by itself."""
    best = dict.fromkeys(functions, (float("inf"), float("inf")))
    for _ in range(repeats):
        for name, function in functions.items():
            start, cpu = time.perf_counter(), time.process_time()
            function()
            taken = (time.perf_counter() - start, time.process_time() - cpu)
            best[name] = (min(best[name][0], taken[0]), min(best[name][1], taken[1]))
    return best


def row(name: str, seconds: float, cpu_seconds: float, log_probs: torch.Tensor, times: Times) -> dict[str, object]:
    return {
        "work": name,
        "ms": 1e3 * seconds,
        "cpu_ms": 1e3 * cpu_seconds,
        "GB_per_s": log_probs.numel() * log_probs.element_size() / seconds / 1e9,
        "share_of_copy": times["copy"][0] / seconds,
        "cpu_share_of_copy": times["copy"][1] / cpu_seconds,
        "cpu_share_of_exp": times["exp"][1] / cpu_seconds,
    }


def peers(python: Path, log_probs: torch.Tensor, threads: int) -> Times:
    """The same by each peer, on the same array; says how far its scores are from ours."""
    times: Times = {}
    ours = {name: score(log_probs).numpy() for name, score in _SCORES.items()}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "log_probs.npy", log_probs.numpy())
        for name, seconds, cpu_seconds, scores in _peer_results(python, Path(folder), threads):
            times[name] = (seconds, cpu_seconds)
            difference = np.abs(np.load(scores) - ours[name.split()[-1]]).max()
            print(f"{name}: scores differ from ours by at most {difference:.1e}")
    return times


def _peer_results(python: Path, folder: Path, threads: int) -> Iterator[tuple[str, float, float, str]]:
    worker = Path(__file__).with_name("score_bandwidth_worker.py")
    for library in ("baal", "batchbald_redux"):
        command = [python, worker, library, folder, "--threads", str(threads)]
        answer = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if answer.returncode:
            raise SystemExit(f"{library} failed:\n{answer.stderr}")
        for line in answer.stdout.splitlines():
            result = json.loads(line)
            yield f"{library} {result['score']}", result["seconds"], result["cpu_seconds"], result["scores"]


def _log_probs(file: Path | None, rows: int) -> torch.Tensor:
    if file is not None:
        return torch.from_numpy(np.load(file, mmap_mode="r")[:rows].copy())
    generator = torch.Generator().manual_seed(0)
    log_probs = torch.empty(rows, 100, 10)
    for block in log_probs.split(1000):
        block.copy_((2 * torch.randn(block.shape, generator=generator)).log_softmax(-1))
    return log_probs


if __name__ == "__main__":
    main()
