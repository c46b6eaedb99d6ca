"""Scores by one peer, in a process of its own: seconds as JSON lines, the scores themselves as .npy files.

    python score_bandwidth_worker.py LIBRARY FOLDER [--threads T] [--repeats R]

FOLDER holds log_probs.npy, [N, K, C] float32. It runs in the peers' environment, so nothing of the project is imported.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

Works = dict[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    works = LIBRARIES[options.library](np.load(options.folder / "log_probs.npy"))
    for name, work in works.items():
        taken = []
        for _ in range(options.repeats):
            start, cpu = time.perf_counter(), time.process_time()
            scores = work()
            taken.append((time.perf_counter() - start, time.process_time() - cpu))
        path = options.folder / f"{options.library}-{name}.npy"
        np.save(path, np.asarray(scores))
        seconds, cpu_seconds = map(min, zip(*taken, strict=True))
        print(json.dumps({"score": name, "seconds": seconds, "cpu_seconds": cpu_seconds, "scores": str(path)}))


def _baal(log_probs: np.ndarray) -> Works:
    from baal.active.heuristics import BALD, Entropy, Margin

    probs = np.exp(log_probs).transpose(0, 2, 1).copy()  # [N, C, K]
    return {
        "bald": lambda: BALD().get_uncertainties(probs),
        "entropy": lambda: Entropy().get_uncertainties(probs),
        "margin": lambda: -Margin().get_uncertainties(probs),  # the least margin is asked first there
    }


def _batchbald_redux(log_probs: np.ndarray) -> Works:
    from batchbald_redux.batchbald import compute_conditional_entropy, compute_entropy

    given = torch.from_numpy(log_probs)
    return {
        "bald": lambda: compute_entropy(given) - compute_conditional_entropy(given),
        "entropy": lambda: compute_entropy(given),
    }


LIBRARIES = {"baal": _baal, "batchbald_redux": _batchbald_redux}

if __name__ == "__main__":
    main()
