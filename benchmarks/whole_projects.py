"""Whole projects by the command line: does the interval of `lindley status` hold the accuracy of the model in truth?

    python benchmarks/whole_projects.py [trec] [mnist] [--seeds 20] [--labels 200] [--data-dir DIR] [--out DIR]

Each project is made by `lindley init`, labelled by a simulated person through the server, and predicted; "covered" says
whether the interval ("now, one look") holds the accuracy on all items without a training label, by the labels that
nobody gave. Rows go to whole_projects.csv as they come, and what is there is not done again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from feature_quality import mnist
from PIL import Image
from records import DEFAULT_FOLDER, append, is_done, machine, markdown, now, read

from lindley.labelling.project import Project

FILE = "whole_projects.csv"
QUESTIONS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=["trec"], help="trec, mnist")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--labels", type=int, default=200, help="of a project, test labels included")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LINDLEY_DATA"))
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER)
    options = parser.parse_args()
    for name in options.cases:
        for seed in range(options.seeds):
            if not is_done(read(options.out / FILE), data=name, seed=seed, labels=options.labels):
                with tempfile.TemporaryDirectory() as folder:
                    found = run_project(Path(folder), Path(options.data_dir), name, seed, options.labels)
                case = {"data": name, "seed": seed, "labels": options.labels}
                append(options.out / FILE, {**case, **found, "machine": machine(1), "measured": now()})
    print(_table(read(options.out / FILE)))


def run_project(folder: Path, data: Path, name: str, seed: int, labels: int) -> dict[str, object]:
    """Make, label and predict one project, and return what its status says beside the truth."""
    truth, start = folder / "truth.csv", time.monotonic()
    source = write_questions(truth, data) if name == "trec" else write_images(truth, data)
    kind = ["--text", "item"] if name == "trec" else []
    classes = ",".join(QUESTIONS if name == "trec" else map(str, range(10)))
    lindley("init", source, *kind, "--classes", classes, "--to", folder / "project", "--seed", seed)
    init = time.monotonic() - start
    lindley("label", folder / "project", "--simulate", truth, "--labels", labels, "--seed", seed)
    accuracy = json.loads(lindley("status", folder / "project", "--json"))["accuracy"]
    real, num_train = true_accuracy(folder / "project", truth)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "train_labels": num_train,
        "test_labels": accuracy["num_labels"],
        "share": round(accuracy["share"], 4),
        "low": round(accuracy["low"], 4),
        "high": round(accuracy["high"], 4),
        "truth": round(real, 4),
        "covered": accuracy["low"] <= real <= accuracy["high"],
        "init_s": round(init, 1),
        "all_s": round(time.monotonic() - start, 1),
        "cpu_s_so_far": round(used.ru_utime + used.ru_stime, 1),
    }


def true_accuracy(folder: Path, truth: Path) -> tuple[float, int]:
    """Return the accuracy of the last model on the items it was not trained on, and the number of those it was."""
    with truth.open(encoding="utf-8", newline="") as file:
        classes = {row["item"]: row["class"] for row in csv.DictReader(file)}
    with Project.open(folder) as project:
        probs, names = project.probs(), [each.name for each in project.classes()]
        told = {each.item for each in project.store.events() if each.kind == "label"}
        items, is_text = list(project.store.items()), project.settings.kind == "text"
        assert probs is not None
        rest = [each for each in items if not (each.id in told and each.stream == "train")]
        shown = {each.id: each.content if is_text else project.place(each.id) for each in rest}
        right = [names[int(probs[each.id].argmax())] == classes[shown[each.id]] for each in rest]
    return float(np.mean(right)), len(items) - len(rest)


def write_questions(truth: Path, data: Path) -> Path:
    """Write TREC's questions with their classes; the project reads the questions alone."""
    with (data / "trec6" / "trec6_train.tsv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["coarse"]) for row in csv.DictReader(file, delimiter="\t")]
    with truth.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("item", "class"), *rows])
    return truth


def write_images(truth: Path, data: Path) -> Path:
    """Write 2,000 images of digits into a folder, and their classes beside it."""
    case, folder = mnist(data), truth.parent / "images"
    folder.mkdir()
    rows = []
    for number, (pixels, digit) in enumerate(zip(case.contents[:2000], case.classes[:2000], strict=True)):
        Image.fromarray(pixels).save(folder / f"{number:04}.png")
        rows.append((f"{number:04}.png", digit))
    with truth.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("item", "class"), *rows])
    return folder


def lindley(*words: Any) -> str:
    """Run the command line, and return what it printed; a failure ends the benchmark."""
    command = [sys.executable, "-m", "lindley", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"lindley {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def _table(rows: list[dict[str, str]]) -> str:
    lines = []
    for name, labels in dict.fromkeys((row["data"], row["labels"]) for row in rows):
        found = [row for row in rows if (row["data"], row["labels"]) == (name, labels)]
        truths = [100 * float(row["truth"]) for row in found]
        spread = f"{np.median(truths):.1f} ({min(truths):.1f} to {max(truths):.1f})"
        covered = f"{sum(row['covered'] == 'True' for row in found)}/{len(found)}"
        width = np.median([100 * (float(row["high"]) - float(row["low"])) for row in found])
        seconds = np.median([float(row["all_s"]) for row in found])
        lines.append([name, labels, found[0]["test_labels"], spread, covered, f"{width:.0f}", f"{seconds:.0f}"])
    columns = ["data", "labels", "of them test", "accuracy in truth %", "interval holds it", "median width", "median s"]
    return markdown(columns, lines)


if __name__ == "__main__":
    main()
