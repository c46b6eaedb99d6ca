"""Which classes each round of a study queried: are the hundred highest scores a hundred of the same class?

    python benchmarks/queried_classes.py reports/few-labels

One line for each round of each trial, from the journals alone: labels known before, accuracy, and how many rows of
each class were queried, most first.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from lindley.session.state import Round
from lindley.study.read_results import load_results
from lindley.study.results import TrialResults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the output of a run")
    for experiment in load_results(parser.parse_args().folder).experiments:
        for trial in experiment.trials:
            print(f"{experiment.name}, {trial.acquisition}, seed {trial.seed}")
            for each in trial.rounds:
                print(f"  {each.labels:5d} labels, {100 * each.metrics['accuracy']:.1f} %: {describe(trial, each)}")


def describe(trial: TrialResults, queried: Round) -> str:
    """Return how many rows of each class a round queried, most first; rows of none of the classes count together."""
    names = trial.manifest["class_names"]
    classes = [names[trial.classes[row]] if row in trial.classes else None for row in queried.rows]
    counts = Counter(classes).most_common()
    return ", ".join(f"{count} of {'no class' if name is None else f'class {name}'}" for name, count in counts) or "-"


if __name__ == "__main__":
    main()
