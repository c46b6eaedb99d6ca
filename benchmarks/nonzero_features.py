"""What it is worth not to multiply features that are 0 in all rows of a chunk: one prediction, with and without.

    python benchmarks/nonzero_features.py [--rounds 5] [--threads 2] [--data-dir DIR] [--out DIR]

Gal's CNN fitted to 100 labels of MNIST by the recipe of `repeated-mnist` and by that of `mnist`, then 2,000 images
under 100 draws, either way in turn; the best of several rounds. Needs MNIST. Writes nonzero_features.csv. A minute or
two on two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import records
import torch
from torch import Tensor

from lindley.contracts import Labels, TrainingData
from lindley.datasets.catalogue import load
from lindley.networks.catalogue import build_network
from lindley.posteriors.dropout import folded_network
from lindley.posteriors.dropout.mc_dropout import MCDropoutDraws
from lindley.session.pool_predictions import CHUNK_ROWS
from lindley.study.config.study_files import load_study
from lindley.study.running.learners import build_experiment_learner

RECIPES = ("repeated-mnist", "mnist")
LABELS, IMAGES, DRAWS = 100, 2000, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    file = options.out / "nonzero_features.csv"
    file.unlink(missing_ok=True)
    dataset = load("mnist", data_dir=options.data_dir, seed=0)
    network = build_network("gal-cnn", input_shape=dataset.input_shape, num_classes=10)
    images = dataset.pool.read(torch.arange(IMAGES))
    labels = Labels(torch.arange(IMAGES, IMAGES + LABELS), dataset.classes[IMAGES : IMAGES + LABELS])
    for name in RECIPES:
        (experiment,) = load_study(name).experiments
        experiment = experiment.model_copy(
            update={"model": experiment.model.model_copy(update={"precision": "float32"})}
        )
        learner = build_experiment_learner(experiment, network, device="cpu")
        draws = learner.fit(TrainingData(dataset.pool, labels, dataset.task), seed=0).draw(DRAWS, seed=0)
        best = {"all features": float("inf"), "nonzero features": float("inf")}
        shares: list[float] = []
        for _ in range(options.rounds):
            for way in best:
                best[way] = min(best[way], _seconds(draws, images, shares, skip=way == "nonzero features"))
        row = {
            "recipe of": name,
            "labels": LABELS,
            "images": IMAGES,
            "draws": DRAWS,
            "threads": options.threads,
            "nonzero share of the features": f"{min(shares):.3f}",
            **{f"{way} s": f"{seconds:.3f}" for way, seconds in best.items()},
            "times as fast": f"{best['all features'] / best['nonzero features']:.2f}",
        }
        records.append(file, row)
        print(", ".join(map(str, row.values())), flush=True)


def _seconds(draws: MCDropoutDraws, images: Tensor, shares: list[float], *, skip: bool) -> float:
    found = folded_network.find_nonzero_features

    def watched(values: Tensor) -> Tensor | None:
        nonzero = found(values) if skip else None
        if skip:
            shares.append(1.0 if nonzero is None else len(nonzero) / values.shape[1])
        return nonzero

    folded_network.find_nonzero_features = watched
    try:
        began = time.perf_counter()
        for chunk in images.split(CHUNK_ROWS):
            draws.predict(chunk)
        return time.perf_counter() - began
    finally:
        folded_network.find_nonzero_features = found


if __name__ == "__main__":
    main()
