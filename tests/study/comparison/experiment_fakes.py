"""Experiments in memory whose trials reach an accuracy after a stated number of labels: no files, so quick to make."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lindley.session.events import Fitted, Queried
from lindley.session.state import Round
from lindley.study.results import ExperimentResults, TrialResults

GRID = tuple(range(20, 221, 10))
LEVEL = 0.95


def experiment_reaching(
    needed: Mapping[str, Sequence[float]], *, grid: Sequence[int] = GRID, data: str = "digits", **options: Any
) -> ExperimentResults:
    """needed[acquisition][seed]: after how many labels the accuracy is LEVEL; it rises with the logarithm of labels."""
    trials = [
        TrialResults(name, seed, _manifest(), _rounds(labels, grid), (0, 1), {0: 0, 1: 1}, Path(), True)
        for name, seeds in needed.items()
        for seed, labels in enumerate(seeds)
    ]
    config = {
        "acquisitions": {name: {} for name in needed},
        "data": {"name": data, "options": options},
        "schedule": {"max_labels": grid[-1]},
    }
    return ExperimentResults("made-up", "Made up", config, trials)


def asking(trial: TrialResults, rows: Sequence[Sequence[int]], classes: Sequence[Sequence[int]]) -> TrialResults:
    """The same trial, having asked for these rows in its first rounds."""
    rounds = [
        replace(each, query=Queried(round=each.index, purpose="train", rows=list(rows[each.index])))
        if each.index < len(rows)
        else each
        for each in trial.rounds
    ]
    told = {row: one for some, ones in zip(rows, classes, strict=True) for row, one in zip(some, ones, strict=True)}
    return replace(trial, rounds=rounds, classes={**trial.classes, **told})


def _rounds(needed: float, grid: Sequence[int]) -> list[Round]:
    def accuracy(labels: int) -> float:
        return min(1.0, LEVEL + 0.02 * math.log(labels / needed))

    fits = (Fitted(round=i, labels=each, metrics={"accuracy": accuracy(each)}) for i, each in enumerate(grid))
    return [Round(fit) for fit in fits]


def _manifest() -> dict[str, Any]:
    return {"class_names": ["a", "b"], "num_rows": 30}


def with_metrics(round: Round, metrics: Mapping[str, Any]) -> Round:
    """The same round, having measured this."""
    return replace(round, fit=round.fit.model_copy(update={"metrics": metrics}))
