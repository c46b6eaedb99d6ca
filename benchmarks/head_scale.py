"""Accuracy and NLL of a Bayesian head by the units of its features: one common deviation, each one's, or by evidence.

    python benchmarks/head_scale.py [--data-dir DIR] [--sets NAME ...] [--labels 30 100 300] [--seeds 10] [--redo]
                                    [--out reports/benchmarks]

Every set is split anew by each seed: so many random labels, and up to 3,000 of the other rows to judge the head's point
prediction on. Texts are LSA: TF-IDF of words and pairs of words, 200 components, normalised. Tables are as they are.
Writes head_scale.csv (every run; the same command adds what it has not yet) and prints medians, smallest and largest.
Two minutes on one core. The data sets are the folder's `trec6`, `text` and `tabular`; digits come with scikit-learn.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import records
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from torch import Tensor

from lindley.contracts import Classification, Labels, TrainingData
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import BayesianHead

SCALES = ("feature", "common", "evidence")
NUM_TEST = 3000
COLUMNS = ("set", "labels", "seed", "scale", "chosen", "accuracy", "nll", "log_evidence", "fit_cpu_s", "at", "machine")
Data = tuple[Tensor, list[str]]


def texts(file: str, label: str, folder: Path) -> Data:
    """LSA of the texts of a TSV file, and their labels."""
    path = folder / file
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    counts = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(row["text"] for row in rows)
    components = normalize(TruncatedSVD(200, random_state=0).fit_transform(counts))
    return torch.from_numpy(components).float(), [row[label] for row in rows]


def table(file: str, first: int, folder: Path) -> Data:
    """The columns of a CSV file from `first` on, and the labels in the last one."""
    with gzip.open(folder / "tabular" / file, "rt", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    return torch.tensor([[float(value) for value in row[first:-1]] for row in rows]), [row[-1] for row in rows]


def digits(folder: Path) -> Data:
    """The images of scikit-learn's digits, as vectors."""
    loaded = load_digits()
    return torch.from_numpy(loaded.data).float(), [str(each) for each in loaded.target]


SETS: Mapping[str, Callable[[Path], Data]] = {
    "trec6, LSA": partial(texts, "trec6/trec6_train.tsv", "coarse"),
    "subj, LSA": partial(texts, "text/subj.tsv.gz", "label"),
    "custrev, LSA": partial(texts, "text/custrev.tsv.gz", "label"),
    "digits": digits,
    "magic": partial(table, "magic.csv.gz", 0),
    "satimage": partial(table, "satimage_train.csv.gz", 0),
    "vowel": partial(table, "vowel.csv.gz", 3),
}


def run(name: str, data: Data, num_labels: int, seed: int, scale: str) -> dict[str, object]:
    """One row of the CSV file."""
    features, names = data
    task = Classification(tuple(sorted(set(names))))
    classes = torch.tensor([task.class_names.index(each) for each in names])
    order = torch.randperm(len(classes), generator=torch_generator(seed, "split"))
    labelled, test = order[:num_labels], order[num_labels:][:NUM_TEST]
    training = TrainingData(MemoryPool(features), Labels(labelled, classes[labelled]), task)
    began = time.process_time()
    posterior = BayesianHead(scale=scale).fit(training, seed=seed)
    seconds = time.process_time() - began
    log_probs = posterior.point().predict(features[test]).log_probs[:, 0]
    accuracy = float((log_probs.argmax(1) == classes[test]).double().mean())
    nll = -float(log_probs[torch.arange(len(test)), classes[test]].double().mean())
    measured = (round(accuracy, 4), round(nll, 4), round(posterior.log_evidence, 3), round(seconds, 3))
    case = (name, num_labels, seed, scale, posterior.scale)
    return dict(zip(COLUMNS, (*case, *measured, records.now(), records.machine(1)), strict=True))


def report(rows: list[dict[str, str]]) -> str:
    """Medians (smallest to largest) over the seeds, a set and number of labels a line."""
    cases = dict.fromkeys((row["set"], row["labels"]) for row in rows)
    lines = []
    for name, labels in cases:
        line = [name, labels]
        for scale in SCALES:
            those = [r for r in rows if (r["set"], r["labels"], r["scale"]) == (name, labels, scale)]
            accuracies = [100 * float(row["accuracy"]) for row in those]
            spread = f"{median(accuracies):.1f} ({min(accuracies):.1f} to {max(accuracies):.1f})"
            line += [spread, f"{median(float(row['nll']) for row in those):.3f}"]
        common = [row["chosen"] == "common" for row in those]
        line += [f"{sum(common)} of {len(common)}", f"{median(float(row['fit_cpu_s']) for row in those):.2f}"]
        lines.append(line)
    columns = [title for scale in SCALES for title in (f"{scale}: accuracy, %", "NLL")]
    return records.markdown(("set", "labels", *columns, "evidence took common", "its fit, CPU s"), lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LINDLEY_DATA", "."), help="holds the sets")
    parser.add_argument("--sets", choices=SETS, nargs="+", default=list(SETS))
    parser.add_argument("--labels", type=int, nargs="+", default=[30, 100, 300])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--redo", action="store_true", help="begin anew")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    file = arguments.out / "head_scale.csv"
    if arguments.redo:
        file.unlink(missing_ok=True)
    for name in arguments.sets:
        data, done = SETS[name](Path(arguments.data_dir)), records.read(file)
        for num_labels in arguments.labels:
            for seed in range(arguments.seeds):
                for scale in SCALES:
                    case = {"set": name, "labels": num_labels, "seed": seed, "scale": scale}
                    if not records.is_done(done, **case):
                        records.append(file, run(name, data, num_labels, seed, scale))
        print(report([row for row in records.read(file) if row["set"] == name]), flush=True)


if __name__ == "__main__":
    main()
