"""One BatchBALD selection by one library, in a process of its own: seconds, added memory and rows as one JSON line.

    python batchbald_worker.py LIBRARY FILE.npy --rows N --batch-size B
        [--configurations M] [--repetitions R] [--threads T]

The file holds [N', K, C] log-probabilities, float32. Imports, loading, the conversion to what the library takes, and a
selection of 3 rows of 64, which loads what is loaded late, come before the clock; memory is the peak of the process
above what it holds then. Every library gets the same number of label configurations. It runs in the peers' environment
or in the project's own, so nothing of the project is imported but by "lindley" (BatchBALD-logdet)
and "lindley, own gains" (BatchBALD).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from memory import added_mib

Selected = tuple[list[int], dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("file")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument(
        "--configurations", type=int, help="label configurations; default 10,000, for lindley its own default"
    )
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-limit", type=float, default=0, help="GiB of address space, 0 for no limit")
    options = parser.parse_args()
    if options.memory_limit:
        limit = int(options.memory_limit * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    prepare = LIBRARIES[options.library]
    log_probs = np.load(options.file, mmap_mode="r")[: options.rows].copy()
    _torch_threads(options.threads)
    prepare(log_probs[:64].copy(), 3, options.configurations, options.seed)()
    select = prepare(log_probs, options.batch_size, options.configurations, options.seed)
    for _ in range(options.repetitions):
        with added_mib() as added:
            start, cpu = time.perf_counter(), time.process_time()
            rows, details = select()
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        result = {"seconds": seconds, "cpu_seconds": cpu_seconds, "added_mib": added[0]}
        print(json.dumps({**result, "rows": rows, "details": details}), flush=True)


def _lindley(
    log_probs: np.ndarray, batch_size: int, num_configurations: int | None, seed: int, *, method: str
) -> Callable[[], Selected]:
    import lindley

    options = {} if num_configurations is None else {"num_configurations": num_configurations}

    def select() -> Selected:
        selection = lindley.select(log_probs, method, batch_size, seed, **options)
        return selection.rows.tolist(), dict(selection.diagnostics)

    return select


def _batchbald_redux(
    log_probs: np.ndarray, batch_size: int, num_configurations: int | None, seed: int
) -> Callable[[], Selected]:
    import torch
    from batchbald_redux.batchbald import get_batchbald_batch

    doubles = torch.from_numpy(log_probs).double()
    torch.manual_seed(seed)

    def select() -> Selected:
        return get_batchbald_batch(doubles, batch_size, num_configurations or 10_000, dtype=torch.double).indices, {}

    return select


def _baal(log_probs: np.ndarray, batch_size: int, num_configurations: int | None, seed: int) -> Callable[[], Selected]:
    import torch
    from baal.active.heuristics import BatchBALD

    torch.manual_seed(seed)
    probs = np.ascontiguousarray(np.exp(log_probs).swapaxes(1, 2))  # [N, C, K]
    # It draws num_draw configurations from each of the K draws, and adds num_samples rows to a first one.
    heuristic = BatchBALD(
        num_samples=batch_size - 1, num_draw=max(1, (num_configurations or 10_000) // log_probs.shape[1])
    )

    def select() -> Selected:
        return heuristic(probs)[:batch_size].tolist(), {}

    return select


def _scikit_activeml(
    log_probs: np.ndarray, batch_size: int, num_configurations: int | None, seed: int
) -> Callable[[], Selected]:
    from skactiveml.pool import batch_bald

    probs = np.ascontiguousarray(np.exp(log_probs).swapaxes(0, 1)).astype(np.float64)  # [K, N, C]

    def select() -> Selected:
        # It clips the given array in place; at 1e-7 that changes nothing in a second call.
        utilities = batch_bald(probs, batch_size, n_MC_samples=num_configurations or 10_000, random_state=seed)
        return np.nanargmax(utilities, axis=1).tolist(), {}

    return select


LIBRARIES = {
    "lindley": partial(_lindley, method="batchbald-logdet"),  # what the rows of that name were measured with
    "lindley, own gains": partial(_lindley, method="batchbald"),
    "batchbald_redux": _batchbald_redux,
    "baal": _baal,
    "scikit-activeml": _scikit_activeml,
}


def _torch_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


if __name__ == "__main__":
    main()
