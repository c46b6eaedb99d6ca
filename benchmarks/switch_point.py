"""When is log K used up? How many nats of it may be left when BatchBALD's own gains give way to the continuation.

    python benchmarks/switch_point.py [--names mnist repeated-mnist] [--networks 8] [--left 0.05 0.35 0.7]

K draws can tell log K nats; what a batch has not told of them says how many draws are still in question, and the fewer
they are, the more a gain is about accidents of these draws. Each network (other labels, other weights, other rows)
gives a batch for every number of nats left: BatchBALD down to there, the Gaussian continuation from there. Beside them
BatchBALD to the end, with as many and with four times as many configurations, the continuation from the first pick, and
BALD's top rows. Judged (judge.py) under the draws that chose and under fresh ones, on the same label configurations.
Rows are appended to switch_point.csv; the same command continues, --redo begins anew. Four minutes a network.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import records
import torch
from judge import judge
from real_predictions import data_set, fitted, predicted
from torch import Tensor

from lindley.acquisition import TensorCandidates
from lindley.acquisition.batchbald.gaussian_objective import gaussian_search
from lindley.acquisition.batchbald.information_objective import NUM_CONFIGURATIONS, information_search
from lindley.information import bald
from lindley.seeds import derive_seed
from lindley.session.subsets import candidate_rows

LEFT = (0.05, 0.15, 0.35, 0.7, 1.1, 1.6, 2.3)
TOP = "BALD, top-k"


def chosen(
    log_probs: Tensor, size: int, left: float, num_configurations: int = NUM_CONFIGURATIONS
) -> tuple[list[int], int]:
    """A batch by BatchBALD until no more than so many nats of log K are left, and its picks until then."""
    scores, candidates = bald(log_probs), TensorCandidates(log_probs)
    search = information_search(candidates, scores, num_configurations=num_configurations, seed=0)
    picks: list[int] = []
    while len(picks) < size and left < math.inf and (left == -math.inf or not search.objective.is_saturated(left)):
        picks.append(search.pick().position)
    before = len(picks)
    gaussian = gaussian_search(candidates, scores, seed=0)
    gaussian.add_picked(torch.tensor(picks, dtype=torch.int64))
    return picks + [pick.position for pick in gaussian.picks(size - before)], before


def batches(log_probs: Tensor, options: argparse.Namespace) -> dict[str, tuple[list[int], int]]:
    """By its name, each batch and how many of its picks were BatchBALD's."""
    size = options.batch_size
    return {
        **{f"{left:g} nats left": chosen(log_probs, size, left) for left in options.left},
        "BatchBALD's gains": chosen(log_probs, size, -math.inf),
        "BatchBALD's gains, 16,384 paths": chosen(log_probs, size, -math.inf, 16_384),
        "log-determinant": chosen(log_probs, size, math.inf),
        TOP: (bald(log_probs).topk(size).indices.tolist(), 0),
    }


def measure(name: str, network: int, options: argparse.Namespace) -> None:
    """All batches of one network, written once all are judged."""
    data = data_set(name, options.data_dir)
    posterior, labelled = fitted(data, options.steps, seed=network)
    rows = candidate_rows(len(data.pool), labelled, count=options.rows, seed=network, sources=data.sources)
    log_probs = predicted(data, posterior, rows, options.draws, seed=derive_seed(network, "draws"))
    found = batches(log_probs, options)
    positions = torch.tensor(sorted({position for batch, _ in found.values() for position in batch}))
    fresh = predicted(data, posterior, rows[positions], options.fresh_draws, seed=derive_seed(network, "fresh"))
    for method, (batch, before) in found.items():
        sorted_batch = torch.tensor(sorted(batch))
        own = judge(log_probs[sorted_batch], num_configurations=options.judge_configurations)
        new = judge(fresh[torch.searchsorted(positions, sorted_batch)], num_configurations=options.judge_configurations)
        row = {
            "data": name,
            "network": network,
            "method": method,
            "picks_before": before,
            "b": options.batch_size,
            "own_information": own.information,
            "own_se": own.standard_error,
            "fresh_information": new.information,
            "fresh_se": new.standard_error,
            "K": options.draws,
            "N": len(log_probs),
            "fresh_draws": options.fresh_draws,
            "paths": options.judge_configurations,
            "at": records.now(),
            "machine": records.machine(options.threads),
        }
        records.append(options.out / "switch_point.csv", row)
        print(f"{name} {network}  {method:34s} {own.information:.4f}  {new.information:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", default=["mnist", "repeated-mnist"])
    parser.add_argument("--networks", type=int, default=8)
    parser.add_argument(
        "--first-network", type=int, default=1, help="the seed of the first (0 is that of the other parts)"
    )
    parser.add_argument("--left", type=float, nargs="+", default=list(LEFT), help="nats")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--fresh-draws", type=int, default=10_000)
    parser.add_argument("--judge-configurations", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    path = options.out / "switch_point.csv"
    if options.redo:
        path.unlink(missing_ok=True)
    for network in range(options.first_network, options.first_network + options.networks):
        for name in options.names:
            if not records.is_done(records.read(path), data=name, network=network, method=TOP):
                measure(name, network, options)


if __name__ == "__main__":
    main()
