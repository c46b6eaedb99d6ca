"""What a batch loses by being chosen from bfloat16 predictions, judged by float32 predictions of the same draws.

    python benchmarks/bfloat16_choice.py [--seeds S ...] [--data-dir DIR] [--out DIR]

needs MNIST. For each seed Gal's CNN is fitted once, in float32, on 100 balanced labels by the recipe of the package's
study of batches; its K = 100 draws, the same masks both times, predict the unlabelled rows in float32 and in bfloat16.
BatchBALD and top-k BALD each choose a batch of 10 from either, and judge.py says what both batches tell about the draws
by the float32 predictions. "another seed" is BatchBALD from float32 predictions with another seed of its
sampled configurations: what differs between two choices that are equally good. Each row of bfloat16_choice.csv is a
method and a seed, appended as it comes; the same command continues where it was stopped, and --redo begins anew.
About three minutes a seed on 2 quiet cores with the default of all rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import records
import torch
from judge import judge
from mnist_round import mnist, study_of_batches
from torch import Tensor

import lindley
from lindley.contracts import Labels, TrainingData
from lindley.datasets.dataset import Dataset
from lindley.networks.catalogue import build_network
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.seeds import derive_seed
from lindley.session.pool_predictions import CHUNK_ROWS
from lindley.session.subsets import candidate_rows, initial_balanced_rows
from lindley.training.config import TrainingConfig

METHODS = ("BatchBALD", "BALD, top-k", "BatchBALD, another seed")
Rows = list[int]


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    file = options.out / "bfloat16_choice.csv"
    if options.redo:
        file.unlink(missing_ok=True)
    data = mnist(options.data_dir)
    for seed in options.seeds:
        case = {"labels": options.labels, "K": options.draws, "b": options.batch_size, "N": options.rows, "seed": seed}
        if records.is_done(records.read(file), **case, method=METHODS[-1]):
            continue
        exact, rough = _predictions(data, seed, options)
        for method, chosen, reference in _choices(exact, rough, seed, options.batch_size):
            if not records.is_done(records.read(file), **case, method=method):
                _record({**case, "method": method}, exact, rough, chosen, reference, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--draws", type=int, default=100, help="K")
    parser.add_argument("--batch-size", type=int, default=10, help="b")
    parser.add_argument("--rows", type=int, default=0, help="candidates (default: all unlabelled)")
    parser.add_argument("--steps", type=int, default=0, help="of the fit (default: the recipe's)")
    parser.add_argument("--judge-configurations", type=int, default=100_000)
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    return parser


def _predictions(data: Dataset, seed: int, options: argparse.Namespace) -> tuple[Tensor, Tensor]:
    """The same rows and draws in float32 and in bfloat16.  -> [N, K, C], [N, K, C]"""
    training = study_of_batches()["training"]
    recipe = TrainingConfig(**{**training, **({"steps": options.steps, "epochs": 0} if options.steps else {})})
    network = build_network("gal-cnn", input_shape=data.input_shape, num_classes=data.task.num_classes)
    labelled = initial_balanced_rows(data.classes, options.labels, seed=seed)
    labels = Labels(labelled, data.classes[labelled])
    module = MCDropout(network, recipe).fit(TrainingData(data.pool, labels, data.task), seed=seed)._module
    rows = candidate_rows(len(data.pool), labelled, count=options.rows, seed=seed, sources=None)
    both = []
    for precision in ("float32", "bfloat16"):
        posterior = MCDropoutPosterior(module, precision=precision)
        draws = posterior.draw(options.draws, seed=derive_seed(seed, "draws"))
        both.append(torch.cat([draws.predict(data.pool.read(part)).log_probs for part in rows.split(CHUNK_ROWS)]))
    return both[0], both[1]


def _choices(exact: Tensor, rough: Tensor, seed: int, batch_size: int) -> Iterator[tuple[str, Rows, Rows]]:
    """(method, the batch in question, the batch that it is compared with)."""

    def of(log_probs: Tensor, acquisition: str, acquisition_seed: int) -> Rows:
        rows: Rows = lindley.select(log_probs, acquisition, batch_size, acquisition_seed).rows.tolist()
        return rows

    best = of(exact, "batchbald", seed)
    yield METHODS[0], of(rough, "batchbald", seed), best
    yield METHODS[1], of(rough, "bald", seed), of(exact, "bald", seed)
    yield METHODS[2], of(exact, "batchbald", derive_seed(seed, "another")), best


def _record(
    case: dict[str, object],
    exact: Tensor,
    rough: Tensor,
    chosen: Rows,
    reference: Rows,
    options: argparse.Namespace,
) -> None:
    worth, before = (
        judge(exact[sorted(rows)], num_configurations=options.judge_configurations) for rows in (chosen, reference)
    )
    row = {
        **case,
        "information": worth.information,
        "reference_information": before.information,
        "loss": 1 - worth.information / before.information,
        "se": max(worth.standard_error, before.standard_error) / before.information,
        "rows_in_common": len({*chosen} & {*reference}),
        "mean_difference": (rough.exp() - exact.exp()).abs().mean().item(),
        "judge_paths": options.judge_configurations,
        "at": records.now(),
        "machine": records.machine(options.threads),
    }
    records.append(options.out / "bfloat16_choice.csv", row)
    said = f"{100 * float(str(row['loss'])):.3f} % of {before.information:.4f} nats"
    print(f"seed {case['seed']}, {case['method']}: loses {said}, {row['rows_in_common']} rows in common", flush=True)


if __name__ == "__main__":
    main()
