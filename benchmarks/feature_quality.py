"""Accuracy of simple classifiers on the features of each kind, with their seconds and memory: random labels, medians.

    python benchmarks/feature_quality.py [trec] [mnist] [cifar] [--seeds S] [--encoder FOLDER] [--head KEY=VALUE ...]
                                         [--data-dir DIR] [--out DIR]

Labels are drawn at random from a pool; the accuracy is that on rows kept beside it: of TREC-6 1,000 of the 5,452
questions, of MNIST 1,000 images beside 2,000, of CIFAR-10 (as JPEG) 2,000 beside 5,000. Features are learnt on the
pool alone. "logistic" is scikit-learn's logistic regression on features divided by one common deviation, "head" the
Bayesian head, its prediction averaged over 50 draws. Data lie in --data-dir, or in $LINDLEY_DATA.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from records import DEFAULT_FOLDER, append, machine, markdown, now
from sklearn.linear_model import LogisticRegression

from lindley.contracts import Classification, Labels, TrainingData
from lindley.datasets.catalogue import load
from lindley.features import LSA, EncoderAndLSA, FeatureMethod, Patches
from lindley.labelling.records import Kind
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import BayesianHead

NUM_DRAWS = 50


@dataclass(frozen=True)
class Case:
    """A pool and the rows beside it, their classes, and the numbers of labels."""

    name: str
    contents: Sequence[Any]
    classes: np.ndarray
    num_pool: int
    sizes: tuple[int, ...]
    kind: Kind
    official: tuple[Sequence[Any], np.ndarray] | None = None
    """The test set that was published beside the data, of another time: its contents and classes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=[*CASES], help=f"among {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--encoder", type=Path, help="the folder of a sentence encoder, to be measured beside LSA")
    parser.add_argument("--head", nargs="*", default=[], metavar="KEY=VALUE", help="options of BayesianHead")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LINDLEY_DATA"))
    parser.add_argument("--out", type=Path, help=f"a folder for feature_quality.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("say where the data lie: --data-dir, or LINDLEY_DATA")
    torch.set_num_threads(1)
    head = dict(each.split("=", 1) for each in options.head)
    records = []
    for name in options.cases:
        case = CASES[name](Path(options.data_dir))
        for method in methods(name, options.encoder):
            records += measure(case, method, options.seeds, head)
    print(f"{machine(1)}, medians of {options.seeds} seeds, head {head or 'as it is'}\n")
    print(markdown([*records[0]], [[str(value) for value in record.values()] for record in records]))
    for record in records if options.out else ():
        append(options.out / "feature_quality.csv", {**record, "machine": machine(1), "measured": now()})


def methods(name: str, encoder: Path | None) -> list[FeatureMethod]:
    """The methods that are measured on a case."""
    if name != "trec":
        return [Patches()]
    return [LSA(), *([EncoderAndLSA(encoder)] if encoder else [])]


def measure(case: Case, method: FeatureMethod, num_seeds: int, head: dict[str, str]) -> list[dict[str, object]]:
    """Return one record for each number of labels."""
    start, pool = time.process_time(), case.contents[: case.num_pool]
    state = method.fit([pool[row] for row in np.random.default_rng(0).permutation(len(pool))[: method.fit_rows]])
    learnt = time.process_time() - start
    transform, rows = method.restore(state), range(0, len(case.contents), method.block_rows)
    features = np.concatenate([transform(case.contents[row : row + method.block_rows]) for row in rows])
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    records: list[dict[str, object]] = []
    for size in case.sizes:
        scores = [accuracies(case, features, size, seed, head) for seed in range(num_seeds)]
        logistic, bayesian = (f"{100 * value:.1f}" for value in np.median(scores, axis=0))
        records.append(
            {
                "data": case.name,
                "features": method.version.rsplit("-", 1)[0],
                "D": features.shape[1],
                "labels": size,
                "logistic %": logistic,
                "head %": bayesian,
                "cpu s learn": f"{learnt:.1f}",
                "cpu s all": f"{seconds:.1f}",
                "items": len(features),
                "peak MB": f"{peak:.0f}",
            }
        )
    return records


def accuracies(case: Case, features: np.ndarray, size: int, seed: int, head: dict[str, str]) -> tuple[float, float]:
    """Return the accuracies of the two classifiers, fitted to labels of random rows of the pool."""
    rows = np.random.default_rng(seed).permutation(case.num_pool)[:size]
    beside, truth = features[case.num_pool :], case.classes[case.num_pool :]
    unit = features[: case.num_pool].std(0).mean() or 1.0
    model = LogisticRegression(C=0.1, max_iter=2000).fit(features[rows] / unit, case.classes[rows])
    logistic = (model.predict(beside / unit) == truth).mean()
    pool = MemoryPool(torch.from_numpy(features[: case.num_pool]))
    labels = Labels(torch.from_numpy(rows), torch.from_numpy(case.classes[rows]))
    task = Classification(tuple(map(str, range(case.classes.max() + 1))))
    posterior = BayesianHead(**head).fit(TrainingData(pool, labels, task), seed=seed)
    predicted = posterior.draw(NUM_DRAWS, seed=seed).predict(torch.from_numpy(beside)).log_probs.exp().mean(1)
    return float(logistic), float((predicted.argmax(1).numpy() == truth).mean())


def trec(folder: Path) -> Case:
    """Questions of six classes, in a random order."""
    (texts, classes), official = (_read_trec(folder / "trec6" / f"trec6_{part}.tsv") for part in ("train", "test"))
    order = np.random.default_rng(99).permutation(len(texts))
    return Case(
        "TREC-6", [texts[row] for row in order], classes[order], len(texts) - 1000, (100, 300), "text", official
    )


def _read_trec(path: Path) -> tuple[list[str], np.ndarray]:
    cells = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [row[3] for row in cells], np.array([int(row[0]) for row in cells])


def mnist(folder: Path) -> Case:
    """Images of digits, as bytes."""
    dataset = load("mnist", data_dir=folder, download=False)
    rows = torch.from_numpy(np.random.default_rng(1).permutation(len(dataset.pool))[:3000])
    images = (dataset.pool.read(rows)[:, 0] * 255).round().to(torch.uint8).numpy()
    return Case("MNIST", list(images), dataset.classes[rows].numpy(), 2000, (50, 100, 200), "images")


def cifar(folder: Path) -> Case:
    """Small photographs, decoded from JPEG."""
    archive = np.load(folder / "cifar10_jpeg" / "cifar10_jpeg_q75.npz")
    contents: list[np.ndarray] = []
    classes: list[np.ndarray] = []
    for part, number in (("train", 5000), ("test", 2000)):
        scans, offsets = archive[f"{part}_scans"].tobytes(), archive[f"{part}_offsets"]
        rows = np.random.default_rng(1).permutation(len(offsets) - 1)[:number]
        streams = [archive["header"].tobytes() + scans[offsets[row] : offsets[row + 1]] for row in rows]
        contents += [np.asarray(Image.open(io.BytesIO(stream))) for stream in streams]
        classes.append(archive[f"{part}_labels"][rows].astype(np.int64))
    return Case("CIFAR-10 (JPEG)", contents, np.concatenate(classes), 5000, (100, 300), "images")


CASES = {"trec": trec, "mnist": mnist, "cifar": cifar}

if __name__ == "__main__":
    main()
