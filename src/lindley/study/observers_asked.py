"""What the labels of a round were spent on where the pool is hard: rare classes, repeats, wrong answers, strangers."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from lindley.contracts import NO_CLASS
from lindley.datasets.dataset import Dataset
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import Rows


def observe_asked(dataset: Dataset, rare: Collection[str]) -> Callable[[RoundView], Observation]:
    """The observer of `asked`, counts of all labels told so far, and `pool`, the same of every row of the pool.

    Each has `labels`, how many rows; `rare`, those whose true class is one of these; `repeated`, those beyond the
    first of one source; `wrong`, those of which the oracle tells another class than the true one; `outside`, those
    of no class. Nothing that an acquisition sees: the true classes are known to the observer alone.
    """
    of_pool = counted(dataset, rare, torch.arange(len(dataset.pool)))

    def observe(view: RoundView) -> Observation:
        return Observation(metrics={"asked": counted(dataset, rare, view.known.labelled_rows), "pool": of_pool})

    return observe


def counted(dataset: Dataset, rare: Collection[str], rows: Rows) -> dict[str, int]:
    """The counts of these rows, each of which comes once."""
    truth, answers = dataset.truth[rows], dataset.classes[rows]
    wanted = torch.tensor([dataset.task.class_names.index(name) for name in rare], dtype=torch.int64)
    sources = rows if dataset.sources is None else dataset.sources[rows]
    return {
        "labels": rows.numel(),
        "rare": int(torch.isin(truth, wanted).sum()),
        "repeated": rows.numel() - sources.unique().numel(),
        "wrong": int((answers != truth).sum()),
        "outside": int((truth == NO_CLASS).sum()),
    }
