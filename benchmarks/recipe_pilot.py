"""The pilot behind the recipe of the image studies: random labels, seeds that no study uses.

    LINDLEY_DATA=... python benchmarks/recipe_pilot.py --data mnist --out reports/benchmarks/recipe-mnist.csv
    python benchmarks/recipe_pilot.py --table reports/benchmarks/recipe-mnist.csv

Measures accuracy, NLL, joint NLL (sets of ten) and calibration error of the K-draw average on the whole test set, how
many units of the rectified layer that lost most still answer to any of 500 test rows, and the seconds of each fit on
one thread; a line is written as each fit is done, and the same command goes on where it stopped. The first twenty
labels are balanced, the others random, as in `lindley run mnist`; with `--trial DIR` they are those of a trial.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from pathlib import Path

import torch
from torch import nn

from lindley.contracts import Labels, TrainingData
from lindley.datasets.catalogue import load
from lindley.datasets.dataset import Dataset
from lindley.information import mean_log_probs
from lindley.measures.calibration import expected_calibration_error
from lindley.measures.joint import joint_nll
from lindley.measures.scores import accuracy, nll
from lindley.networks.catalogue import build_network
from lindley.noise import torch_generator
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.session.state import read_state
from lindley.session.subsets import initial_balanced_rows
from lindley.training.config import TrainingConfig

BASE = {"steps": 1000, "batch_size": 32, "learning_rate": 2e-3, "schedule": "cosine"}
AFFINE = {**BASE, "shift": 2, "rotate": 15.0, "scale": 0.1}
RECIPES = {
    "plain": TrainingConfig(**BASE),
    "shifts": TrainingConfig(**{**BASE, "shift": 2}),
    "affine": TrainingConfig(**AFFINE),
    "affine, half the steps": TrainingConfig(**{**AFFINE, "steps": 500}),
    "affine, 500 steps or 80 epochs": TrainingConfig(**{**AFFINE, "steps": 500, "epochs": 80}),
    "affine, twice the steps": TrainingConfig(**{**AFFINE, "steps": 2000}),
    "affine, weight decay": TrainingConfig(**{**AFFINE, "weight_decay": 5e-4}),
    "affine, constant rate": TrainingConfig(**{**AFFINE, "learning_rate": 1e-3, "schedule": "constant"}),
    "affine, rate 1e-3": TrainingConfig(**{**AFFINE, "learning_rate": 1e-3}),
    "affine, rate 5e-4": TrainingConfig(**{**AFFINE, "learning_rate": 5e-4}),
    "affine, warm-up": TrainingConfig(**{**AFFINE, "warmup": 100}),
    "affine, rate 1e-3, warm-up": TrainingConfig(**{**AFFINE, "learning_rate": 1e-3, "warmup": 100}),
    "affine, prior": TrainingConfig(**{**AFFINE, "prior_precision": 1.0}),
}
NUM_DRAWS = 50
FIELDS = (
    "data",
    "recipe",
    "labels",
    "seed",
    "accuracy",
    "nll",
    "joint_nll",
    "fit_seconds",
    "precision",
    "ece",
    "answering",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist", help="mnist or fashion-mnist")
    parser.add_argument("--recipes", default=";".join(RECIPES), help="names separated by ';' (default: all)")
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 100, 300])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1001, 1002, 1003, 1004, 1005])
    parser.add_argument("--trial", type=Path, help="a trial's folder, whose labels are taken in place of random ones")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--out", type=Path, help="a CSV file that is continued")
    parser.add_argument("--table", type=Path, nargs="+", help="print the medians of such files, and stop")
    options = parser.parse_args()
    if options.table:
        print(table([row for path in options.table for row in _rows(path)]))
        return
    if options.out is None:
        parser.error("--out is needed: where the lines go")
    torch.set_num_threads(1)
    data = load(options.data, data_dir=None)
    network = build_network("gal-cnn", input_shape=data.input_shape, num_classes=data.task.num_classes)
    named = options.data if options.trial is None else f"{options.data}, rows of {_name(options.trial)}"
    done = {(row["data"], row["recipe"], row["labels"], row["seed"], row["precision"]) for row in _rows(options.out)}
    for seed in options.seeds:
        for name in options.recipes.split(";"):
            for num_labels in options.labels:
                if (named, name, str(num_labels), str(seed), options.precision) in done:
                    continue
                learner = MCDropout(network, RECIPES[name], precision=options.precision)
                if options.trial is None:
                    labels = _random_labels(data.classes, num_labels, seed)
                else:
                    labels = _acquired_labels(options.trial, num_labels)
                measured, more = _measure(data, learner, labels, seed)
                _append(options.out, (named, name, num_labels, seed, *measured, options.precision, *more))


def table(rows: list[dict[str, str]]) -> str:
    """Medians over seeds: accuracy in %, NLL and joint NLL in nats per label, seconds of a fit."""
    columns = ("data", "labels", "recipe", "accuracy", "NLL", "joint NLL", "ECE", "units that answer", "fit s", "seeds")
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for data, num_labels, recipe in dict.fromkeys(
        (row["data"], int(row["labels"]), row["recipe"])
        for row in sorted(rows, key=lambda row: (row["data"], int(row["labels"])))
    ):
        those = [row for row in rows if (row["data"], int(row["labels"]), row["recipe"]) == (data, num_labels, recipe)]
        acc, one, joint, seconds = (
            statistics.median(float(row[name]) for row in those)
            for name in ("accuracy", "nll", "joint_nll", "fit_seconds")
        )
        ece, answering = (
            f"{100 * statistics.median(map(float, known)):.0f} %"
            if (known := [row[name] for row in those if row.get(name)])
            else "–"
            for name in ("ece", "answering")
        )
        lines.append(
            f"| {data} | {num_labels} | {recipe} | {100 * acc:.1f} | {one:.3f} | {joint:.3f} | {ece} | {answering} "
            f"| {seconds:.0f} | {len(those)} |"
        )
    return "\n".join(lines)


def _measure(
    data: Dataset, learner: MCDropout, labels: Labels, seed: int
) -> tuple[tuple[float, float, float, float], tuple[float, float]]:
    start = time.perf_counter()
    posterior = learner.fit(TrainingData(data.pool, labels, data.task), seed=seed)
    seconds = time.perf_counter() - start
    draws = posterior.draw(NUM_DRAWS, seed=seed)
    order = torch.randperm(len(data.test_classes), generator=torch_generator(0, "test order"))
    classes = data.test_classes[order]
    log_probs = torch.cat([draws.predict(part).log_probs for part in data.test_inputs[order].split(500)])
    averaged = mean_log_probs(log_probs.double())
    of_true = log_probs.gather(2, classes[:, None, None].expand(-1, NUM_DRAWS, 1))[:, :, 0]  # [T, K]
    measured = accuracy(averaged, classes), nll(averaged, classes), joint_nll(of_true), seconds
    return measured, (
        expected_calibration_error(averaged, classes),
        _answering(learner, posterior, data.test_inputs[:500]),
    )


def _answering(learner: MCDropout, posterior: MCDropoutPosterior, inputs: torch.Tensor) -> float:
    """The share of the units of a rectified layer that answer to any of these inputs, in the layer that lost most."""
    shares: list[float] = []

    def count(layer: nn.Module, given: object, values: torch.Tensor) -> None:
        shares.append(float((values.transpose(0, 1).flatten(1) > 0).any(1).double().mean()))

    network = learner.network().eval()
    network.load_state_dict(posterior.state_dict()[0])
    for layer in network.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network(inputs)
    return min(shares)


def _random_labels(classes: torch.Tensor, num_labels: int, seed: int) -> Labels:
    first = initial_balanced_rows(classes, 20, seed=seed)
    order = torch.randperm(len(classes), generator=torch_generator(seed, "pilot"))
    rows = torch.cat([first, order[~torch.isin(order, first)][: num_labels - 20]])
    return Labels(rows, classes[rows])


def _acquired_labels(trial: Path, num_labels: int) -> Labels:
    """The first that a trial acquired, its initial ones among them."""
    known = list(read_state(trial).answers_for("initial", "train"))[:num_labels]
    if not known:
        raise SystemExit(f"{trial} has no round yet")
    return Labels([answer.row for answer in known], [int(answer.value or 0) for answer in known])


def _name(trial: Path) -> str:
    return f"{trial.parent.name} {trial.name.rpartition('-')[0]}"


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _append(path: Path, values: tuple[object, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(FIELDS)
        writer.writerow(values)


if __name__ == "__main__":
    main()
