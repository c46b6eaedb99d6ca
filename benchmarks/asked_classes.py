"""Which classes each round of a study asked for: are the hundred highest scores a hundred of the same?

    python benchmarks/asked_classes.py reports/few-labels

One line for each round of each trial, from the journals alone: labels known before, accuracy, and how many rows of
each class were asked for, most first.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from lindley.study.read_results import load_results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the output of a run")
    for panel in load_results(parser.parse_args().folder).experiments:
        for trial in panel.trials:
            print(f"{panel.name}, {trial.acquisition}, seed {trial.seed}")
            for event in trial.rounds:
                counts = Counter(event["selection"]["classes"]).most_common() if event["selection"] else []
                asked = ", ".join(f"{number} of class {name}" for name, number in counts)
                print(f"  {event['labels']:5d} labels, {100 * event['metrics']['accuracy']:.1f} %: {asked or '-'}")


if __name__ == "__main__":
    main()
