"""What kinds of rows the labels of a round were spent on, where the pool is corrupted."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import Rows


def observe_queried(dataset: Dataset, rare: Collection[str]) -> Callable[[RoundView], Observation]:
    """Return the observer of `asked`, the counts of all rows labelled so far, and `pool`, those of the whole pool.

    The true classes are known to the observer alone; an acquisition sees none of it.

    Args:
        dataset: The pool, what its oracle answers, and the true classes.
        rare: The names of the classes of which few rows were kept.
    """
    of_pool = count_kinds(dataset, rare, torch.arange(len(dataset.pool)))

    def observe(view: RoundView) -> Observation:
        return Observation(
            metrics={"asked": count_kinds(dataset, rare, view.round_labels.labelled_rows), "pool": of_pool}
        )

    return observe


def count_kinds(dataset: Dataset, rare: Collection[str], rows: Rows) -> dict[str, int]:
    """Count the rows of each kind among some rows of the pool.

    Args:
        dataset: The pool, what its oracle answers, and the true classes.
        rare: The names of the classes of which few rows were kept.
        rows: [n], without repetition.

    Returns:
        `labels`, all of them; `rare`, those whose true class is rare; `repeated`, those beyond the first of one
        source; `wrong`, those of which the oracle answers another class than the true one; `outside`, those of none
        of the classes.
    """
    truth, answers = dataset.truth[rows], dataset.classes[rows]
    wanted = torch.tensor([dataset.task.class_names.index(name) for name in rare], dtype=torch.int64)
    sources = rows if dataset.sources is None else dataset.sources[rows]
    return {
        "labels": rows.numel(),
        "rare": int(torch.isin(truth, wanted).sum()),
        "repeated": rows.numel() - sources.unique().numel(),
        "wrong": int((answers != truth).sum()),
        "outside": int((truth == NONE_OF_THE_CLASSES).sum()),
    }
