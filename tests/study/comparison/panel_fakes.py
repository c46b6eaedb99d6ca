"""Panels in memory whose trials reach an accuracy after a stated number of labels: no files, so quick to make."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lindley.study.results import PanelResults, TrialResults

GRID = tuple(range(20, 221, 10))
LEVEL = 0.95


def panel_reaching(
    needed: Mapping[str, Sequence[float]], *, grid: Sequence[int] = GRID, data: str = "digits", **options: Any
) -> PanelResults:
    """needed[acquisition][seed]: after how many labels the accuracy is LEVEL; it rises with the logarithm of labels."""
    trials = [
        TrialResults(name, seed, _manifest(), _rounds(labels, grid), _start(), Path(), True)
        for name, seeds in needed.items()
        for seed, labels in enumerate(seeds)
    ]
    config = {
        "acquisitions": {name: {} for name in needed},
        "data": {"name": data, "options": options},
        "schedule": {"max_labels": grid[-1]},
    }
    return PanelResults("made-up", "Made up", config, trials)


def asking(trial: TrialResults, rows: Sequence[Sequence[int]], classes: Sequence[Sequence[int]]) -> TrialResults:
    """The same trial, having asked for these rows in its first rounds."""
    rounds = [dict(event) for event in trial.rounds]
    for event, asked, told in zip(rounds, rows, classes, strict=False):
        event["selection"] = {"rows": list(asked), "classes": list(told)}
    return TrialResults(
        trial.acquisition, trial.seed, trial.manifest, rounds, trial.start, trial.folder, trial.complete
    )


def _rounds(needed: float, grid: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "labels": labels,
            "metrics": {"accuracy": min(1.0, LEVEL + 0.02 * math.log(labels / needed))},
            "selection": None,
        }
        for labels in grid
    ]


def _manifest() -> dict[str, Any]:
    return {"class_names": ["a", "b"], "num_rows": 30}


def _start() -> dict[str, Any]:
    return {"rows": [0, 1], "classes": [0, 1]}
