"""The pilot behind the recipe of the MNIST studies: random labels, seeds that no study uses.

    LINDLEY_DATA=... python benchmarks/recipe_pilot.py --recipes chosen,long --labels 1020 --seeds 1001 1002 1003

Prints accuracy and NLL of the K-draw average and the seconds of each fit on one thread; one line as each is done.
Twenty labels are balanced, the others random, as in `lindley run mnist`.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from lindley.contracts import Labels
from lindley.datasets.catalogue import load
from lindley.datasets.dataset import Dataset
from lindley.information import mean_log_probs
from lindley.loop.subsets import balanced_rows
from lindley.networks.catalogue import build_network
from lindley.posteriors.mc_dropout import MCDropout
from lindley.posteriors.recipe import Recipe
from lindley.seeds import torch_generator
from lindley.study.metrics import accuracy, nll

RECIPES = {
    "short": (Recipe(steps=500), "bfloat16"),
    "short, float32": (Recipe(steps=500), "float32"),
    "short, cosine": (Recipe(steps=500, learning_rate=2e-3, schedule="cosine"), "bfloat16"),
    "short, weight decay": (Recipe(steps=500, weight_decay=5e-4), "bfloat16"),
    "long": (Recipe(steps=1000), "bfloat16"),
    "long, cosine": (Recipe(steps=1000, learning_rate=2e-3, schedule="cosine"), "bfloat16"),
    "chosen": (Recipe(steps=1000, batch_size=32, learning_rate=2e-3, schedule="cosine"), "bfloat16"),
    "chosen, constant": (Recipe(steps=1000, batch_size=32), "bfloat16"),
}
NUM_DRAWS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default=";".join(RECIPES), help="names separated by ';' (default: all)")
    parser.add_argument("--labels", type=int, nargs="+", default=[120, 420, 1020])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1001, 1002, 1003])
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load("mnist", data_dir=None)
    network = build_network("gal-cnn", input_shape=data.input_shape, num_classes=data.task.num_classes)
    print("labels  recipe                seeds  accuracy (each)                nll    fit s")
    for num_labels in options.labels:
        for name in options.recipes.split(";"):
            recipe, precision = RECIPES[name]
            learner = MCDropout(network, recipe, precision=precision)
            results = [_measure(data, learner, num_labels, seed) for seed in options.seeds]
            accuracies, nlls, seconds = zip(*results, strict=True)
            print(
                f"{num_labels:6d}  {name:20s}  {len(results):5d}  {100 * statistics.median(accuracies):.2f} "
                f"({', '.join(f'{100 * each:.2f}' for each in accuracies)})  "
                f"{statistics.median(nlls):.3f}  {statistics.median(seconds):5.1f}",
                flush=True,
            )


def _measure(data: Dataset, learner: MCDropout, num_labels: int, seed: int) -> tuple[float, float, float]:
    labels = _random_labels(data.classes, num_labels, seed)
    start = time.perf_counter()
    posterior = learner.fit(data.pool, labels, task=data.task, seed=seed)
    seconds = time.perf_counter() - start
    draws = posterior.draw(NUM_DRAWS, seed=seed)
    averaged = torch.cat([mean_log_probs(draws.log_probs(part).double()) for part in data.test_inputs.split(500)])
    return accuracy(averaged, data.test_classes), nll(averaged, data.test_classes), seconds


def _random_labels(classes: torch.Tensor, num_labels: int, seed: int) -> Labels:
    first = balanced_rows(classes, 20, seed=seed)
    order = torch.randperm(len(classes), generator=torch_generator(seed, "pilot"))
    rows = torch.cat([first, order[~torch.isin(order, first)][: num_labels - 20]])
    return Labels(rows, classes[rows])


if __name__ == "__main__":
    main()
