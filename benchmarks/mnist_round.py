"""A whole round on MNIST, split by stage: fit on 100 labels, 100 draws over all other rows, a BatchBALD batch of 10.

    python benchmarks/mnist_round.py [--rounds R] [--precision P] [--device D] [--data-dir DIR] [--out DIR]

needs MNIST. The network, the recipe and the precision are those of the package's study of batches (batch.toml); the
labels are balanced, from the round's seed. Each round is one call of run_round, as `lindley run` makes it, and leaves
one row of mnist_round.csv: "fit" is the training, "predict" every row through every draw, folding the masks into
weights included, "select" what is left of the choice. Memory is the peak of the process during the round above what it
held before; the predictions themselves, 240 MB, are part of it. The same command continues where it was stopped, and
--redo begins anew. About two minutes on 2 quiet cores. What is measured on a GPU goes to mnist_round_cuda.csv.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import records
import torch
from memory import added_mib

from lindley.acquisition.catalogue import acquisition_named
from lindley.contracts import Labels, TrainingData
from lindley.datasets import catalogue
from lindley.datasets.dataset import Dataset
from lindley.errors import DataError
from lindley.networks.catalogue import build_network
from lindley.posteriors.catalogue import build_learner
from lindley.session.rounds import RoundLabels, RoundSettings, run_round
from lindley.session.subsets import initial_balanced_rows
from lindley.training.config import TrainingConfig
from lindley.training.precision import resolve_precision


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    file = options.out / f"mnist_round{'' if options.device == 'cpu' else '_' + options.device}.csv"
    if options.redo:
        file.unlink(missing_ok=True)
    study = study_of_batches()
    precision = resolve_precision(options.precision or study["model"]["precision"], options.device)
    recipe = TrainingConfig(**{**study["training"], **({"steps": options.steps, "epochs": 0} if options.steps else {})})
    data = mnist(options.data_dir)
    for seed in range(options.rounds):
        case = {
            "network": study["model"]["network"],
            "precision": precision,
            "labels": options.labels,
            "steps": recipe.num_steps(options.labels),
            "K": options.draws,
            "b": options.batch_size,
            "candidates": options.candidates or len(data.pool) - options.labels,
            "threads": options.threads,
            "seed": seed,
        }
        if not records.is_done(records.read(file), **case):
            _run(case, data, recipe, options.device, file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each of its own seed (default 3)")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--draws", type=int, default=100, help="K")
    parser.add_argument("--batch-size", type=int, default=10, help="b")
    parser.add_argument(
        "--candidates", type=int, default=0, help="rows that may be asked for (default: all unlabelled)"
    )
    parser.add_argument("--steps", type=int, default=0, help="of the fit (default: the recipe's)")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), help="default: the study's, auto")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the model runs (default: cpu)")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    return parser


def study_of_batches() -> dict[str, Any]:
    """The package's study batch.toml."""
    return tomllib.loads((resources.files("lindley.study.builtin") / "batch.toml").read_text(encoding="utf-8"))


def mnist(data_dir: Path | None) -> Dataset:
    """MNIST, or the end with a message."""
    try:
        return catalogue.load("mnist", data_dir=data_dir, seed=0)
    except DataError as error:
        sys.exit(f"this benchmark needs mnist: {error}")


def _run(case: dict[str, Any], data: Dataset, recipe: TrainingConfig, device: str, file: Path) -> None:
    network = build_network(case["network"], input_shape=data.input_shape, num_classes=data.task.num_classes)
    settings = RoundSettings(
        build_learner("mc-dropout", network, recipe, precision=case["precision"], device=device),
        acquisition_named("batchbald"),
        data.task,
        case["seed"],
        case["K"],
        0 if case["candidates"] == len(data.pool) - case["labels"] else case["candidates"],
    )
    rows = initial_balanced_rows(data.classes, case["labels"], seed=case["seed"])
    labels = Labels(rows, data.classes[rows])
    one_step = build_learner("mc-dropout", network, TrainingConfig(steps=1), precision=case["precision"], device=device)
    one_step.fit(TrainingData(data.pool, labels, data.task), seed=case["seed"])  # loads what is loaded late
    with added_mib() as added:
        start, cpu = time.perf_counter(), time.process_time()
        round_ = run_round(settings, data.pool, RoundLabels.from_labels(labels), {}, index=0, batch_size=case["b"])
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    stages = {f"{name}_seconds": round_.seconds[name] for name in ("fit", "predict", "select")}
    row = {
        **case,
        "path": round_.compute_path,
        **stages,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "added_mib": added[0],
    }
    gpu = "" if device == "cpu" else f"{torch.cuda.get_device_name()}; "
    row |= {"at": records.now(), "machine": gpu + records.machine(case["threads"])}
    records.append(file, row)
    said = ", ".join(f"{name} {round_.seconds[name]:.1f} s" for name in ("fit", "predict", "select"))
    print(f"seed {case['seed']}, {case['precision']}: {said}; {seconds:.1f} s, {added[0]:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
