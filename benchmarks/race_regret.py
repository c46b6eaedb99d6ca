"""What racing and lazy bounds cost BatchBALD: the same search with every candidate on every configuration beside it.

    python benchmarks/race_regret.py [--names mnist repeated-mnist] [--rows 1500] [--seeds 3]

needs the predictions of real_predictions.py. For each seed: how many picks agree, the gain lost at the first pick that
differs (the batches part there), and the work of both in candidates x configurations.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from real_predictions import DEFAULT_FOLDER, loaded
from torch import Tensor

from lindley.acquisition import TensorCandidates
from lindley.acquisition.batchbald.gains import configuration_gains, draw_weights, map_blocks, prepare_terms
from lindley.acquisition.batchbald.information_objective import information_search
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.information import bald


def compare(log_probs: Tensor, num_picks: int, num_configurations: int, seed: int) -> str:
    """One seed's line: the plain search follows the racing one, so that both see the same configurations."""
    candidates = TensorCandidates(log_probs)
    everyone = torch.arange(len(log_probs))
    in_order = RankedCandidates(candidates, -everyone.float(), prepare_terms, seed=seed)
    search = information_search(candidates, bald(log_probs), num_configurations=num_configurations, seed=seed)
    agreed, lost, work, plain_work = 0, 0.0, 0, 0
    raced = 0
    taken: list[int] = []
    for _ in range(num_picks):
        configurations = search.objective.configurations
        pick = search.pick()
        position = pick.position
        if not configurations.exact:
            gains = map_blocks(
                in_order, everyone, draw_weights(configurations, in_order.first[0]), configuration_gains
            ).double()  # [N, M]
            full = gains.mean(1)
            full[taken] = -torch.inf
            agreed += position == int(full.argmax())
            lost = max(lost, float(full.max() - full[position]))
            work, plain_work = work + pick.columns, plain_work + gains.numel()
            raced += 1
        taken.append(position)
    return (
        f"{agreed} of {raced} raced picks are the best of all; most lost at one pick {lost:.5f} nats; "
        f"work {work:,} of {plain_work:,}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", default=["mnist", "repeated-mnist"])
    parser.add_argument("--predictions", type=Path, default=DEFAULT_FOLDER, help="the folder of real_predictions.py")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--picks", type=int, default=8)
    parser.add_argument("--num-configurations", type=int, default=4096)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in options.names:
        log_probs, _ = loaded(options.predictions, name, 100, options.rows)
        for seed in range(options.seeds):
            print(
                name, f"seed {seed}:", compare(log_probs, options.picks, options.num_configurations, seed), flush=True
            )


if __name__ == "__main__":
    main()
