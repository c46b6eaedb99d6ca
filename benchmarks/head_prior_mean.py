"""Accuracy and NLL of a Bayesian head with and without sentences about the classes as its prior mean.

    python benchmarks/head_prior_mean.py NAME FEATURES.npy SENTENCES.npy CLASSES.npy [--labels 10 20 50 100 300]
                                         [--seeds 10] [--redo] [--out reports/benchmarks]

FEATURES are [N, D], the normalised embeddings of the texts in their first E columns; SENTENCES [C, E], one for each
class; CLASSES [N]. Each seed takes random labels, and 1,000 other rows to judge the point prediction on: "none" is a
head without sentences, "words" one with them, "permuted" one with the sentences of other classes.
Adds what is missing to head_prior_mean.csv and prints medians, and the differences from "none" on the same labels.

The kept rows are of all-MiniLM-L6-v2 alone (D = E = 384), with these sentences in the order of the classes' names:
trec6: a question about what an abbreviation or acronym stands for; a question asking for a definition, description,
reason or explanation of something; a question about a thing: an animal, food, product, sport, word or colour; a
question asking who: the name of a person or a group; a question asking where: a city, country, mountain or other place;
a question asking for a number: how many, how much, when, a date or a distance.
custrev: a customer complains: the product is bad, broken or disappointing; a customer is happy: the product is great
and works well. subj: a factual sentence that tells the plot of a movie; an opinion or judgement of a reviewer about a
movie. The rule was chosen on trec6; custrev and subj confirm it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

import numpy as np
import records
import torch
from torch import Tensor

from lindley.contracts import Classification, Labels, TrainingData
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.prior_mean import sentence_prior_mean

HEADS = ("none", "words", "permuted")
NUM_TEST = 1000
COLUMNS = ("set", "labels", "seed", "head", "prior_scale", "accuracy", "nll", "at", "machine")


def prior_mean(head: str, sentences: Tensor, features: Tensor, seed: int) -> Tensor | None:
    """The prior mean of one of HEADS."""
    if head == "none":
        return None
    order = torch.arange(len(sentences))
    generator = torch_generator(seed, "permutation")
    while head == "permuted" and bool((order == torch.arange(len(sentences))).all()):
        order = torch.randperm(len(sentences), generator=generator)
    return sentence_prior_mean(sentences[order], features)


def run(features: Tensor, classes: Tensor, mean: Tensor | None, num_labels: int, seed: int) -> tuple[float, ...]:
    """Chosen scale, accuracy and NLL."""
    order = torch.randperm(len(classes), generator=torch_generator(seed, "split"))
    labelled, test = order[:num_labels], order[-NUM_TEST:]
    task = Classification(tuple(f"class {each}" for each in range(int(classes.max()) + 1)))
    data = TrainingData(MemoryPool(features), Labels(labelled, classes[labelled]), task)
    learner = BayesianHead(prior_mean=mean, prior_precision="leave-one-out", scale="common")  # as in a project
    posterior = learner.fit(data, seed=seed)
    log_probs = posterior.point().predict(features[test]).log_probs[:, 0]
    accuracy = float((log_probs.argmax(1) == classes[test]).double().mean())
    nll = -float(log_probs[torch.arange(len(test)), classes[test]].double().mean())
    return posterior.prior_scale or 0.0, round(accuracy, 4), round(nll, 4)


def report(rows: list[dict[str, str]]) -> str:
    """Medians over the seeds; differences are paired."""
    lines = []
    for labels, head in dict.fromkeys((row["labels"], row["head"]) for row in rows):
        those = {row["seed"]: row for row in rows if (row["labels"], row["head"]) == (labels, head)}
        base = {row["seed"]: row for row in rows if (row["labels"], row["head"]) == (labels, "none")}
        gains = [100 * (float(those[seed]["accuracy"]) - float(base[seed]["accuracy"])) for seed in those]
        losses = [float(those[seed]["nll"]) - float(base[seed]["nll"]) for seed in those]
        values = [median(float(row[key]) for row in those.values()) for key in ("accuracy", "nll")]
        spread = f"{median(gains):+.1f} ({min(gains):+.1f} to {max(gains):+.1f})"
        scales = " ".join(f"{float(row['prior_scale']):g}" for row in those.values())
        cells = (f"{100 * values[0]:.1f}", spread, f"{values[1]:.3f}", f"{median(losses):+.3f}", scales)
        lines.append((labels, head, *cells))
    return records.markdown(("labels", "head", "accuracy, %", "paired", "NLL", "paired", "scales"), lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("files", type=Path, nargs=3, metavar="FILE.npy", help="features, sentences, classes")
    parser.add_argument("--labels", type=int, nargs="+", default=[0, 10, 20, 50, 100, 300])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--redo", action="store_true", help="begin anew")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(1)
    features, sentences, classes = (torch.from_numpy(np.load(file)) for file in options.files)
    file = options.out / "head_prior_mean.csv"
    if options.redo:
        file.unlink(missing_ok=True)
    done = records.read(file)
    for num_labels in options.labels:
        for seed in range(options.seeds):
            for head in HEADS:
                case = {"set": options.name, "labels": num_labels, "seed": seed, "head": head}
                if (head == "none" and num_labels == 0) or records.is_done(done, **case):
                    continue
                mean = prior_mean(head, sentences, features, seed)
                found = run(features, classes, mean, num_labels, seed)
                row = (*case.values(), *found, records.now(), records.machine(1))
                records.append(file, dict(zip(COLUMNS, row, strict=True)))
    print(report([row for row in records.read(file) if row["set"] == options.name and row["labels"] != "0"]))


if __name__ == "__main__":
    main()
