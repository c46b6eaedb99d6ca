"""What the defaults of a labelling project are worth: accuracy beside random, on rows beside the pool.

    python benchmarks/labelling_quality.py [trec] [mnist] [cifar] [--seeds 10] [--labels 300] [--arms NAME ...]
                                           [--encoder FOLDER] [--describe FILE] [--data-dir DIR] [--out DIR]

Each trial labels a pool with its true classes, ten at a time, as `lindley label` trains: the same round on the same
features, without server and test stream. An arm is "default" (TypiClust first, then BatchBALD), or the name of an
acquisition. A number of training labels stands beside that of all labels, a project's test labels included. Rows go to
labelling_quality.csv as they come, and what is there is not done again; --summary prints the table alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from feature_quality import CASES, Case
from records import DEFAULT_FOLDER, append, is_done, machine, markdown, now, read

from lindley.features import LSA, EncoderAndLSA, FeatureMethod, Patches
from lindley.labelling.class_sentences import sentences_as_prior
from lindley.labelling.records import ClassRecord
from lindley.labelling.streams import num_test_labels
from lindley.labelling.training_round import RoundInput, run_project_round
from lindley.posteriors import BayesianHead

SIZES = (10, 20, 50, 100, 200, 300)
CLASS_NAMES = {"trec": ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")}
FILE = "labelling_quality.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=["trec"], help=f"among {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--labels", type=int, default=300, help="training labels of a trial")
    parser.add_argument("--arms", nargs="*", default=["default", "random"], metavar="NAME")
    parser.add_argument("--encoder", type=Path, help="the folder of a sentence encoder, put beside LSA")
    parser.add_argument("--describe", type=Path, help="a .toml file with a sentence for each class")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LINDLEY_DATA"))
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--summary", action="store_true", help="print the table of what is there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in () if options.summary else options.cases:
        case = CASES[name](Path(options.data_dir))
        method = _method(name, options.encoder)
        features = _features(case, method)
        prior = _prior(method, features[: case.num_pool], options.describe, CLASS_NAMES.get(name, ()))
        setup = "+".join([method.version.rsplit("-", 1)[0], *(["words"] if prior is not None else [])])
        for seed in range(options.seeds):
            for arm in options.arms:
                if not is_done(read(options.out / FILE), data=name, features=setup, arm=arm, seed=seed):
                    _run(case, features, prior, arm, seed, options, name, setup)
    print(_table(read(options.out / FILE)))


def _run(
    case: Case,
    features: np.ndarray,
    prior: torch.Tensor | None,
    arm: str,
    seed: int,
    options: argparse.Namespace,
    name: str,
    setup: str,
) -> None:
    """Run one trial, and write a row for each number of labels."""
    pool = torch.from_numpy(features[: case.num_pool])
    beside, truth = torch.from_numpy(features[case.num_pool :]), case.classes[case.num_pool :]
    class_names = tuple(str(each) for each in range(case.classes.max() + 1))
    labels: dict[int, int] = {}
    rows, start = [], time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        while True:
            given = RoundInput(
                pool,
                class_names,
                "trial",
                labels,
                (),
                seed=seed,
                acquisition="batchbald" if arm == "default" else arm,
            )
            output = run_project_round(given, BayesianHead(prior_mean=prior), Path(folder), has_prior=prior is not None)
            if len(labels) in SIZES and output.posterior is not None:
                point = output.posterior.point()
                assert point is not None
                log_probs = point.predict(beside).log_probs[:, 0]
                chosen = log_probs[torch.arange(len(truth)), torch.from_numpy(truth)]
                rows.append(
                    {
                        "data": name,
                        "features": setup,
                        "arm": arm,
                        "seed": seed,
                        "train_labels": len(labels),
                        "all_labels": _all_labels(len(labels)),
                        "accuracy": round(float((log_probs.argmax(1).numpy() == truth).mean()), 4),
                        "nll": round(float(-chosen.mean()), 4),
                        "prior_scale": output.hyperparameters.get("prior_scale", ""),
                        "cpu_s": round(time.process_time() - start, 1),
                        "machine": machine(1),
                        "measured": now(),
                    }
                )
            if len(labels) >= options.labels:
                break
            for each in output.queue[: min(10, options.labels - len(labels))]:
                labels[each.item] = int(case.classes[each.item])
    for row in rows:
        append(options.out / FILE, row)


def _all_labels(num_train: int) -> int:
    """Return the number of all labels of a project, test labels included, when it has so many training labels."""
    total = num_train
    while total - num_test_labels(total) < num_train:
        total += 1
    return total


def _method(name: str, encoder: Path | None) -> FeatureMethod:
    if name != "trec":
        return Patches()
    return EncoderAndLSA(encoder) if encoder else LSA()


def _features(case: Case, method: FeatureMethod) -> np.ndarray:
    """Return the features of all rows; they are learnt on the pool alone."""
    pool = case.contents[: case.num_pool]
    state = method.fit([pool[row] for row in np.random.default_rng(0).permutation(len(pool))[: method.fit_rows]])
    transform, rows = method.restore(state), range(0, len(case.contents), method.block_rows)
    return np.concatenate([transform(case.contents[row : row + method.block_rows]) for row in rows])


def _prior(
    method: FeatureMethod, features: np.ndarray, describe: Path | None, names: Sequence[str]
) -> torch.Tensor | None:
    if describe is None:
        return None
    sentences = tomllib.loads(describe.read_text(encoding="utf-8"))
    classes = [ClassRecord(place, name, description=sentences[name]) for place, name in enumerate(names)]
    return sentences_as_prior(method, torch.from_numpy(features), classes)


def _table(rows: list[dict[str, str]]) -> str:
    """Return medians with their range over seeds, paired with random of the same seed where it is there."""
    cells = {
        (row["data"], row["features"], row["arm"], row["train_labels"], row["seed"]): float(row["accuracy"])
        for row in rows
    }
    lines = []
    for data, features, arm, size in dict.fromkeys(key[:4] for key in cells):
        seeds = [key[4] for key in cells if key[:4] == (data, features, arm, size)]
        found = [100 * cells[data, features, arm, size, seed] for seed in seeds]
        pairs = [
            100 * (cells[data, features, arm, size, seed] - cells[data, features, "random", size, seed])
            for seed in seeds
            if arm != "random" and (data, features, "random", size, seed) in cells
        ]
        nll = [
            float(row["nll"])
            for row in rows
            if (row["data"], row["features"], row["arm"], row["train_labels"]) == (data, features, arm, size)
        ]
        paired = f"{np.median(pairs):+.1f} ({sum(p > 0 for p in pairs)}/{len(pairs)})" if pairs else ""
        spread = f"{np.median(found):.1f} ({min(found):.1f} to {max(found):.1f})"
        lines.append(
            [data, features, arm, size, _all_labels(int(size)), len(found), spread, paired, f"{np.median(nll):.2f}"]
        )
    columns = [
        "data",
        "features",
        "arm",
        "training labels",
        "all labels",
        "seeds",
        "accuracy %",
        "beside random",
        "NLL",
    ]
    return markdown(columns, lines)


if __name__ == "__main__":
    main()
