"""What the defaults of a labelling project are worth: accuracy beside random, on rows beside the pool.

    python benchmarks/labelling_quality.py [trec] [mnist] [cifar] [--seeds 10] [--labels 300] [--arms NAME ...]
                                           [--encoder FOLDER|lite0] [--describe FILE] [--data-dir DIR] [--out DIR]

Each trial labels a pool with its true classes, ten at a time, as `lindley label` trains: the same round on the same
features, without a server. A fifth of the pool is the test stream, which no round learns from. An arm is "default", the
acquisition of a new project (TypiClust first, then BatchBALD, or margin for images), or the name of an acquisition. A
number of training labels stands beside that of all labels, test labels included. "covered" says whether the 95 %
interval of the test labels holds the accuracy on all rows of the pool that have no training label. Rows go to
labelling_quality.csv as they come, and what is there is not done again; --summary prints the table alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from feature_quality import CASES, Case
from lite0 import Lite0
from records import DEFAULT_FOLDER, append, is_done, machine, markdown, now, read

from lindley.features import LSA, EncoderAndLSA, FeatureMethod, Patches
from lindley.labelling.accuracy import estimate_accuracy
from lindley.labelling.class_sentences import sentences_as_prior
from lindley.labelling.records import ClassRecord
from lindley.labelling.settings import DEFAULT_ACQUISITIONS
from lindley.labelling.streams import TEST_SHARE, num_test_labels
from lindley.labelling.training_round import RoundInput, project_learners, run_project_round

Row = dict[str, object]

SIZES = (10, 20, 50, 100, 200, 300)
CLASS_NAMES = {"trec": ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")}
FILE = "labelling_quality.csv"
GROUP = ("data", "features", "arm", "train_labels")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=["trec"], help=f"among {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--labels", type=int, default=300, help="training labels of a trial")
    parser.add_argument("--arms", nargs="*", default=["default", "random"], metavar="NAME")
    parser.add_argument("--encoder", help='the folder of a sentence encoder, put beside LSA; "lite0" for images')
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
                if is_done(read(options.out / FILE), data=name, features=setup, arm=arm, seed=seed):
                    continue
                for row in _run(case, features, prior, arm, seed, options.labels):
                    run = {"machine": machine(1), "measured": now()}
                    append(options.out / FILE, {"data": name, "features": setup, **row, **run})
    print(_table(read(options.out / FILE)))


def _run(case: Case, features: np.ndarray, prior: torch.Tensor | None, arm: str, seed: int, labels: int) -> list[Row]:
    """Run one trial, and return a row for each number of labels."""
    pool = torch.from_numpy(features[: case.num_pool])
    beside = len(case.contents)  # rows of the official test set stand behind these
    truth = np.concatenate([case.classes, *([] if case.official is None else [case.official[1]])])
    order = np.random.default_rng(seed).permutation(case.num_pool)
    test = order[: round(TEST_SHARE * case.num_pool)]
    given = RoundInput(
        pool,
        tuple(str(each) for each in range(truth.max() + 1)),
        "trial",
        {},
        test.tolist(),
        seed=seed,
        acquisition=DEFAULT_ACQUISITIONS[case.kind] if arm == "default" else arm,
    )
    learners = project_learners(case.kind, prior)
    told: dict[int, int] = {}
    rows: list[Row] = []
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        while True:
            # The model that predicts has no say in what is chosen: between the sizes it may be the cheaper one.
            each = learners if len(told) in SIZES else replace(learners, predictor=learners.chooser, has_prior=False)
            output = run_project_round(replace(given, labels=told), each, Path(folder))
            if len(told) in SIZES and output.posterior is not None:
                point = output.posterior.point()
                assert point is not None
                log_probs = point.predict(torch.from_numpy(features)).log_probs[:, 0].numpy()
                right = log_probs.argmax(1) == truth
                rest = np.setdiff1d(np.arange(case.num_pool), [*told])
                num_all = _all_labels(len(told))
                tested = right[test[: num_test_labels(num_all)]]
                now_at = estimate_accuracy(int(tested.sum()), len(tested))
                rows.append(
                    {
                        "arm": arm,
                        "seed": seed,
                        "train_labels": len(told),
                        "all_labels": num_all,
                        "accuracy": _share(right[case.num_pool : beside]),
                        "official": _share(right[beside:]),
                        "rest": _share(right[rest]),
                        "low": round(now_at.low, 4),
                        "high": round(now_at.high, 4),
                        "covered": now_at.low <= right[rest].mean() <= now_at.high,
                        "nll": round(float(-_chosen(log_probs, truth)[case.num_pool : beside].mean()), 4),
                        "prior_scale": output.hyperparameters.get("prior_scale", ""),
                        "cpu_s": round(time.process_time() - start, 1),
                    }
                )
            if len(told) >= labels:
                return rows
            told |= {each.item: int(truth[each.item]) for each in output.queue[: min(10, labels - len(told))]}


def _share(right: np.ndarray) -> float | str:
    return round(float(right.mean()), 4) if len(right) else ""


def _chosen(log_probs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the log probability of the true class of each row."""
    return np.take_along_axis(log_probs, truth[:, None], axis=1)[:, 0]


def _all_labels(num_train: int) -> int:
    """Return the number of all labels of a project, test labels included, when it has so many training labels."""
    total = num_train
    while total - num_test_labels(total) < num_train:
        total += 1
    return total


def _method(name: str, encoder: str | None) -> FeatureMethod:
    if name == "trec":
        return EncoderAndLSA(encoder) if encoder else LSA()
    return Lite0() if encoder == "lite0" else Patches()


def _features(case: Case, method: FeatureMethod) -> np.ndarray:
    """Return the features of all rows, the official test set last; they are learnt on the pool alone."""
    pool, contents = case.contents[: case.num_pool], [*case.contents, *(case.official or ([],))[0]]
    state = method.fit([pool[row] for row in np.random.default_rng(0).permutation(len(pool))[: method.fit_rows]])
    transform, rows = method.restore(state), range(0, len(contents), method.block_rows)
    return np.concatenate([transform(contents[row : row + method.block_rows]) for row in rows])


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
    cells = {tuple(row[key] for key in (*GROUP, "seed")): row for row in rows}
    lines = []
    for group in dict.fromkeys(key[:-1] for key in cells):
        found = [row for key, row in cells.items() if key[:-1] == group]
        random = [cells.get((*group[:2], "random", group[3], row["seed"])) for row in found]
        pairs = [(row, other) for row, other in zip(found, random, strict=True) if other and group[2] != "random"]
        line = [*group, found[0]["all_labels"], len(found)]
        for name in ("accuracy", "official"):
            values = [100 * float(row[name]) for row in found if row[name]]
            gains = [100 * (float(row[name]) - float(other[name])) for row, other in pairs if row[name]]
            line.append(f"{np.median(values):.1f} ({min(values):.1f} to {max(values):.1f})" if values else "")
            line.append(f"{np.median(gains):+.1f} ({sum(each > 0 for each in gains)}/{len(gains)})" if gains else "")
        line.append(f"{np.median([float(row['nll']) for row in found]):.2f}")
        line.append(f"{sum(row['covered'] == 'True' for row in found)}/{len(found)}")
        lines.append(line)
    return markdown(
        [
            "data",
            "features",
            "arm",
            "training labels",
            "all labels",
            "seeds",
            "accuracy %",
            "beside random",
            "official %",
            "beside random",
            "NLL",
            "covered",
        ],
        lines,
    )


if __name__ == "__main__":
    main()
