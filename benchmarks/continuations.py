"""How should BatchBALD go on once log K is used up? Rules compared under draws that none of them has seen.

    python benchmarks/continuations.py [--names mnist repeated-mnist] [--rows 10000] [--sizes 8 10 12 15 20 30]

needs the predictions of real_predictions.py. BatchBALD picks until log K is used up; from there each rule goes on: by
BatchBALD's own gains (noise by then), by the Gaussian joint information ("logdet"), by 2-BALD given the picks, by power
BALD. Beside them BALD's top rows and each rule from the first pick. Judged (judge.py) under fresh draws at every size.
Rows are appended to continuations.csv; the same command continues, --redo begins anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import records
import torch
from judge import judge
from real_predictions import DEFAULT_FOLDER, fresh_log_probs, loaded
from torch import Tensor

from lindley.acquisition import TensorCandidates
from lindley.acquisition.batchbald.gaussian_objective import gaussian_search
from lindley.acquisition.batchbald.information_objective import information_search
from lindley.information import bald, pairwise_information
from lindley.noise import row_uniforms

Rule = Callable[[Tensor, list[int], int, int], list[int]]
"""(log_probs, positions picked so far, size of the batch, seed) -> positions of the whole batch."""


def by_information(log_probs: Tensor, picked: list[int], size: int, seed: int) -> list[int]:
    """BatchBALD without a continuation; it makes its own start, which is the same."""
    search = information_search(TensorCandidates(log_probs), bald(log_probs), seed=seed)
    return [pick.position for pick in search.picks(size)]


def by_log_determinant(log_probs: Tensor, picked: list[int], size: int, seed: int) -> list[int]:
    search = gaussian_search(TensorCandidates(log_probs), bald(log_probs), seed=seed)
    search.add_picked(torch.tensor(picked, dtype=torch.int64))
    return picked + [pick.position for pick in search.picks(size - len(picked))]


def by_pairs(log_probs: Tensor, picked: list[int], size: int, seed: int) -> list[int]:
    """2-BALD: BALD less what is shared with each member, over all rows at every pick."""
    scores, batch = bald(log_probs).double(), list(picked)
    if batch:
        scores -= pairwise_information(log_probs, log_probs[batch]).double().sum(1)
    while len(batch) < size:
        scores[batch] = -torch.inf
        batch.append(int(scores.argmax()))
        scores -= pairwise_information(log_probs, log_probs[batch[-1:]])[:, 0].double()
    return batch


def by_power(beta: float) -> Rule:
    def rule(log_probs: Tensor, picked: list[int], size: int, seed: int) -> list[int]:
        gumbel = -(-row_uniforms(torch.arange(len(log_probs)), seed, "power").log()).log()
        scores = beta * bald(log_probs).double().log() + gumbel
        scores[picked] = -torch.inf
        return picked + scores.topk(size - len(picked)).indices.tolist()

    return rule


RULES: dict[str, Rule] = {
    "BatchBALD's gains": by_information,
    "log-determinant": by_log_determinant,
    "2-BALD": by_pairs,
    "power BALD, β = 4": by_power(4.0),
    "power BALD, β = 8": by_power(8.0),
}


def batches(log_probs: Tensor, size: int, seed: int) -> dict[tuple[str, int], list[int]]:
    """(rule, picks before it) -> the batch, for every rule from the switch and, but for the first, from the start."""
    search = information_search(TensorCandidates(log_probs), bald(log_probs), seed=seed)
    start: list[int] = []
    while not search.objective.is_saturated() and len(start) < size:
        start.append(search.pick().position)
    chosen = {("BALD, top-k", 0): bald(log_probs).topk(size).indices.tolist()}
    for name, rule in RULES.items():
        chosen[name, len(start)] = rule(log_probs, start, size, seed)
        if rule is not by_information:
            chosen[name, 0] = rule(log_probs, [], size, seed)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", default=["mnist", "repeated-mnist"])
    parser.add_argument("--predictions", type=Path, default=DEFAULT_FOLDER, help="the folder of real_predictions.py")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies, for fresh draws")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 10, 12, 15, 20, 30])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fresh-draws", type=int, default=10_000)
    parser.add_argument("--judge-configurations", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    path = options.out / "continuations.csv"
    if options.redo:
        path.unlink(missing_ok=True)
    for name in options.names:
        log_probs, pool_rows = loaded(options.predictions, name, 100, options.rows)
        for seed in range(options.seeds):
            if not records.is_done(records.read(path), data=name, seed=seed, b=max(options.sizes), rule="2-BALD"):
                measure(name, log_probs, pool_rows, seed, path, options)


def measure(
    name: str, log_probs: Tensor, pool_rows: Tensor, seed: int, path: Path, options: argparse.Namespace
) -> None:
    """Every batch of one seed at every size, written once all are judged."""
    chosen = batches(log_probs, max(options.sizes), seed)
    positions = torch.tensor(sorted({position for batch in chosen.values() for position in batch}))
    fresh = fresh_log_probs(
        options.predictions, name, pool_rows[positions], options.fresh_draws, data_dir=options.data_dir
    )
    found = []
    for (rule, before), batch in chosen.items():
        places = torch.searchsorted(positions, torch.tensor(batch))
        for size in options.sizes:
            judged = judge(fresh[places[:size]], num_configurations=options.judge_configurations)
            found.append(
                {
                    "data": name,
                    "seed": seed,
                    "rule": rule,
                    "picks_before": before,
                    "b": size,
                    "information": judged.information,
                    "se": judged.standard_error,
                    "fresh_draws": options.fresh_draws,
                    "rows": len(log_probs),
                    "at": records.now(),
                    "machine": records.machine(options.threads),
                }
            )
        line = " ".join(f"{row['b']}: {row['information']:.3f}" for row in found[-len(options.sizes) :])
        print(f"{name:15s} seed {seed}  {rule:18s} after {before:2d} picks   {line}", flush=True)
    for row in found:
        records.append(path, row)


if __name__ == "__main__":
    main()
